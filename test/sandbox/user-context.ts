import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { missing } from './api/api-error.ts'
import type { State } from './state/state.ts'

/** What the host page tells a custom page about the person in front of it. */
export interface UserContext {
  userId: string
  companyId: string
  role: string
  type: string
  activeLocation?: string
  userName: string
  email: string
  isAgencyOwner: boolean
}

/** Encrypts as CryptoJS does with a passphrase: `Salted__`, salt, AES-256-CBC; key and IV by EVP_BytesToKey (MD5, one round). Fresh salt each time. */
export function encryptContext(context: unknown, passphrase: string): string {
  const salt = randomBytes(8)
  let derived = Buffer.alloc(0)
  let block = Buffer.alloc(0)
  while (derived.length < 48) {
    block = createHash('md5').update(block).update(passphrase, 'utf8').update(salt).digest()
    derived = Buffer.concat([derived, block])
  }
  const cipher = createCipheriv('aes-256-cbc', derived.subarray(0, 32), derived.subarray(32, 48))
  return Buffer.concat([Buffer.from('Salted__'), salt, cipher.update(JSON.stringify(context), 'utf8'), cipher.final()]).toString('base64')
}

/** @param locationId the sub-account the person is in; absent: the agency view */
export function userContextOf(state: State, userId: string, locationId?: string): UserContext {
  const user = state.users.get(userId)
  if (user === undefined) throw missing(`User with id ${userId} not found`)
  return {
    userId, companyId: user.companyId, role: user.role, type: user.type === 'agency' ? 'agency' : 'account', ...(locationId === undefined ? {} : { activeLocation: locationId }),
    userName: `${user.firstName} ${user.lastName}`.trim(), email: user.email, isAgencyOwner: user.isAgencyOwner,
  }
}
