import type { Connection } from 'mongoose'
import type { DomainEvent, Events } from '../../src/events/index.ts'
import { dayMs, hourMs, minuteMs, secondMs, type Clock } from '../../src/kernel/clock.ts'
import { mentions, type ForgottenPerson } from '../../src/kernel/forgotten.ts'
import type { CryptoBox } from '../../src/kernel/crypto-box.ts'
import { CodedError, describeError, notFound, PermanentError, RetryAfterError, retryVerdictOf } from '../../src/kernel/errors.ts'
import { noFaultPoint, type FaultPoint } from '../../src/kernel/fault-point.ts'
import { hashOf } from '../../src/kernel/ids.ts'
import type { Logger } from '../../src/kernel/logger.ts'
import type { Wake } from '../../src/kernel/wake.ts'
import { createLeasedQueue, createPump, type Claimed, type HandleOutcome, type LeasedQueue, type Pump } from '../../src/store/index.ts'
import { webhookModels } from './model.ts'
import { publicInternet, type WebhookNetwork } from './network.ts'
import { post } from './post.ts'
import { createWebhookSecrets, type WebhookSecrets } from './secrets.ts'
import { signedHeaders } from './signature.ts'
import { pin, targetOf } from './target.ts'

/** One webhook of a step. */
export interface WebhookDelivery {
  /** Idempotency key: the same key is sent as one message, under one id. */
  key: string
  companyId: string
  locationId: string | null
  userId: string | null
  url: string
  /** What happened, and when. */
  type: string
  at: Date
  data: Record<string, unknown>
}

/** What the queue holds: the body as it is sent, the same at every attempt. */
interface WebhookItem {
  key: string
  companyId: string
  locationId: string | null
  userId: string | null
  url: string
  id: string
  body: string
}

/** Webhooks of steps: signed, to the public internet only, each at least once under one id. */
export interface WebhookOut {
  /** @throws PermanentError `webhook_url`, `webhook_too_large`, `webhook_stopped` */
  send(delivery: WebhookDelivery): Promise<'queued' | 'duplicate'>
  /** Before it left. @returns false if it is under way, gone or unknown */
  cancel(companyId: string, key: string, reason: string): Promise<boolean>
  /** Has one tried again that was given up. @returns false if it was not */
  sendAgain(companyId: string, key: string): Promise<boolean>
  /** Why webhooks cannot go to this address now; null if they can. Looks the name up. */
  faultOf(companyId: string, url: string): Promise<string | null>
  secrets: WebhookSecrets
  /** Receivers that answered 410 Gone. */
  stopped(companyId: string): Promise<{ url: string; stoppedAt: Date }[]>
  /** @throws RequestError 404 */
  resume(companyId: string, url: string): Promise<void>
  queue: LeasedQueue<WebhookItem>
  pump: Pump<WebhookItem>
  /** Removes what was, or was to be, told about this person. Idempotent. */
  forget(person: ForgottenPerson): Promise<void>
  purge(companyId: string): Promise<void>
}

interface WebhookOutDeps {
  connection: Connection
  clock: Clock
  wake: Wake
  logger: Logger
  box: CryptoBox
  events: Pick<Events, 'append'>
  /** False once the app was uninstalled: nothing of the agency leaves any more. */
  isLive: (companyId: string) => Promise<boolean>
  faultPoint?: FaultPoint
  /** Default: the public internet. Tests only. */
  network?: WebhookNetwork
}

/** With the back-off below: over about fourteen hours. */
const maxWebhookAttempts = 14
const backoff = { baseMs: 10 * secondMs, maxMs: 4 * hourMs }
/** Attempts after which a receiver asked for patience are not counted, but end after this time. */
const patienceMs = dayMs
const maxBodyBytes = 64 * 1_024
const maxStopped = 200

