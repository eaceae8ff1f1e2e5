import { z } from 'zod'
import { minuteMs, secondMs, type Clock } from '../src/kernel/clock.ts'
import { describeError } from '../src/kernel/errors.ts'
import { hashOf } from '../src/kernel/ids.ts'
import type { Logger } from '../src/kernel/logger.ts'
import type { Inbox, InboxItem } from '../src/inbox/index.ts'
import { isLifecycle, isWebhookType, laneOf } from './catalog.ts'
import type { ArrivingEvent } from './echo.ts'
import { createSignatureVerifier } from './signature.ts'

/** What became of a delivery; the HTTP status stands beside each. */
export type ReceiveOutcome =
  /** 200: stored, work follows. */
  | { kind: 'accepted' }
  /** 200: this event is stored already. */
  | { kind: 'duplicate' }
  /** 200: not for us, or nothing to do. */
  | { kind: 'ignored'; reason: IgnoreReason }
  /** 401: no signature, or not HighLevel's over these bytes. */
  | { kind: 'unsigned' }
  | { kind: 'signature_invalid' }
  /** 400: signed, but not an event. */
  | { kind: 'malformed' }
  /** 413 */
  | { kind: 'too_large' }
  /** 429: HighLevel shall send it again. */
  | { kind: 'not_stored'; retryAfterSeconds: number }

export type IgnoreReason = 'foreign_app' | 'unknown_installation' | 'uninstalled' | 'unknown_type' | 'from_the_future' | 'no_interest' | 'echo'

export const receiveStatus = {
  accepted: 200,
  duplicate: 200,
  ignored: 200,
  unsigned: 401,
  signature_invalid: 401,
  malformed: 400,
  too_large: 413,
  not_stored: 429,
} as const satisfies Record<ReceiveOutcome['kind'], number>

export type WebhookReceiver = (rawBody: Buffer, headers: Readonly<Record<string, string | string[] | undefined>>) => Promise<ReceiveOutcome>

export interface WebhookReceiverDeps {
  inbox: Pick<Inbox, 'insert' | 'ignore'>
  /** Base64 SPKI or PEM. */
  publicKeys: readonly string[]
  appId: string
  /** One cheap look. */
  isKnown: (companyId: string | null, locationId: string | null) => Promise<'live' | 'unknown' | 'uninstalled'>
  /** Does this event matter to us? False for customers' own contacts, cards and conversations. */
  interest: (type: string, companyId: string | null, locationId: string | null) => Promise<boolean>
  /** Does it only show what we wrote ourselves a moment ago? Such an event is answered and not stored. */
  isEcho?: (event: ArrivingEvent) => boolean
  /** The agency of a sub-account, for events that do not name it; remembered for a few seconds once known. */
  companyOf: (locationId: string) => Promise<string | null>
  logger: Logger
  clock: Clock
  /** Default 2 s. */
  storeTimeoutMs?: number
}

export const maxBodyBytes = 1_048_576
const maxFutureMs = 10 * minuteMs
const retryAfterSeconds = 30
const alarmEveryMs = minuteMs
/** A busy sub-account's events cost one look at the store in this time; one that moves to another agency is noticed after it. */
const ownerCacheMs = 5 * secondMs
const maxOwners = 10_000

const id = z.string().regex(/^[\w.:-]{1,100}$/)
/** Only what the edge itself reads; the rest of the body is judged by the event's own schema later. */
const envelope = z.object({
  type: z.string().regex(/^[\w.:-]{1,100}$/),
  appId: id.nullish(),
  companyId: id.nullish(),
  locationId: id.nullish(),
  webhookId: z.unknown().optional(),
  timestamp: z.unknown().optional(),
  id: z.unknown().optional(),
  contactId: z.unknown().optional(),
})
type Envelope = z.infer<typeof envelope>

