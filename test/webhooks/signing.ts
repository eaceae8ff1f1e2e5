import { generateKeyPairSync, sign } from 'node:crypto'

/** A pair of webhook keys, as HighLevel would have one. */
export function createSigningKeys(): { publicKey: string; publicKeyPem: string; sign(body: string | Buffer): string } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return {
    publicKey: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
    publicKeyPem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    sign: (body) => sign(null, Buffer.from(body), privateKey).toString('base64'),
  }
}
