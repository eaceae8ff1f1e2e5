import type { Connection } from 'mongoose'
import type { Accounts, BulkHandler } from '../accounts/index.ts'
import type { Effects, PersonalValues } from '../effects/index.ts'
import type { Actor, DomainEvent, Events } from '../events/index.ts'
import type { AccountHealth } from '../http/contract/accounts.ts'
import type { HealthChange, HealthConfirmRequest, HealthHistory, HealthNoteRequest, HealthRequest, HealthUndoRequest, OpenHealthItems } from '../http/contract/health.ts'
import type { Clock } from '../kernel/clock.ts'
import { fieldRefused, notFound, RequestError } from '../kernel/errors.ts'
import { noFaultPoint, type FaultPoint } from '../kernel/fault-point.ts'
import type { ForgottenPerson } from '../kernel/forgotten.ts'
import { hashOf, newId } from '../kernel/ids.ts'
import type { HealthLevel } from '../kernel/levels.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Settings } from '../settings/index.ts'
import { madeInCrm } from './changes.ts'
import { createGiving } from './giving.ts'
import { createHistory, type ToldAbout } from './history.ts'
import { healthModels, type HealthRecord } from './model.ts'
import { createPersonalValues } from './personal.ts'
import { createRecords, momentAfter } from './records.ts'
import { changedMeanwhile, checkedNote, healthView, keyUsed, nothingToConfirm, nothingToGoBackTo, notTheNewest } from './requests.ts'
import { foldHealth } from './rules.ts'
import { createSweep } from './sweep.ts'

/** Who does it, and from where. */
export interface By {
  actor: Actor
  source: 'page' | 'api' | 'bulk'
}

type Page = { page: number; pageSize: number }

export interface Health {
  /**
   * Sets the status, or confirms it if it is that level already.
   * @throws RequestError 404 unknown account, 409 `health_changed_meanwhile`, 422 note or reasons
   */
  set(companyId: string, locationId: string, request: HealthRequest, by: By): Promise<AccountHealth>
  /** "Still true". @throws RequestError 409 `nothing_to_confirm` */
  confirm(companyId: string, locationId: string, request: HealthConfirmRequest, by: By): Promise<AccountHealth>
  /** Takes the newest change back by another one. @throws RequestError 409 `not_the_newest_change`, `nothing_to_go_back_to` */
  undo(companyId: string, locationId: string, request: HealthUndoRequest, by: By): Promise<AccountHealth>
  /** Gives the note that a change made in the CRM lacks. @throws RequestError 404 unknown change, 409 `note_given_already` */
  addNote(companyId: string, locationId: string, changeId: string, request: HealthNoteRequest, by: By): Promise<AccountHealth>
  status(companyId: string, locationId: string): Promise<AccountHealth>
  history(companyId: string, locationId: string, page: Page): Promise<HealthHistory>
  /** Changes made in the CRM whose note is missing. @param query.csm user id of the owner, or `none` */
  openItems(companyId: string, query: Page & { csm?: string | undefined }): Promise<OpenHealthItems>
  /** The newest changes made in the CRM whose note is missing: of all accounts, or of a few. */
  notesMissing(companyId: string, query: { among: readonly string[] | null; limit: number }): Promise<HealthChange[]>
  /** What people set in HighLevel themselves. */
  personal: PersonalValues
  /** Takes note of what happened elsewhere: a new contact, somebody who left, another primary contact. Idempotent. @param levelOfAccount where it is read for this event anyway; null → there is nothing to give out */
  observe(event: DomainEvent, levelOfAccount?: () => Promise<HealthLevel | null>): Promise<void>
  setInBulk: BulkHandler
  confirmInBulk: BulkHandler
  /** Gives out what a crash or a bulk left, tells of statuses that went stale, follows changed settings. @returns how many accounts */
  sweep(limit: number): Promise<number>
  /** Waits for what is being given out in the background. */
  idle(): Promise<void>
  /** Finishes what is in hand in the background; the sweep finds the rest. */
  stop(): Promise<void>
  /** What contacts showed stays as it was, of nobody. Idempotent. */
  forget(person: ForgottenPerson): Promise<void>
  purge(companyId: string): Promise<void>
}

export interface HealthDeps {
  connection: Connection
  clock: Clock
  accounts: Pick<Accounts, 'get' | 'users' | 'email' | 'setHealth' | 'locationIds'>
  effects: Pick<Effects, 'wantContact' | 'wantCard' | 'linked'>
  events: Pick<Events, 'append' | 'timeline'>
  settings: Pick<Settings, 'get'>
  /** Whom the agency chose as the account's first contact. */
  primary?: (companyId: string, locationId: string) => Promise<{ userId: string } | null>
  /** What the team was told about a change. */
  toldAbout?: ToldAbout
  logger: Logger
  faultPoint?: FaultPoint
}

const bulkConcurrency = 8