/** Takes signed deliveries: verified over the raw bytes, stored with one insert, answered; all work comes after. */
export function createWebhookReceiver(deps: WebhookReceiverDeps): WebhookReceiver {
  const { inbox, appId, isKnown, interest, isEcho = () => false, companyOf, logger, clock, storeTimeoutMs = 2 * secondMs } = deps
  const verifier = createSignatureVerifier(deps.publicKeys)
  let lastAlarmMs = Number.NEGATIVE_INFINITY
  let refusedSince = 0

  const owners = new Map<string, { companyId: string; untilMs: number }>()

  /** The agency of an event. What concerns the installation itself is always looked up anew. */
  async function ownerOf(companyId: string | null, locationId: string | null, lifecycle: boolean): Promise<string | null> {
    if (companyId !== null || locationId === null) return companyId
    const known = owners.get(locationId)
    if (!lifecycle && known !== undefined && known.untilMs > clock.nowMs()) return known.companyId
    const found = await companyOf(locationId)
    if (owners.size >= maxOwners) owners.clear()
    if (found === null) owners.delete(locationId)
    else owners.set(locationId, { companyId: found, untilMs: clock.nowMs() + ownerCacheMs })
    return found
  }

  /** One line a minute at most, however many forged deliveries come. */
  function refused(kind: 'unsigned' | 'signature_invalid'): ReceiveOutcome {
    refusedSince += 1
    if (clock.nowMs() - lastAlarmMs >= alarmEveryMs) {
      logger.warn({ kind, count: refusedSince }, 'webhook deliveries refused')
      lastAlarmMs = clock.nowMs()
      refusedSince = 0
    }
    return { kind }
  }

  function itemOf(found: Envelope, rawBody: Buffer, text: string): InboxItem {
    const { type, companyId = null, locationId = null } = found
    const webhookId = id.safeParse(found.webhookId).data ?? null
    const event = { type, companyId, locationId, webhookId, occurredAt: timeOf(found.timestamp) ?? clock.now(), payload: text }
    return { key: webhookId ?? `body:${hashOf(rawBody)}`, lane: laneOf(found), event }
  }

  async function ignore(item: InboxItem, reason: IgnoreReason): Promise<ReceiveOutcome> {
    // Under a key of its own: it must never stand in the way of a real event.
    await inbox.ignore({ ...item, key: `ignored:${item.key}` }, reason)
    return { kind: 'ignored', reason }
  }

  async function take(found: Envelope, item: InboxItem, body: unknown): Promise<ReceiveOutcome> {
    const { type, companyId = null, locationId = null } = found
    const lifecycle = isLifecycle(type)
    // HighLevel's key signs for all apps: only the app's id tells whose event it is.
    const ours = found.appId === appId || ((found.appId === undefined || found.appId === null) && !lifecycle)
    const withoutBody = { ...item, event: { ...item.event, payload: '' } }
    if (!ours) return ignore(withoutBody, 'foreign_app')
    if (!lifecycle) {
      const known = await isKnown(companyId, locationId)
      if (known !== 'live') return ignore(withoutBody, known === 'unknown' ? 'unknown_installation' : 'uninstalled')
    }
    if (item.event.occurredAt.getTime() > clock.nowMs() + maxFutureMs) return ignore(item, 'from_the_future')
    if (!isWebhookType(type)) return ignore(item, 'unknown_type')
    const owner = await ownerOf(companyId, locationId, lifecycle)
    if (!lifecycle && !(await interest(type, owner, locationId))) return { kind: 'ignored', reason: 'no_interest' }
    if (owner !== null && isEcho({ type, companyId: owner, at: item.event.occurredAt, body })) return { kind: 'ignored', reason: 'echo' }
    item.event.companyId = owner
    return { kind: (await inbox.insert(item)) === 'inserted' ? 'accepted' : 'duplicate' }
  }

  /** HighLevel repeats after a 429 under all its rules, after a 5xx only under some. */
  async function takeInTime(found: Envelope, item: InboxItem, body: unknown): Promise<ReceiveOutcome> {
    let timer: NodeJS.Timeout | undefined
    const notStored: ReceiveOutcome = { kind: 'not_stored', retryAfterSeconds }
    const tooLate = new Promise<ReceiveOutcome>((resolve) => {
      timer = setTimeout(() => {
        logger.error({ type: found.type, key: item.key }, 'webhook could not be stored in time')
        resolve(notStored)
      }, storeTimeoutMs)
    })
    const taken = take(found, item, body).catch((error: unknown): ReceiveOutcome => {
      logger.error({ type: found.type, key: item.key, code: describeError(error).code }, 'webhook could not be stored')
      return notStored
    })
    const outcome = await Promise.race([taken, tooLate])
    clearTimeout(timer)
    return outcome
  }

  return async (rawBody, headers) => {
    if (rawBody.length > maxBodyBytes) return { kind: 'too_large' }
    const signature = headers['x-ghl-signature']
    if (typeof signature !== 'string' || signature === '' || signature === 'N/A') return refused('unsigned')
    if (!(await verifier.verify(rawBody, signature))) return refused('signature_invalid')
    const text = rawBody.toString('utf8')
    const body = parseJson(text)
    const found = envelope.safeParse(body)
    if (!found.success) {
      logger.warn({ bytes: rawBody.length }, 'signed webhook is not an event')
      return { kind: 'malformed' }
    }
    return takeInTime(found.data, itemOf(found.data, rawBody, text), body)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined
    throw error
  }
}

function timeOf(value: unknown): Date | null {
  if (typeof value !== 'string' || value.length > 40) return null
  const at = new Date(value)
  return Number.isNaN(at.getTime()) ? null : at
}
