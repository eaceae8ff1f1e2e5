import { minuteMs, secondMs } from '../kernel/clock.ts'
import { RetryAfterError } from '../kernel/errors.ts'
import { noFaultPoint } from '../kernel/fault-point.ts'
import type { ForgottenPerson } from '../kernel/forgotten.ts'
import { createRush } from '../kernel/rush.ts'
import { createPump, type LeasedQueue, type Pump, type QueueState } from '../store/index.ts'
import type { ObservedOpportunity } from './card-rules.ts'
import { createCards } from './cards.ts'
import type { ObservedContact } from './contact-rules.ts'
import { createContacts } from './contacts.ts'
import { createEchoes } from './echoes.ts'
import { createCrmWrites } from './crm-writes.ts'
import { fieldNames } from './edit-events.ts'
import { forgetPerson } from './forget.ts'
import { createNames } from './names.ts'
import { createOutbox } from './outbox.ts'
import type { OwnWrites } from './own-writes.ts'
import { createPersonalTeller, locationOf } from './personal.ts'
import type { EffectsDeps, EffectsSettings } from './ports.ts'
import { createWaiting } from './readiness.ts'
import { effectCollections, sentKeyOf, type CardRecord, type ContactRecord } from './records.ts'
import { createStatus, type EffectsStatus } from './status.ts'
import { fieldKeys, type ContactIdentity, type OutboxItem, type OutboxMessage, type PersonEdit, type SettledTask, type WantedCard, type WantedContact } from './types.ts'
import type { WantedState } from './wanted-record.ts'
import { normaliseTags } from './values.ts'
import { createWantedStore, type WantedStore } from './wanted-store.ts'
import { createWatchedCards, type WatchedCards } from './watched-cards.ts'

/** A contact that stands for people of an account. */
export interface LinkedContact {
  key: string
  identity: ContactIdentity
  /** The account that its Health Status speaks for. */
  home: string
  /** null: not found or made yet. */
  contactId: string | null
}

/** A person's contact as it was seen last. */
export interface KnownContact {
  contactId: string | null
  tags: string[]
  /** Values by the field's name in lower case; a field without a value is not there. */
  fields: Record<string, string>
  /** `all`, or single channels. */
  dnd: string[]
}

/** What HighLevel must be told: state is reconciled, messages are sent once. */
export interface Effects {
  /** Merges into what is wanted of a contact; no write if it is so already. */
  wantContact(wanted: WantedContact): Promise<void>
  wantCard(wanted: WantedCard): Promise<void>
  send(message: OutboxMessage): Promise<'queued' | 'duplicate'>
  /** Before it left. @returns false if it is under way, gone or unknown */
  cancel(companyId: string, key: string, reason: string): Promise<boolean>
  /** Has a message tried again that was given up. @returns false if it was not */
  sendAgain(companyId: string, key: string): Promise<boolean>
  /** The task need not be done any more: it never leaves, or is completed in HighLevel. Idempotent, also before the task was sent. */
  settleTask(task: SettledTask): Promise<void>
  /** Takes in what HighLevel shows of a contact; people's edits are appended as events and given back, echoes are not. */
  observeContact(companyId: string, contact: ObservedContact): Promise<PersonEdit[]>
  observeOpportunity(companyId: string, opportunity: ObservedOpportunity): Promise<PersonEdit[]>
  /** True if an event shows exactly what this process wrote a moment ago; then `observeContact` need not be called. Looks at memory only. @param tagsToldApart the event is not about tags */
  isEchoOfContact(companyId: string, contact: ObservedContact, tagsToldApart: boolean): boolean
  isEchoOfOpportunity(companyId: string, opportunity: ObservedOpportunity): boolean
  /** What is to be sent to people. */
  outbox: Pick<LeasedQueue<OutboxItem>, 'isUnderWay'>
  /** Reconcile of contacts and cards, and the outbox. */
  pumps: Pump[]
  /** After a reconnect or a repair: what was held goes on. @returns how many */
  releaseHeld(companyId: string): Promise<number>
  /** Looks at every record of the company again, for example after fields or stages were re-mapped; writes only differences. */
  resync(companyId: string): Promise<number>
  /** These tags were deleted with the location's list, off all contacts: they are given again where they are wanted. */
  forgetTags(companyId: string, tags: readonly string[]): Promise<void>
  /** Takes up dead or held work again. */
  replay(companyId: string, key: string): Promise<boolean>
  /** Work that is not finished: waiting, held or dead, with reasons. */
  status(query: { companyId: string; page: number; pageSize: number }): Promise<{ items: EffectsStatus[]; total: number }>
  /**
   * Who a contact of the success location stands for: `user:<locationId>:<userId>`; empty for contacts that are not ours.
   * @throws RetryAfterError `contact_being_bound` while a contact was made, or may have been, whose id is not recorded yet
   */
  subjectsOf(companyId: string, contactId: string): Promise<string[]>
  /** Writes of steps on contacts and cards, told apart from people's edits by value. */
  ownWrites: OwnWrites & Pick<WatchedCards, 'aroundMove'>
  /** What is known of a person's contact: tags, custom fields by name, do-not-disturb; null if there is none yet. Long values are shortened. */
  contactOf(companyId: string, subjectId: string): Promise<KnownContact | null>
  /** The contacts that stand for any of these people already. `home`: the account that a contact's Health Status speaks for. */
  linked(companyId: string, subjectIds: readonly string[]): Promise<LinkedContact[]>
  /** Takes away what is known of a person, and what was to be sent to them; nothing in HighLevel. Idempotent. @param isLast everything that follows from their leaving is done */
  forget(person: ForgottenPerson, isLast: boolean): Promise<void>
  /** Removes everything of an agency; nothing in HighLevel. */
  purge(companyId: string): Promise<void>
  counts(companyId?: string): Promise<{ contacts: Record<WantedState, number>; cards: Record<WantedState, number>; outbox: Record<QueueState, number> }>
}