export function createWebhookOut(deps: WebhookOutDeps): WebhookOut {
  const { connection, clock, wake, logger, box, events, isLive, faultPoint = noFaultPoint, network = publicInternet } = deps
  const models = webhookModels(connection)
  const secrets = createWebhookSecrets(models.secrets, box, clock)
  const queue = createLeasedQueue<WebhookItem>(connection, {
    collection: 'webhook_deliveries', clock, leaseMs: minuteMs, maxAttempts: maxWebhookAttempts, backoff, doneTtlDays: 14, faultPoint,
  })
  const stoppedId = (companyId: string, url: string): string => hashOf('webhook', companyId, url)
  const isStopped = async (companyId: string, url: string): Promise<boolean> => (await models.stopped.findOne({ _id: stoppedId(companyId, url), companyId }).lean()) !== null

  async function attempt({ companyId, url, id, body }: WebhookItem, createdAt: Date): Promise<void> {
    if (await isStopped(companyId, url)) throw gone()
    const signed = signedHeaders({ id, body, at: clock.now() }, await secrets.current(companyId))
    const { status, retryAfter } = await post(url, { 'content-type': 'application/json', 'user-agent': 'webhooks/1', ...signed }, body, network)
    faultPoint('webhook.accepted')
    if (status >= 200 && status < 300) return
    if (status === 410) {
      await models.stopped.updateOne({ _id: stoppedId(companyId, url), companyId }, { $set: { companyId, url, stoppedAt: clock.now() } }, { upsert: true })
      throw gone()
    }
    const details = { status }
    if (status === 429 || (status === 503 && retryAfter !== null)) {
      if (clock.nowMs() - createdAt.getTime() > patienceMs) throw new PermanentError('webhook_given_up', 'The receiver asked for patience for a whole day.', { details })
      throw new RetryAfterError('webhook_slow_down', `The receiver answered ${status}: it wants to be asked later.`, waitOf(retryAfter, clock.nowMs()), { details })
    }
    if (status >= 500 || status === 408 || status === 425) throw new CodedError('webhook_failed', `The receiver answered ${status}.`, { details })
    if (status >= 300 && status < 400) throw new PermanentError('webhook_redirected', `The receiver answered ${status}: redirects are not followed. Put in the final address.`, { details })
    throw new PermanentError('webhook_refused', `The receiver refused the webhook with ${status}.`, { details })
  }

  async function handle(claimed: Claimed<WebhookItem>): Promise<HandleOutcome> {
    const item = claimed.data
    if (!(await isLive(item.companyId))) return 'ignored'
    try {
      await attempt(item, claimed.createdAt)
      await events.append(eventOf(item, clock.now(), null))
      return 'done'
    } catch (error) {
      const verdict = retryVerdictOf(error).kind
      if (verdict === 'permanent' || (verdict === 'transient' && claimed.attempt >= maxWebhookAttempts)) await events.append(eventOf(item, clock.now(), describeError(error), claimed.replays))
      throw error
    }
  }

  const pump = createPump<WebhookItem>({ name: 'webhooks', queue, handle, clock, logger, wake, pumpName: 'webhooks', concurrency: 8, batch: 8, perCompany: 2, heartbeatMs: 20 * secondMs })

  return {
    queue,
    pump,
    secrets,

    async send({ key, companyId, locationId, userId, url, type, at, data }) {
      targetOf(url, network)
      if (await isStopped(companyId, url)) throw gone()
      const body = JSON.stringify({ type, timestamp: at.toISOString(), data })
      if (Buffer.byteLength(body) > maxBodyBytes) throw new PermanentError('webhook_too_large', `A webhook may hold ${maxBodyBytes / 1_024} KB.`)
      const id = `msg_${hashOf('webhook', companyId, key).slice(0, 32)}`
      const outcome = await queue.insert({ key: `${companyId}:${key}`, lane: id, companyId, data: { key, companyId, locationId, userId, url, id, body } })
      wake.signal('webhooks')
      return outcome === 'inserted' ? 'queued' : 'duplicate'
    },

    cancel: (companyId, key, reason) => queue.cancel(companyId, `${companyId}:${key}`, reason),

    async sendAgain(companyId, key) {
      const again = await queue.replay(companyId, `${companyId}:${key}`)
      if (again) wake.signal('webhooks')
      return again
    },

    async faultOf(companyId, url) {
      try {
        if (await isStopped(companyId, url)) throw gone()
        await pin(targetOf(url, network), network)
        return null
      } catch (error) {
        if (error instanceof CodedError) return error.message
        throw error
      }
    },

    async stopped(companyId) {
      const found = await models.stopped.find({ companyId }).sort({ stoppedAt: -1 }).limit(maxStopped).lean()
      return found.map(({ url, stoppedAt }) => ({ url, stoppedAt }))
    },

    async resume(companyId, url) {
      const { deletedCount } = await models.stopped.deleteOne({ _id: stoppedId(companyId, url), companyId })
      if (deletedCount === 0) throw notFound('stopped receiver')
    },

    async forget({ companyId, userId, locationIds, words }) {
      const [isNamed, isMeant] = [mentions([userId]), mentions(words)]
      // A namesake at another customer is somebody else.
      await queue.rewrite(companyId, ({ data }) => (isNamed(data) || (data.locationId !== null && locationIds.includes(data.locationId) && isMeant(data)) ? 'remove' : null))
    },

    async purge(companyId) {
      await queue.purge(companyId)
      await models.secrets.deleteMany({ companyId })
      await models.stopped.deleteMany({ companyId })
    },
  }
}

function gone(): PermanentError {
  return new PermanentError('webhook_stopped', 'The receiver answered 410 Gone, so nothing is sent there any more. Take it up again once it is back.')
}

/** How long the receiver wants to be left alone: what it says, within a second and an hour. */
export function waitOf(retryAfter: string | null, nowMs: number): number {
  const asked = retryAfter === null ? Number.NaN : /^\d+$/.test(retryAfter) ? Number(retryAfter) * secondMs : Date.parse(retryAfter) - nowMs
  return Number.isNaN(asked) ? minuteMs : Math.min(hourMs, Math.max(secondMs, asked))
}

/** @param replays how often somebody had it tried again: given up anew is a fact of its own */
function eventOf({ key, companyId, locationId, userId, url }: WebhookItem, at: Date, failure: { code: string; message: string } | null, replays = 0): DomainEvent {
  const type = failure === null ? 'message.sent' : 'message.failed'
  return {
    key: `${type}:${companyId}:${key}${failure !== null && replays > 0 ? `:${replays}` : ''}`,
    companyId, locationId, userId, type, at,
    actor: { kind: 'system', id: null, name: null },
    source: 'workflow',
    summary: failure === null ? `A webhook was delivered to ${new URL(url).host}.` : `A webhook could not be delivered to ${new URL(url).host}: ${failure.message}`,
    data: { messageKey: key, kind: 'webhook', ...(failure === null ? {} : { code: failure.code }) },
  }
}
