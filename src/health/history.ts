import type { Model } from 'mongoose'
import type { DomainEvent, DomainEventType, Events } from '../events/index.ts'
import type { HealthAct, HealthChange } from '../http/contract/health.ts'
import { dayMs } from '../kernel/clock.ts'
import { healthLabels, type HealthLevel } from '../kernel/levels.ts'
import { isDuplicateKey } from '../store/index.ts'
import { madeInCrm, type KnownChange } from './changes.ts'
import type { HealthChangeRecord, NoteRecord } from './model.ts'
import type { Restored } from './rules.ts'

const actTypes: DomainEventType[] = ['task.created', 'message.sent', 'message.failed', 'health.value_refused']
const eventsPerPage = 200
/** What is done about a change follows within this time. */
const actsWithinMs = 60 * dayMs

/** What the team was told about changes of one account's status within a time: which of the agency's notifications, and the run that told. */
export type ToldAbout = (companyId: string, locationId: string, changeIds: readonly string[], fromAt: Date, toAt: Date) => Promise<{ changeId: string; name: string; runId: string; at: Date }[]>

/** The changes of accounts' status as people read them: derived from the fold, rewritten whenever it learns more. */
export function createHistory(changes: Model<HealthChangeRecord>, events: Pick<Events, 'timeline'>, toldAbout: ToldAbout = () => Promise.resolve([])) {
  async function upsert(companyId: string, locationId: string, change: KnownChange): Promise<void> {
    const { changeId, at, level, before, source, actor, undoes, restores = null, overtaken, confirmations } = change
    const derived = {
      at, level, before, source, actor, undoes, restores, overtaken,
      confirmations: confirmations.map((confirmation) => ({ at: confirmation.at, actor: confirmation.actor, note: confirmation.note, reasonCodes: confirmation.reasonCodes })),
      ...(change.noteWanted ? {} : { noteWanted: false }),
    }
    const fresh = { note: change.note, reasonCodes: change.reasonCodes, undoneBy: null, given: null, ...(change.noteWanted ? { noteWanted: true } : {}) }
    await changes.updateOne({ _id: changeId, companyId, locationId }, { $set: derived, $setOnInsert: fresh }, { upsert: true })
  }

  /** Writes what the fold says about these changes. Idempotent. @param gone ids of changes that turned out to be none */
  async function write(companyId: string, locationId: string, known: readonly KnownChange[], gone: readonly string[], notes: readonly NoteRecord[]): Promise<void> {
    for (const change of known) {
      try {
        await upsert(companyId, locationId, change)
      } catch (error) {
        // Another process was first to store it: then this one only has to bring it up to date.
        if (!isDuplicateKey(error)) throw error
        await upsert(companyId, locationId, change)
      }
      if (change.undoes !== null) await changes.updateOne({ _id: change.undoes, companyId, locationId }, { $set: { undoneBy: change.changeId, noteWanted: false } })
    }
    if (gone.length > 0) await changes.updateMany({ _id: { $in: [...gone] }, companyId, locationId }, { $set: { overtaken: true, noteWanted: false } })
    for (const { changeId, note, reasonCodes } of notes) {
      await changes.updateOne({ _id: changeId, companyId, locationId, note: null }, { $set: { note, reasonCodes, noteWanted: false } })
    }
    // Once a change says why, nobody is asked about the ones before it any more.
    const answered = known.findLast((change) => !change.noteWanted && !change.overtaken)
    const noted = notes.length === 0 ? null : await changes.findOne({ _id: { $in: notes.map((note) => note.changeId) }, companyId, locationId }).sort({ at: -1 }).lean<HealthChangeRecord>()
    const sinceMs = Math.max(answered?.at.getTime() ?? 0, noted?.at.getTime() ?? 0)
    if (sinceMs > 0) await changes.updateMany({ companyId, locationId, noteWanted: true, at: { $lt: new Date(sinceMs) } }, { $set: { noteWanted: false } })
  }

  /** What was wanted in HighLevel because of a change; the first giving out counts. */
  async function given(companyId: string, locationId: string, changeId: string, what: { contacts: number; card: boolean }): Promise<void> {
    await changes.updateOne({ _id: changeId, companyId, locationId, given: null }, { $set: { given: what } })
  }

  /** @param records changes of one account, newest first */
  async function actsOf(companyId: string, locationId: string, records: readonly HealthChangeRecord[]): Promise<Map<string, HealthAct[]>> {
    const acts = new Map(records.map((record) => [record._id, givenActs(record)]))
    const oldest = records.at(-1)
    if (oldest === undefined) return acts
    const toAt = new Date((records[0] ?? oldest).at.getTime() + actsWithinMs)
    const [{ items }, told] = await Promise.all([
      events.timeline({ companyId, locationId, types: actTypes, fromAt: oldest.at, toAt, page: 1, pageSize: eventsPerPage }),
      toldAbout(companyId, locationId, [...acts.keys()], oldest.at, toAt),
    ])
    const followed = [
      ...items.map((event) => ({ at: event.at, changeId: changeIdIn(event), act: actOf(event, locationId) })),
      ...told.map(({ at, changeId, name, runId }) => ({ at, changeId, act: { kind: 'notification' as const, summary: `The team was told: ${name}.`, link: `/runs/${runId}` } })),
    ]
    for (const { changeId, act } of followed.sort((one, other) => one.at.getTime() - other.at.getTime())) {
      if (changeId !== null) acts.get(changeId)?.push(act)
    }
    return acts
  }

  async function viewsOf(companyId: string, records: readonly HealthChangeRecord[]): Promise<HealthChange[]> {
    const acts = new Map<string, HealthAct[]>()
    for (const locationId of new Set(records.map((record) => record.locationId))) {
      const own = records.filter((record) => record.locationId === locationId)
      for (const [changeId, list] of await actsOf(companyId, locationId, own)) acts.set(changeId, list)
    }
    return records.map((record) => viewOf(record, acts.get(record._id) ?? []))
  }

  return {
    write,
    given,
    async find(companyId: string, locationId: string, changeId: string): Promise<HealthChangeRecord | null> {
      return changes.findOne({ _id: changeId, companyId, locationId }).lean<HealthChangeRecord>()
    },
    /** What belongs to the level that held until a change: its note, its reasons, who had set it. @param until when the change was made */
    async standing(companyId: string, locationId: string, level: HealthLevel, until: Date): Promise<Restored | null> {
      const stood = await changes.findOne({ companyId, locationId, at: { $lt: until }, overtaken: false }).sort({ at: -1, _id: -1 }).lean<HealthChangeRecord>()
      if (stood === null || stood.level !== level) return null
      const { at, source, actor, confirmations } = stood
      const own = stood.restores ?? { at, source, actor, note: stood.note, reasonCodes: stood.reasonCodes }
      const said = own.note === null ? confirmations.findLast((confirmation) => confirmation.note !== null) : undefined
      return said === undefined ? own : { ...own, note: said.note, reasonCodes: said.reasonCodes.length > 0 ? said.reasonCodes : own.reasonCodes }
    },
    async page(companyId: string, locationId: string, { page, pageSize }: { page: number; pageSize: number }) {
      const filter = { companyId, locationId }
      const [total, records] = await Promise.all([
        changes.countDocuments(filter),
        changes.find(filter).sort({ at: -1, _id: -1 }).skip((page - 1) * pageSize).limit(pageSize).lean<HealthChangeRecord[]>(),
      ])
      return { items: await viewsOf(companyId, records), page, pageSize, total }
    },
    /** Changes whose note is asked for, newest first; of these accounts only, if given. */
    async open(companyId: string, locationIds: string[] | null, { page, pageSize }: { page: number; pageSize: number }) {
      const filter = { companyId, noteWanted: true, ...(locationIds === null ? {} : { locationId: { $in: locationIds } }) }
      const [total, records] = await Promise.all([
        changes.countDocuments(filter),
        changes.find(filter).sort({ at: -1, _id: -1 }).skip((page - 1) * pageSize).limit(pageSize).lean<HealthChangeRecord[]>(),
      ])
      return { items: records.map((record) => viewOf(record, givenActs(record))), total }
    },
    async purge(companyId: string): Promise<void> {
      await changes.deleteMany({ companyId })
    },
  }
}
export type History = ReturnType<typeof createHistory>

