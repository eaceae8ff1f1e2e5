import type { IncomingMessage, ServerResponse } from 'node:http'
import { Router } from 'express'
import type { Logger } from '../src/kernel/logger.ts'
import { maxBodyBytes, receiveStatus, type ReceiveOutcome, type WebhookReceiver } from './receive.ts'

export const webhookPath = '/webhooks/highlevel'

/**
 * `POST /webhooks/highlevel`. Mount it before any body parser: signatures are over the raw bytes. Bodies and answers go past Express's own
 * parsers and helpers: their work per delivery (entity tags, type negotiation) serves nobody here.
 */
export function createWebhookRouter(receive: WebhookReceiver, logger: Logger): Router {
  const router = Router()
  router.post(webhookPath, (request, response) => {
    void readBody(request)
      .then((body) => (Buffer.isBuffer(body) ? receive(body, request.headers) : body))
      .catch((): ReceiveOutcome => {
        logger.error({ code: 'webhook_failed' }, 'webhook could not be received')
        // Never a 5xx: HighLevel would not repeat it under all of its rules.
        return { kind: 'not_stored', retryAfterSeconds: 30 }
      })
      .then((outcome) => answer(response, outcome))
  })
  return router
}

/** @returns the bytes as they came, or why they are not looked at */
function readBody(request: IncomingMessage): Promise<Buffer | ReceiveOutcome> {
  return new Promise((resolve) => {
    const { 'content-length': length = '0', 'content-encoding': encoding = 'identity' } = request.headers
    // What is refused is still read to its end, so that the sender gets to the answer.
    const refuse = (kind: 'too_large' | 'malformed'): void => {
      request.resume()
      resolve({ kind })
    }
    if (encoding.toLowerCase() !== 'identity') {
      refuse('malformed')
      return
    }
    if (Number(length) > maxBodyBytes) {
      refuse('too_large')
      return
    }
    let parts: Buffer[] = []
    let bytes = 0
    request.on('data', (part: Buffer) => {
      bytes += part.length
      if (bytes <= maxBodyBytes) parts.push(part)
      else {
        parts = []
        resolve({ kind: 'too_large' })
      }
    })
    request.on('end', () => resolve(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)))
    // Cut off: nobody waits for the answer any more.
    request.on('error', () => resolve({ kind: 'malformed' }))
  })
}

const messages: Partial<Record<ReceiveOutcome['kind'], string>> = {
  unsigned: 'The X-GHL-Signature header is missing.',
  signature_invalid: 'The signature does not fit the body.',
  malformed: 'The body must be a JSON object with a type.',
  too_large: 'The body is larger than 1 MB.',
  not_stored: 'The event could not be stored; send it again.',
}

const kinds = Object.keys(receiveStatus) as ReceiveOutcome['kind'][]
/** What each outcome is answered with. */
const bodies = Object.fromEntries(
  kinds.map((kind) => [kind, JSON.stringify(messages[kind] === undefined ? { outcome: kind } : { error: { code: kind, message: messages[kind] } })]),
) as Record<ReceiveOutcome['kind'], string>

function answer(response: ServerResponse, outcome: ReceiveOutcome): void {
  const body = bodies[outcome.kind]
  response.writeHead(receiveStatus[outcome.kind], {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': body.length,
    ...(outcome.kind === 'not_stored' ? { 'Retry-After': String(outcome.retryAfterSeconds) } : {}),
  })
  response.end(body)
}
