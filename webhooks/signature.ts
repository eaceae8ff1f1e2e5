import { createPublicKey, verify, type KeyObject } from 'node:crypto'
import { CodedError } from '../src/kernel/errors.ts'

/** Checks HighLevel's Ed25519 signatures over raw bytes. */
export interface SignatureVerifier {
  /** @param signature the header's value: base64 of 64 bytes */
  verify(rawBody: Buffer, signature: string): Promise<boolean>
}

const signatureBytes = 64
const base64 = /^[A-Za-z0-9+/]{86}==$/

/**
 * @param publicKeys base64 SPKI or PEM; each is accepted, so that keys can be rotated with an overlap
 * @throws CodedError `webhook_key_invalid`
 */
export function createSignatureVerifier(publicKeys: readonly string[]): SignatureVerifier {
  const keys = publicKeys.map(readKey)
  return {
    async verify(rawBody, signature) {
      if (!base64.test(signature)) return false
      const bytes = Buffer.from(signature, 'base64')
      if (bytes.length !== signatureBytes) return false
      for (const key of keys) if (await verifyAsync(rawBody, key, bytes)) return true
      return false
    },
  }
}

/** The callback form computes in the thread pool and keeps the event loop free. */
function verifyAsync(rawBody: Buffer, key: KeyObject, signature: Buffer): Promise<boolean> {
  return new Promise((resolve, reject) => {
    verify(null, rawBody, key, signature, (error, valid) => {
      if (error === null) resolve(valid)
      else reject(error)
    })
  })
}

function readKey(text: string): KeyObject {
  try {
    const key = text.includes('BEGIN') ? createPublicKey(text.replaceAll('\\n', '\n')) : createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' })
    if (key.asymmetricKeyType !== 'ed25519') throw new Error('not an Ed25519 key')
    return key
  } catch (cause) {
    throw new CodedError('webhook_key_invalid', 'HIGHLEVEL_WEBHOOK_PUBLIC_KEYS: each entry must be an Ed25519 public key as base64 SPKI or PEM.', { cause })
  }
}