const defaults: EffectsSettings = { minIntervalMs: 2 * secondMs, searchLagMs: 6 * secondMs, leaseMs: minuteMs, concurrency: 32 }
/** All of a company's effects go to one location: what holds one of them for these reasons holds them all. */
const locationReasons = new Set(['highlevel_rate_limited', 'highlevel_circuit_open'])
const maxCrashes = 3
/** A contact that was begun longer ago than this waits for a person, not for its record. */
const bindingMs = 10 * minuteMs

export function createEffects(deps: EffectsDeps): Effects {
  const { connection, clock, wake, logger, faultPoint = noFaultPoint, rush = createRush() } = deps
  const settings = { ...defaults, ...deps.settings }
  const collections = effectCollections(connection)
  const storeOptions = { clock, minIntervalMs: settings.minIntervalMs, leaseMs: settings.leaseMs, maxCrashes, faultPoint }
  const contactStore: WantedStore<ContactRecord> = createWantedStore<ContactRecord>(collections.contacts, {
    ...storeOptions,
    hands: { hasRoom: (companyId) => contactPump.hasRoom(companyId), take: (claimed) => contactPump.take(claimed) },
    onDue: () => wake.signal('effects'),
  })
  const cardStore: WantedStore<CardRecord> = createWantedStore<CardRecord>(collections.cards, {
    ...storeOptions,
    hands: { hasRoom: (companyId) => cardPump.hasRoom(companyId), take: (claimed) => cardPump.take(claimed) },
    onDue: () => wake.signal('cards'),
  })
  const waiting = createWaiting(deps)
  const echoes = createEchoes(clock)
  const personal = createPersonalTeller(deps)
  const names = createNames(deps)
  const watchedCards = createWatchedCards(connection, clock)
  const contacts = createContacts(deps, contactStore, waiting, settings, faultPoint, echoes, personal, names, {
    async bound(record) {
      await cards.contactBound(record)
      wake.signal('outbox')
    },
    gone: (record) => cards.contactGone(record),
    merged: async (record) => {
      await cards.contactMerged(record)
      wake.signal('outbox')
    },
  })
  const cards = createCards(deps, cardStore, contacts, waiting, settings, faultPoint, echoes, personal, names, watchedCards)
  const crmWrites = createCrmWrites({ clock, sent: collections.sent, begun: collections.begun, ownWrites: contacts.ownWrites, aroundMove: (company, contact, card, place, run) => watchedCards.aroundMove(company, contact, card, place, run), echoes, faultPoint })
  const outbox = createOutbox(deps, { sent: collections.sent, contacts, crmWrites, waiting, settings, faultPoint })
  const { list } = createStatus(collections, outbox.queue)

  const shared = {
    clock, logger, wake,
    batch: settings.concurrency,
    concurrency: settings.concurrency,
    // A busy location keeps its hands waiting for turns; three more may do so before a quiet one waits, too.
    perCompany: Math.ceil(settings.concurrency / 4),
    restsCompany: (reason: string) => locationReasons.has(reason),
    heartbeatMs: settings.leaseMs / 3,
  }
  const contactPump: Pump<ContactRecord> = createPump({ ...shared, name: 'effects-contacts', laneless: true, queue: contactStore, handle: (claimed) => rush.urgent(() => contacts.reconcile(claimed)), pumpName: 'effects' })
  const cardPump: Pump<CardRecord> = createPump({ ...shared, name: 'effects-cards', laneless: true, queue: cardStore, handle: (claimed) => cards.reconcile(claimed), pumpName: 'cards' })
  const pumps = [
    contactPump,
    cardPump,
    createPump({ ...shared, name: 'outbox', queue: outbox.queue, handle: (claimed) => outbox.handle(claimed), pumpName: 'outbox' }),
  ]

  function wakeAll(): void {
    wake.signal('effects')
    wake.signal('cards')
    wake.signal('outbox')
  }

  return {
    pumps,
    send: (message) => outbox.send(message),
    cancel: (companyId, key, reason) => outbox.cancel(companyId, key, reason),
    async sendAgain(companyId, key) {
      const again = await outbox.queue.replay(companyId, sentKeyOf(companyId, key))
      if (again) wake.signal('outbox')
      return again
    },
    settleTask: (task) => outbox.settleTask(task),
    status: list,
    wantContact: (wanted) => contacts.want(wanted),
    wantCard: (wanted) => cards.want(wanted),
    observeContact: (companyId, observed) => contacts.observe(companyId, observed),
    observeOpportunity: (companyId, observed) => cards.observe(companyId, observed),
    isEchoOfContact: (companyId, contact, tagsToldApart) => echoes.isContact(companyId, contact, tagsToldApart),
    isEchoOfOpportunity: (companyId, opportunity) => echoes.isCard(companyId, opportunity),
    async releaseHeld(companyId) {
      const released = await Promise.all([contactStore.release(companyId), cardStore.release(companyId), outbox.queue.release(companyId)])
      wakeAll()
      return released.reduce((sum, count) => sum + count, 0)
    },
    async resync(companyId) {
      const marked = await Promise.all([contactStore.markDirty(companyId), cardStore.markDirty(companyId)])
      wakeAll()
      return marked.reduce((sum, count) => sum + count, 0)
    },
    async forgetTags(companyId, tags) {
      const names = normaliseTags(tags)
      const lost = { companyId, 'knownTags.value': { $in: names } }
      const change = { $pullAll: { 'knownTags.value': names }, $inc: { rev: 1, version: 1 } }
      await collections.contacts.updateMany({ ...lost, state: 'clean' }, { ...change, $set: { state: 'dirty', dueAt: clock.now() } })
      await collections.contacts.updateMany(lost, change)
      wakeAll()
    },
    async replay(companyId, key) {
      const replayed = (await outbox.queue.replay(companyId, key)) || (await contactStore.replay(companyId, key)) || (await cardStore.replay(companyId, key))
      if (replayed) wakeAll()
      return replayed
    },
    async subjectsOf(companyId, contactId) {
      const look = async (): Promise<string[]> => {
        const records = await collections.contacts.find<{ subjects: string[] }>({ companyId, contactId }, { projection: { subjects: 1 } }).toArray()
        return records.flatMap((record) => record.subjects)
      }
      const subjects = await look()
      if (subjects.length > 0) return subjects
      const since = { $gt: new Date(clock.nowMs() - bindingMs) }
      const binding = await collections.contacts.findOne({ companyId, contactId: null, $or: [{ createBegunAt: since }, { createdAt: since }] }, { projection: { _id: 1 } })
      if (binding !== null) throw new RetryAfterError('contact_being_bound', 'A contact is being made, and it may be this one.', 2 * secondMs)
      // It may have been bound between the two looks.
      return look()
    },
    ownWrites: {
      around: (recordKey, write, run) => contacts.ownWrites.around(recordKey, write, run),
      aroundMove: (company, contact, card, place, run) => watchedCards.aroundMove(company, contact, card, place, run),
    },
    async contactOf(companyId, subjectId) {
      const record = await contacts.of(companyId, subjectId)
      if (record === null) return null
      const fields: Record<string, string> = {}
      for (const { id, value } of record.seen?.fields ?? []) fields[(await names.field(companyId, id)).trim().toLowerCase()] = value
      for (const key of fieldKeys) {
        const value = record.known[key]?.value
        if (value !== undefined && value !== '') fields[fieldNames[key].toLowerCase()] = String(value)
      }
      return { contactId: record.contactId, tags: record.knownTags?.value ?? [], fields, dnd: record.seen?.dnd ?? [] }
    },
    async linked(companyId, subjectIds) {
      const asked = new Set(subjectIds)
      return (await contacts.ofAny(companyId, subjectIds)).map(({ _id, subjects, identity, contactId }) => {
        const subjectId = asked.has(identity.subjectId) ? identity.subjectId : (subjects.find((subject) => asked.has(subject)) ?? identity.subjectId)
        const home = locationOf(subjects[0] ?? subjectId) ?? identity.locationId
        return { key: _id, identity: { ...identity, subjectId, locationId: locationOf(subjectId) ?? identity.locationId }, home, contactId }
      })
    },
    outbox: outbox.queue,
    forget: (person, isLast) => forgetPerson({ contacts: collections.contacts, contactStore, cards: collections.cards, outbox: outbox.queue }, person, isLast),
    async purge(companyId) {
      await outbox.queue.purge(companyId)
      for (const collection of [collections.contacts, collections.cards, collections.sent, collections.begun]) await collection.deleteMany({ companyId })
      await watchedCards.purge(companyId)
    },
    async counts(companyId) {
      const [ofContacts, ofCards, ofOutbox] = await Promise.all([contactStore.counts(companyId), cardStore.counts(companyId), outbox.queue.counts(companyId)])
      return { contacts: ofContacts, cards: ofCards, outbox: ofOutbox }
    },
  }
}
