import { raw, Router, type NextFunction, type Request, type Response } from 'express'
import type { Logger } from '../src/kernel/logger.ts'
import { maxBodyBytes, receiveStatus, type ReceiveOutcome, type WebhookReceiver } from './receive.ts'

export const webhookPath = '/webhooks/highlevel'

/** `POST /webhooks/highlevel`. Mount it before any body parser: signatures are over the raw bytes. */
export function createWebhookRouter(receive: WebhookReceiver, logger: Logger): Router {
  const router = Router()
  router.post(webhookPath, raw({ type: () => true, limit: maxBodyBytes, inflate: false }), async (request: Request, response: Response) => {
    const body: unknown = request.body
    answer(response, await receive(Buffer.isBuffer(body) ? body : Buffer.alloc(0), request.headers))
  })
  router.use(webhookPath, (error: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) {
      next(error)
      return
    }
    const type = typeof error === 'object' && error !== null ? (error as { type?: unknown }).type : undefined
    if (type === 'entity.too.large') answer(response, { kind: 'too_large' })
    else if (typeof type === 'string') answer(response, { kind: 'malformed' })
    else {
      logger.error({ code: 'webhook_failed' }, 'webhook could not be received')
      // Never a 5xx: HighLevel would not repeat it under all of its rules.
      answer(response, { kind: 'not_stored', retryAfterSeconds: 30 })
    }
  })
  return router
}

const messages: Partial<Record<ReceiveOutcome['kind'], string>> = {
  unsigned: 'The X-GHL-Signature header is missing.',
  signature_invalid: 'The signature does not fit the body.',
  malformed: 'The body must be a JSON object with a type.',
  too_large: 'The body is larger than 1 MB.',
  not_stored: 'The event could not be stored; send it again.',
}

function answer(response: Response, outcome: ReceiveOutcome): void {
  const status = receiveStatus[outcome.kind]
  if (outcome.kind === 'not_stored') response.setHeader('Retry-After', String(outcome.retryAfterSeconds))
  const message = messages[outcome.kind]
  if (message === undefined) response.status(status).json({ outcome: outcome.kind })
  else response.status(status).json({ error: { code: outcome.kind, message } })
}
