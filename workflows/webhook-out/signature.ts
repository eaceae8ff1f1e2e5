import { createHmac, randomBytes } from 'node:crypto'

/** A new secret as Standard Webhooks spells it: 32 random bytes. */
export function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`
}

/**
 * The three headers of Standard Webhooks. The time is the attempt's, the id the message's: receivers drop what is old, and what they had before.
 * @param secrets the newest first; during a rotation the one before signs as well
 */
export function signedHeaders(message: { id: string; body: string; at: Date }, secrets: readonly string[]): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const timestamp = String(Math.floor(message.at.getTime() / 1_000))
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
    return `v1,${createHmac('sha256', key).update(`${message.id}.${timestamp}.${message.body}`).digest('base64')}`
  })
  return { 'webhook-id': message.id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}