export function createHealth(deps: HealthDeps): Health {
  const { connection, clock, accounts, events, settings, logger } = deps
  const faultPoint = deps.faultPoint ?? noFaultPoint
  const models = healthModels(connection)
  const records = createRecords(models.readings, { clock, accounts, settings, faultPoint })
  const history = createHistory(models.changes, events, deps.toldAbout)
  const giving = createGiving({ ...deps, readings: models.readings, records, history, faultPoint })
  const sweep = createSweep({ readings: models.readings, records, giving, accounts, settings, clock, logger })

  const viewOf = (record: HealthRecord | null): AccountHealth => healthView(record?.status ?? null, clock.now())

  async function mustExist(companyId: string, locationId: string): Promise<void> {
    if ((await accounts.get(companyId, locationId)) === null) throw notFound('account')
  }

  /** The newest change was not `ifChangeId`: the person looked at something older. */
  function checkUnchanged(record: HealthRecord, ifChangeId: string | null | undefined): void {
    if (ifChangeId !== undefined && (record.status?.changeId ?? null) !== ifChangeId) throw changedMeanwhile(record.status, clock.now())
  }

  /** Stores the setting; what follows from it is given out by the caller. */
  async function storeSet(companyId: string, locationId: string, request: HealthRequest, by: By): Promise<HealthRecord> {
    const rules = (await settings.get(companyId)).health
    const { note, reasonCodes } = checkedNote(request, rules)
    const { idempotencyKey } = request
    const key = idempotencyKey === undefined ? newId(clock.nowMs()) : hashOf('health', companyId, locationId, idempotencyKey).slice(0, 32)
    return records.change(companyId, locationId, async (record) => {
      const known = record.facts.find((fact) => fact.key === key)
      if (known !== undefined) {
        if (known.kind !== 'set' || known.level !== request.level || known.note !== (note === '' ? null : note)) throw keyUsed()
        return null
      }
      // The facts of long ago are folded away; their changes are remembered.
      if (idempotencyKey !== undefined && (await history.find(companyId, locationId, key)) !== null) return null
      checkUnchanged(record, request.ifChangeId)
      return { facts: [{ kind: 'set', key, at: momentAfter(record, clock), level: request.level, source: by.source, actor: by.actor, note: note === '' ? null : note, reasonCodes, undoes: null }] }
    })
  }

  async function storeConfirm(companyId: string, locationId: string, request: HealthConfirmRequest, by: By): Promise<HealthRecord> {
    const key = newId(clock.nowMs())
    const note = request.note === undefined || request.note === '' ? null : request.note
    return records.change(companyId, locationId, (record) => {
      checkUnchanged(record, request.ifChangeId)
      if (record.status === null) throw nothingToConfirm()
      return { facts: [{ kind: 'confirm', key, at: momentAfter(record, clock), source: by.source, actor: by.actor, note }] }
    })
  }

  /** One result per account; what is to be written in HighLevel follows in the background, found again by the sweep after a crash. */
  async function inBulk(companyId: string, locationIds: readonly string[], store: (locationId: string) => Promise<HealthRecord>) {
    const results = new Map<string, { locationId: string; ok: boolean; error?: { code: string; message: string } }>()
    const waiting = [...locationIds]
    async function hand(): Promise<void> {
      for (let locationId = waiting.pop(); locationId !== undefined; locationId = waiting.pop()) {
        try {
          await giving.project(await store(locationId))
          giving.later(companyId, locationId)
          results.set(locationId, { locationId, ok: true })
        } catch (error) {
          if (!(error instanceof RequestError)) throw error
          results.set(locationId, { locationId, ok: false, error: { code: error.code, message: error.message } })
        }
      }
    }
    await Promise.all(Array.from({ length: bulkConcurrency }, hand))
    return locationIds.map((locationId) => results.get(locationId) ?? { locationId, ok: false })
  }

  const byOf = (session: { userId: string; userName: string }): By => ({ actor: { kind: 'agency_user', id: session.userId, name: session.userName }, source: 'bulk' })

  return {
    async set(companyId, locationId, request, by) {
      await mustExist(companyId, locationId)
      return viewOf(await giving.now(await storeSet(companyId, locationId, request, by)))
    },

    async confirm(companyId, locationId, request, by) {
      await mustExist(companyId, locationId)
      return viewOf(await giving.now(await storeConfirm(companyId, locationId, request, by)))
    },

    async undo(companyId, locationId, { changeId: named, note }, by) {
      await mustExist(companyId, locationId)
      const key = newId(clock.nowMs())
      // What a crash left: history is written when a change is given out.
      await giving.run(companyId, locationId)
      const record = await records.change(companyId, locationId, async (current) => {
        const newest = foldHealth(current.facts, current.base).current
        // Who names no change and asks twice wants it once: going forward again is asked for by name.
        if (named === undefined && newest !== null && newest.undoes !== null) return null
        const changeId = named ?? current.status?.changeId
        // Asked for twice: it is taken back already.
        if (newest?.undoes === changeId) return null
        if (newest === null || changeId === undefined || current.status?.changeId !== changeId) throw notTheNewest(current.status, clock.now())
        if (newest.before === null) throw nothingToGoBackTo()
        const given = note === undefined || note === '' ? null : note
        const restores = await history.standing(companyId, locationId, newest.before, newest.at)
        return { facts: [{ kind: 'set', key, at: momentAfter(current, clock), level: newest.before, source: 'undo', actor: by.actor, note: given, reasonCodes: [], undoes: changeId, restores }] }
      })
      return viewOf(await giving.now(record))
    },

    async addNote(companyId, locationId, changeId, request, by) {
      await mustExist(companyId, locationId)
      const rules = (await settings.get(companyId)).health
      const { note, reasonCodes } = checkedNote(request, rules)
      // What a crash left: history is written when a change is given out.
      await giving.run(companyId, locationId)
      const change = await history.find(companyId, locationId, changeId)
      if (change === null) throw notFound('change')
      const record = await records.change(companyId, locationId, (current) => {
        const given = current.notes.find((known) => known.changeId === changeId)?.note ?? change.note
        if (given === note) return null
        if (given !== null) throw new RequestError(409, 'note_given_already', 'Somebody gave a note for this change already. Confirm the status to add another one.')
        if (!madeInCrm(change.source)) throw new RequestError(409, 'note_not_wanted', 'Only a change made in the CRM lacks its note. Confirm the status to add one.')
        return { notes: [{ changeId, at: clock.now(), actor: by.actor, note, reasonCodes }] }
      })
      return viewOf(await giving.now(record))
    },

    async status(companyId, locationId) {
      return viewOf(await records.find(companyId, locationId))
    },

    async history(companyId, locationId, page) {
      await mustExist(companyId, locationId)
      return history.page(companyId, locationId, page)
    },

    async openItems(companyId, { csm, page, pageSize }) {
      const owned = csm === undefined ? null : await accounts.locationIds(companyId, { csm, noteWanted: true })
      const { items, total } = await history.open(companyId, owned, { page, pageSize })
      const views = new Map<string, Awaited<ReturnType<typeof accounts.get>>>()
      for (const locationId of new Set(items.map((item) => item.locationId))) views.set(locationId, await accounts.get(companyId, locationId))
      return {
        items: items.map((change) => {
          const account = views.get(change.locationId) ?? null
          const owner = account?.csm ?? null
          return { locationId: change.locationId, accountName: account?.name ?? change.locationId, csm: owner === null ? null : { userId: owner.userId, name: owner.name }, change }
        }),
        page, pageSize, total,
      }
    },

    notesMissing: async (companyId, { among, limit }) => (await history.open(companyId, among === null ? null : [...among], { page: 1, pageSize: limit })).items,

    personal: createPersonalValues(records, giving, clock),

    async observe(event, levelOfAccount) {
      const { companyId, locationId, userId, type } = event
      if (locationId === null) return
      // A status is on the account before it is given to contacts: one that comes later finds this contact there.
      if (type === 'feedback.received' && userId !== null && (await levelOfAccount?.()) !== null) await giving.newContact(companyId, locationId, userId)
      if (type === 'user.removed' || type === 'person.primary_changed') await giving.again(companyId, locationId)
    },

    async setInBulk(session, locationIds, request) {
      const { companyId } = session
      const { level, note = '', reasonCodes, idempotencyKey } = request
      if (level === undefined) throw fieldRefused(422, 'level_missing', 'level', 'Say which level the accounts shall have.')
      // What is wrong for one is wrong for all: said once, before anything is written.
      checkedNote({ note, reasonCodes }, (await settings.get(companyId)).health)
      const one: HealthRequest = { level, note, ...(reasonCodes === undefined ? {} : { reasonCodes }), ...(idempotencyKey === undefined ? {} : { idempotencyKey }) }
      return inBulk(companyId, locationIds, (locationId) => storeSet(companyId, locationId, one, byOf(session)))
    },

    confirmInBulk: (session, locationIds, request) =>
      inBulk(session.companyId, locationIds, (locationId) =>
        storeConfirm(session.companyId, locationId, request.note === undefined ? {} : { note: request.note }, byOf(session))),

    sweep,
    idle: () => giving.idle(),
    stop: () => giving.stop(),

    async forget({ companyId, userId, locationIds, alias }) {
      for (const locationId of locationIds) {
        const [subjectId, nobody] = [`user:${locationId}:${userId}`, `user:${locationId}:${alias}`]
        const isTheirs = { companyId, locationId, 'facts.subjectId': subjectId }
        // Until none is left: what somebody added in between is kept.
        for (let record = await models.readings.findOne(isTheirs).lean<HealthRecord>(); record !== null; record = await models.readings.findOne(isTheirs).lean<HealthRecord>()) {
          const { _id, version } = record
          const facts = record.facts.map((fact) => (fact.kind === 'seen' && fact.subjectId === subjectId ? { ...fact, subjectId: nobody } : fact))
          await models.readings.updateOne({ _id, companyId, version }, { $set: { facts, version: version + 1 } })
        }
      }
    },

    async purge(companyId) {
      await models.readings.deleteMany({ companyId })
      await history.purge(companyId)
    },
  }
}
