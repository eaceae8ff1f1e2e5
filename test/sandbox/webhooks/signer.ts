import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'

/** The sandbox's own Ed25519 key; apps accept it because the list of keys is configuration. */
export interface Signer {
  /** Base64 of the SPKI form, as an app's configuration wants it. */
  publicKey: string
  /** Base64 of the PKCS#8 form, for the state file. */
  privateKey: string
  /** Base64 signature over the bytes of `body`. */
  sign(body: string): string
}

export function createSigner(privateKeyBase64?: string): Signer {
  const key: KeyObject = privateKeyBase64 === undefined
    ? generateKeyPairSync('ed25519').privateKey
    : createPrivateKey({ key: Buffer.from(privateKeyBase64, 'base64'), format: 'der', type: 'pkcs8' })
  return {
    publicKey: createPublicKey(key).export({ format: 'der', type: 'spki' }).toString('base64'),
    privateKey: key.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
    sign: (body) => sign(null, Buffer.from(body, 'utf8'), key).toString('base64'),
  }
}
