import type { Clock } from '../src/kernel/clock.ts'
import { PermanentError } from '../src/kernel/errors.ts'
import type { Logger } from '../src/kernel/logger.ts'
import type { Wake } from '../src/kernel/wake.ts'
import type { Inbox, InboxEvent } from '../src/inbox/index.ts'
import { createPump, type Claimed, type HandleOutcome, type Pump } from '../src/store/index.ts'
import { isWebhookType, webhookCatalog } from './catalog.ts'
import type { WebhookContext, WebhookFeatures } from './define.ts'

/** Works on one stored event: reads its payload by its schema and hands it to the feature that it concerns. */
export function createWebhookProcessor(features: WebhookFeatures): (claimed: Claimed<InboxEvent>) => Promise<HandleOutcome> {
  return async ({ key, data }) => {
    const { type, locationId, occurredAt, payload } = data
    if (!isWebhookType(type)) return 'ignored'
    const event = webhookCatalog[type]
    const parsed = event.schema.safeParse(JSON.parse(payload))
    if (!parsed.success) {
      const members = parsed.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.')}: ${issue.code}`)
      throw new PermanentError('webhook_unreadable', `The event ${type} does not have its documented form (${members.join('; ')}).`)
    }
    const companyId = data.companyId ?? (locationId === null ? null : await features.installations.companyOf(locationId))
    const context: WebhookContext<unknown> = { payload: parsed.data, companyId, locationId, at: occurredAt, eventId: key }
    return event.handle(context as WebhookContext<never>, features)
  }
}

export function createWebhookPump(deps: { inbox: Inbox; features: WebhookFeatures; clock: Clock; logger: Logger; wake: Wake; concurrency?: number }): Pump {
  const { inbox, features, clock, logger, wake, concurrency = 16 } = deps
  return createPump({ name: 'inbox', queue: inbox.queue, handle: createWebhookProcessor(features), clock, logger, wake, pumpName: 'inbox', concurrency, batch: 2 * concurrency })
}