function viewOf(record: HealthChangeRecord, acts: HealthAct[]): HealthChange {
  const { _id: changeId, locationId, at, level, before, source, actor, note, reasonCodes, noteWanted, confirmations, undoes, undoneBy, overtaken } = record
  return {
    changeId, locationId, at: at.toISOString(), level, before, source, actor, note, reasonCodes, noteWanted, undoes, undoneBy, overtaken, acts,
    confirmations: confirmations.toReversed().map((confirmation) => ({
      at: confirmation.at.toISOString(),
      actor: { id: confirmation.actor.id, name: confirmation.actor.name },
      note: confirmation.note,
      reasonCodes: confirmation.reasonCodes,
    })),
  }
}

function givenActs({ given, level, source }: HealthChangeRecord): HealthAct[] {
  if (given === null) return []
  const acts: HealthAct[] = []
  const others = madeInCrm(source) ? 'other ' : ''
  if (given.contacts > 0) acts.push({ kind: 'contacts_written', summary: `${healthLabels[level]} was written to ${given.contacts} ${others}${given.contacts === 1 ? 'contact' : 'contacts'}.`, link: null })
  if (given.card) acts.push({ kind: 'card_moved', summary: `The account's card was put into ${healthLabels[level]}.`, link: null })
  return acts
}

function changeIdIn(event: DomainEvent): string | null {
  if (event.cause?.kind === 'change') return event.cause.id
  const { changeId } = event.data
  return typeof changeId === 'string' ? changeId : null
}

function actOf(event: DomainEvent, locationId: string): HealthAct {
  const runId = typeof event.data['messageKey'] === 'string' ? /^run:([^:]+)/.exec(event.data['messageKey'])?.[1] : undefined
  const link = runId === undefined ? `/accounts/${locationId}` : `/runs/${runId}`
  switch (event.type) {
    case 'task.created':
      return { kind: 'task', summary: event.summary, link }
    case 'health.value_refused':
      return { kind: 'restored', summary: event.summary, link }
    default:
      return { kind: 'message', summary: event.summary, link }
  }
}
