import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { hashOf } from './ids.ts'
import { CodedError } from './errors.ts'

/** Encrypts small secrets for storage and derives purpose-bound signing keys from `APP_SECRET`. */
export interface CryptoBox {
  /** AES-256-GCM. `context` (for example the record's id) is authenticated: a ciphertext moved to another record does not open. */
  seal(plaintext: string, context: string): string
  /** @throws CodedError `secret_unreadable` if no current or previous key opens it, or the context differs. */
  open(sealed: string, context: string): string
  /** True if the text was sealed under a previous key and should be sealed again. */
  isOutdated(sealed: string): boolean
  /** 32 bytes bound to a purpose; the first is current, the rest are from previous secrets (accept, never issue). */
  signingKeys(purpose: string): Buffer[]
}

interface VersionedKey {
  id: string
  sealing: Buffer
  secret: string
}

function derive(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'barometer', purpose, 32))
}

/**
 * @param current `APP_SECRET`
 * @param previous `APP_SECRET_PREVIOUS`, still accepted for opening during a rotation
 */
export function createCryptoBox(current: string, previous?: string): CryptoBox {
  const keys: VersionedKey[] = [current, ...(previous === undefined ? [] : [previous])].map((secret) => ({
    id: hashOf('key-id', secret).slice(0, 8),
    sealing: derive(secret, 'seal'),
    secret,
  }))
  const [currentKey] = keys
  if (currentKey === undefined) throw new CodedError('secret_missing', 'APP_SECRET is not set.')

  return {
    seal(plaintext, context) {
      const iv = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', currentKey.sealing, iv)
      cipher.setAAD(Buffer.from(context))
      const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()])
      return ['v1', currentKey.id, iv.toString('base64url'), cipher.getAuthTag().toString('base64url'), body.toString('base64url')].join('.')
    },
    open(sealed, context) {
      const [version, keyId, iv, tag, body] = sealed.split('.')
      const key = keys.find((candidate) => candidate.id === keyId)
      if (version !== 'v1' || key === undefined || iv === undefined || tag === undefined || body === undefined) {
        throw new CodedError('secret_unreadable', 'A stored secret was sealed with another APP_SECRET. Set APP_SECRET_PREVIOUS to the old value.')
      }
      try {
        const decipher = createDecipheriv('aes-256-gcm', key.sealing, Buffer.from(iv, 'base64url'), { authTagLength: 16 })
        decipher.setAAD(Buffer.from(context))
        decipher.setAuthTag(Buffer.from(tag, 'base64url'))
        return Buffer.concat([decipher.update(Buffer.from(body, 'base64url')), decipher.final()]).toString('utf8')
      } catch (cause) {
        throw new CodedError('secret_unreadable', 'A stored secret is damaged or belongs to another record.', { cause })
      }
    },
    isOutdated: (sealed) => sealed.split('.')[1] !== currentKey.id,
    signingKeys: (purpose) => keys.map((key) => derive(key.secret, `sign:${purpose}`)),
  }
}
