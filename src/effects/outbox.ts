import type { Collection } from 'mongodb'
import { minuteMs, secondMs } from '../kernel/clock.ts'
import { describeError, retryVerdictOf } from '../kernel/errors.ts'
import type { FaultPoint } from '../kernel/fault-point.ts'
import type { LocationApi } from '../highlevel/index.ts'
import { createLeasedQueue, isDuplicateKey, type Claimed, type HandleOutcome, type LeasedQueue } from '../store/index.ts'
import type { Contacts } from './contacts.ts'
import { isCrmContent, laneOf, placeOf, type CrmWrites } from './crm-writes.ts'
import type { EffectsDeps, EffectsSettings } from './ports.ts'
import type { Waiting } from './readiness.ts'
import { sentKeyOf, type SentRecord } from './records.ts'
import { createSettledTasks } from './settled-tasks.ts'
import { eventOf } from './outbox-events.ts'
import type { CrmContent, OutboxItem, OutboxMessage, SettledTask } from './types.ts'
import { plainText } from './values.ts'

/** Messages, tasks and notes, and what steps write to contacts: each leaves exactly once. */
export interface Outbox {
  queue: LeasedQueue<OutboxItem>
  send(message: OutboxMessage): Promise<'queued' | 'duplicate'>
  cancel(companyId: string, key: string, reason: string): Promise<boolean>
  /** The task need not be done any more: taken back, or completed in HighLevel once it is there. Idempotent. */
  settleTask(task: SettledTask): Promise<void>
  handle(claimed: Claimed<OutboxItem>): Promise<HandleOutcome>
}

/** Attempts over about half a day; then a person decides. */
const maxAttempts = 50
const messagesLookedAt = 30

export interface OutboxParts {
  sent: Collection<SentRecord>
  contacts: Contacts
  crmWrites: CrmWrites
  waiting: Waiting
  settings: EffectsSettings
  faultPoint: FaultPoint
}

/** What has an id of its own in HighLevel, and is looked for there. */
type SpokenContent = Exclude<OutboxMessage['content'], CrmContent>

