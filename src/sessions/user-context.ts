import { createDecipheriv, createHash } from 'node:crypto'
import { z } from 'zod'

const id = z.string().min(1).max(64).regex(/^[\w-]+$/)

/** What HighLevel says about the person in front of the page. Members that we do not use may be anything. */
const userContext = z.object({
  userId: id,
  companyId: id,
  role: z.string().max(40).optional(),
  /** Describes the user, not the place: take the place from `activeLocation`. */
  type: z.string().max(40).optional(),
  activeLocation: z.union([id, z.literal('').transform(() => undefined)]).nullish(),
  userName: z.string().max(200).nullish(),
  email: z.string().max(320).nullish(),
})

/** A decrypted, well-formed user context, and the hash of the bytes it came in. */
export interface UserContext {
  userId: string
  companyId: string
  type: string | null
  activeLocation: string | null
  /** Same for every spelling of the same bytes. */
  blobHash: string
}

/** OpenSSL's EVP_BytesToKey with MD5 and one round: 32 bytes of key, 16 of IV. The format of CryptoJS passphrases; not our choice. */
function keyAndIv(passphrase: string, salt: Buffer): { key: Buffer; iv: Buffer } {
  const blocks: Buffer[] = []
  let previous: Buffer = Buffer.alloc(0)
  while (blocks.length < 3) {
    previous = createHash('md5').update(previous).update(passphrase, 'utf8').update(salt).digest()
    blocks.push(previous)
  }
  const material = Buffer.concat(blocks)
  return { key: material.subarray(0, 32), iv: material.subarray(32, 48) }
}

function decrypted(blob: Buffer, secret: string): string | null {
  const { key, iv } = keyAndIv(secret, blob.subarray(8, 16))
  try {
    const decipher = createDecipheriv('aes-256-cbc', key, iv)
    return Buffer.concat([decipher.update(blob.subarray(16)), decipher.final()]).toString('utf8')
  } catch {
    // Wrong secret or altered bytes: indistinguishable, and treated alike.
    return null
  }
}

function parsed(text: string): z.output<typeof userContext> | null {
  try {
    const result = userContext.safeParse(JSON.parse(text))
    return result.success ? result.data : null
  } catch {
    // Random bytes with valid padding are not JSON.
    return null
  }
}

/**
 * Opens the string that the parent window hands over: base64 of `Salted__`, 8 bytes of salt, AES-256-CBC.
 * @param secrets the shared secrets, the current one first; the previous one is accepted during a rotation
 * @returns null for anything that is not exactly that
 */
export function openUserContext(encryptedData: string, secrets: readonly string[]): UserContext | null {
  const text = encryptedData.trim()
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null
  const blob = Buffer.from(text, 'base64')
  if (blob.length < 32 || blob.length % 16 !== 0 || blob.subarray(0, 8).toString('latin1') !== 'Salted__') return null
  for (const secret of secrets) {
    const plain = decrypted(blob, secret)
    const context = plain === null ? null : parsed(plain)
    if (context === null) continue
    return {
      userId: context.userId,
      companyId: context.companyId,
      type: context.type ?? null,
      activeLocation: context.activeLocation ?? null,
      blobHash: createHash('sha256').update(blob).digest('hex'),
    }
  }
  return null
}
