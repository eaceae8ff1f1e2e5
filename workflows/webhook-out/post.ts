import { Agent, request } from 'node:https'
import type { LookupFunction } from 'node:net'
import { secondMs } from '../../src/kernel/clock.ts'
import { CodedError } from '../../src/kernel/errors.ts'
import type { WebhookNetwork } from './network.ts'
import { pin, targetOf } from './target.ts'

/** What the receiver answered. Its body is not read. */
export interface WebhookAnswer {
  status: number
  /** As it came: seconds, or an HTTP date. */
  retryAfter: string | null
}

export const webhookTimeoutMs = 10 * secondMs

/**
 * Posts once to the address that was checked: the name is looked up once, the connection goes to what came of it, redirects are answers like any other.
 * @throws PermanentError `webhook_url`; CodedError `webhook_unreachable`, `webhook_unresolved` (transient)
 */
export async function post(text: string, headers: Record<string, string>, body: string, network: WebhookNetwork, timeoutMs = webhookTimeoutMs): Promise<WebhookAnswer> {
  const target = targetOf(text, network)
  const signal = AbortSignal.timeout(timeoutMs)
  const ended = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(unreachable('it took too long')), { once: true }))
  const pinned = await Promise.race([pin(target, network), ended])
  return Promise.race([sent(target.url, pinned, headers, body, network, signal), ended])
}

function sent(url: URL, pinned: { address: string; family: number }, headers: Record<string, string>, body: string, network: WebhookNetwork, signal: AbortSignal): Promise<WebhookAnswer> {
  // Asked for by the connection: whatever the name means by now, it goes where we looked.
  const lookup: LookupFunction = (_host, options, callback) => {
    if (options.all === true) callback(null, [pinned])
    else callback(null, pinned.address, pinned.family)
  }
  const agent = new Agent({ keepAlive: false, maxSockets: 1, ...(network.ca === undefined ? {} : { ca: network.ca }) })
  return new Promise<WebhookAnswer>((resolve, reject) => {
    const outgoing = request(url, { method: 'POST', agent, lookup, signal, headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) } }, (response) => {
      const retryAfter = response.headers['retry-after']
      resolve({ status: response.statusCode ?? 0, retryAfter: retryAfter ?? null })
      response.destroy()
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) => reject(unreachable(error.code ?? error.name)))
    outgoing.end(body)
  }).finally(() => agent.destroy())
}

function unreachable(why: string): CodedError {
  return new CodedError('webhook_unreachable', `The receiver could not be reached (${why}).`)
}