export function createOutbox(deps: EffectsDeps, { sent, contacts, crmWrites, waiting, settings, faultPoint }: OutboxParts): Outbox {
  const { connection, clock, events, wake } = deps
  const queue = createLeasedQueue<OutboxItem>(connection, {
    collection: 'outbox',
    clock,
    leaseMs: settings.leaseMs,
    maxAttempts,
    // Whether an attempt arrived can only be seen once HighLevel's lists have caught up.
    minRetryMs: settings.searchLagMs,
    backoff: { baseMs: 10 * secondMs, maxMs: 15 * minuteMs },
    doneTtlDays: 90,
    faultPoint,
  })
  const settled = createSettledTasks({ queue, sent, clock, events, waiting, signal: () => wake.signal('outbox') })

  /** Id of the message in HighLevel if an earlier attempt arrived there; ids of our other messages do not count. */
  async function findSent(api: LocationApi, contactId: string, { companyId, dueAt }: OutboxMessage, content: SpokenContent, createdAt: Date): Promise<string | null> {
    const taken = new Set((await sent.find({ companyId, contactId }).toArray()).map((record) => record.externalId))
    if (content.kind === 'task') {
      const tasks = await api.listTasks(contactId)
      return tasks.find((task) => !taken.has(task.id) && sameText(task.title, content.title) && sameText(task.body, content.body))?.id ?? null
    }
    if (content.kind === 'note') {
      const notes = await api.listNotes(contactId)
      return notes.find((note) => !taken.has(note.id) && sameText(note.body, content.body))?.id ?? null
    }
    const sinceMs = Math.max(dueAt.getTime(), createdAt.getTime()) - minuteMs
    const messages = await api.listMessages(contactId, messagesLookedAt)
    const ours = messages.find((message) => {
      if (message.direction !== 'outbound' || message.createdAt.getTime() < sinceMs || taken.has(message.id)) return false
      if (content.kind === 'sms') return sameText(message.body, content.text)
      if (message.subject !== null) return sameText(message.subject, content.subject)
      return sameText(message.body, content.html) || sameText(message.body, content.text)
    })
    return ours?.id ?? null
  }

  async function deliver(api: LocationApi, contactId: string, content: SpokenContent): Promise<string> {
    switch (content.kind) {
      case 'email':
        return (await api.sendMessage({ kind: 'email', contactId, subject: content.subject, html: content.html, text: content.text })).messageId
      case 'sms':
        return (await api.sendMessage({ kind: 'sms', contactId, text: content.text })).messageId
      case 'task': {
        const { title, body, dueAt, assignedTo } = content
        return (await api.createTask(contactId, { title, body, dueAt, ...(assignedTo === null ? {} : { assignedTo }) })).id
      }
      case 'note':
        return (await api.createNote(contactId, content.body)).id
    }
  }

  /** Sends it, or finds that an earlier attempt did. @returns its id in HighLevel */
  async function leave(at: Parameters<CrmWrites['write']>[0], message: OutboxMessage, claimed: Claimed<OutboxItem>): Promise<string> {
    const { content } = message
    if (isCrmContent(content)) return crmWrites.write(at, content, claimed)
    const found = claimed.begunBefore ? await findSent(at.api, at.contactId, message, content, claimed.createdAt) : null
    return found ?? deliver(at.api, at.contactId, content)
  }

  async function recordSent(message: OutboxMessage, storedKey: string, contactId: string, externalId: string): Promise<void> {
    try {
      await sent.insertOne({ _id: storedKey, companyId: message.companyId, contactId, externalId, kind: message.content.kind, ...placeOf(message.content), sentAt: clock.now() })
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
    }
  }

  async function handle(claimed: Claimed<OutboxItem>, message: OutboxMessage): Promise<HandleOutcome> {
    const { companyId, contact: identity } = message
    try {
      const readiness = await waiting.readinessOf(companyId)
      if (!readiness.ready) return readiness.outcome
      const { api, map } = readiness
      const contact = await contacts.ensure(companyId, identity)
      if (contact.contactId === null || contact.crmLocationId !== map.locationId) {
        wake.signal('effects')
        return waiting.wait(2 * secondMs, 'waiting_for_contact')
      }
      const recorded = await sent.findOne({ _id: claimed.key })
      let externalId = recorded?.externalId
      if (externalId === undefined) {
        externalId = await leave({ api, map, record: contact, contactId: contact.contactId }, message, claimed)
        faultPoint('effects.accepted')
        await recordSent(message, claimed.key, contact.contactId, externalId)
      }
      await events.append(eventOf(message, clock.now(), { externalId }))
      faultPoint('effects.recorded')
      return 'done'
    } catch (error) {
      const outcome = waiting.waitOrThrow(companyId, error)
      try {
        return await outcome
      } catch (fault) {
        if (retryVerdictOf(fault).kind === 'permanent' || claimed.attempt >= maxAttempts) await events.append(eventOf(message, clock.now(), { failure: describeError(fault), replays: claimed.replays ?? 0 }))
        throw fault
      }
    }
  }

  return {
    queue,
    settleTask: (task) => settled.settle(task),
    handle: (claimed) => ('content' in claimed.data ? handle(claimed, claimed.data) : settled.handle(claimed, claimed.data)),
    async send(message) {
      const key = sentKeyOf(message.companyId, message.key)
      const outcome = await queue.insert({ key, lane: laneOf(message), companyId: message.companyId, dueAt: message.dueAt, data: message })
      wake.signal('outbox')
      return outcome === 'inserted' ? 'queued' : 'duplicate'
    },
    cancel: (companyId, key, reason) => queue.cancel(companyId, sentKeyOf(companyId, key), reason),
  }
}

function sameText(left: string, right: string): boolean {
  return plainText(left) === plainText(right)
}
