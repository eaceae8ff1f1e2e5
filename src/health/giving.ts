import type { Model } from 'mongoose'
import type { Accounts } from '../accounts/index.ts'
import type { Effects } from '../effects/index.ts'
import type { Events } from '../events/index.ts'
import { describeError } from '../kernel/errors.ts'
import type { FaultPoint } from '../kernel/fault-point.ts'
import { createKeyedLock } from '../kernel/keyed-lock.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Settings } from '../settings/index.ts'
import { contactOf } from '../happiness/index.ts'
import { knownChanges } from './changes.ts'
import { ownContacts, primaryContact, subjectsOf, wantedCard, wantedStatus } from './crm.ts'
import type { History } from './history.ts'
import type { HealthRecord } from './model.ts'
import type { Records } from './records.ts'
import { foldHealth } from './rules.ts'

/** Tells everybody else what an account's status is: events, history, lists, contacts, card. Idempotent at every step. */
export interface Giving {
  /** Gives out at once. What fails is found again by the sweep: what the person did is stored. @returns the record as given in */
  now(record: HealthRecord): Promise<HealthRecord>
  /** Only the lists, for a bulk. */
  project(record: HealthRecord): Promise<void>
  /** Gives out in the background, a few accounts at a time. */
  later(companyId: string, locationId: string): void
  /** Gives out what there is; throws what goes wrong. */
  run(companyId: string, locationId: string): Promise<void>
  /** Wants contacts and card again, if a status is set. */
  again(companyId: string, locationId: string): Promise<void>
  /** A user has, or is about to have, a contact: it shows the status, too. */
  newContact(companyId: string, locationId: string, userId: string): Promise<void>
  idle(): Promise<void>
  /** Finishes what is in hand and leaves the rest to the sweep. */
  stop(): Promise<void>
}

interface GivingDeps {
  readings: Model<HealthRecord>
  records: Records
  history: History
  accounts: Pick<Accounts, 'get' | 'users' | 'email' | 'setHealth'>
  effects: Pick<Effects, 'wantContact' | 'wantCard' | 'linked'>
  events: Pick<Events, 'append'>
  settings: Pick<Settings, 'get'>
  primary?: (companyId: string, locationId: string) => Promise<{ userId: string } | null>
  logger: Logger
  faultPoint: FaultPoint
}

const hands = 4

export function createGiving(deps: GivingDeps): Giving {
  const { readings, records, history, accounts, effects, events, settings, logger, faultPoint } = deps
  const lock = createKeyedLock()

  async function project(record: HealthRecord): Promise<void> {
    await accounts.setHealth(record.companyId, record.locationId, record.status)
  }

  /** Wants the status on every contact of the account and on its card. @returns on how many contacts */
  async function want(record: HealthRecord): Promise<number | null> {
    const { companyId, locationId, status } = record
    const [account, rules] = await Promise.all([accounts.get(companyId, locationId), settings.get(companyId)])
    if (status === null || account === null) return null
    const users = await accounts.users(companyId, locationId, { includeRemoved: true })
    const linked = await effects.linked(companyId, subjectsOf(locationId, users))
    const own = ownContacts(linked, locationId)
    const chosen = (await deps.primary?.(companyId, locationId)) ?? null
    const nobody = users.every((user) => user.removedAt !== null)
    const primary = primaryContact(account, users, chosen?.userId ?? null, nobody ? await accounts.email(companyId, locationId) : null)
    for (const { identity } of own) await effects.wantContact(wantedStatus(record, identity, status.level, rules.tags))
    const isLinked = linked.some((contact) => contact.identity.subjectId === primary.subjectId) || (await effects.linked(companyId, [primary.subjectId])).length > 0
    if (!isLinked) {
      await effects.wantContact(wantedStatus(record, primary, status.level, rules.tags))
      await leaveToItsHome(companyId, locationId, primary.subjectId)
    }
    await effects.wantCard(wantedCard(companyId, account, primary, status.level))
    return own.length + (isLinked ? 0 : 1)
  }

  /** The person shares an address with somebody of another account, whose contact it is: that account's status comes back. */
  async function leaveToItsHome(companyId: string, locationId: string, subjectId: string): Promise<void> {
    const [contact] = await effects.linked(companyId, [subjectId])
    if (contact !== undefined && contact.home !== locationId) await again(companyId, contact.home)
  }

  async function attempt(record: HealthRecord): Promise<boolean> {
    const { companyId, locationId, wantedVersion } = record
    const fold = foldHealth(record.facts, record.base)
    const changes = knownChanges(record, fold)
    for (const event of record.pending) await events.append(event)
    faultPoint('health.told')
    await project(record)
    const touched = changes.filter((change) => record.touched.includes(change.changeId))
    const gone = record.touched.filter((id) => !changes.some((change) => change.changeId === id) && record.overtaken.includes(id))
    await history.write(companyId, locationId, touched, gone, record.notes.filter((note) => record.touched.includes(note.changeId)))
    const contacts = await want(record)
    const current = changes.find((change) => change.changeId === record.status?.changeId)
    if (contacts !== null && current !== undefined && record.touched.includes(current.changeId)) {
      const edited = current.source === 'field' ? 1 : 0
      await history.given(companyId, locationId, current.changeId, { contacts: Math.max(0, contacts - edited), card: current.source !== 'card' })
    }
    faultPoint('health.wanted')
    // Only if nothing newer is to be given out: else what was given out just now may be older than what somebody else gave out.
    const applied = { $set: { appliedVersion: wantedVersion, pending: [], touched: [], unappliedSince: null } }
    const { matchedCount } = await readings.updateOne({ _id: record._id, companyId, wantedVersion }, applied)
    return matchedCount === 1
  }

  const run: Giving['run'] = (companyId, locationId) =>
    lock.run(`${companyId}:${locationId}`, async () => {
      for (;;) {
        const record = await records.find(companyId, locationId)
        if (record === null || record.appliedVersion >= record.wantedVersion || (await attempt(record))) return
      }
    })

  async function quietly(companyId: string, locationId: string): Promise<void> {
    try {
      await run(companyId, locationId)
    } catch (error) {
      logger.warn({ companyId, locationId, code: describeError(error).code }, 'status could not be given out yet')
    }
  }

  async function again(companyId: string, locationId: string): Promise<void> {
    const record = await records.find(companyId, locationId)
    if (record === null || record.status === null) return
    await records.change(companyId, locationId, () => ({ again: true }))
    await run(companyId, locationId)
  }

  const waiting = new Map<string, { companyId: string; locationId: string }>()
  let working: Promise<void> | null = null

  async function hand(): Promise<void> {
    for (;;) {
      const [next] = waiting
      if (next === undefined) return
      const [key, { companyId, locationId }] = next
      waiting.delete(key)
      await quietly(companyId, locationId)
    }
  }

  async function work(): Promise<void> {
    while (waiting.size > 0) await Promise.all(Array.from({ length: hands }, hand))
    working = null
  }

  async function idle(): Promise<void> {
    while (working !== null) await working
  }

  return {
    project,
    run,
    again,
    async now(record) {
      if (record.appliedVersion < record.wantedVersion) await quietly(record.companyId, record.locationId)
      return record
    },
    later(companyId, locationId) {
      waiting.set(`${companyId}:${locationId}`, { companyId, locationId })
      working ??= work()
    },
    async newContact(companyId, locationId, userId) {
      for (;;) {
        const record = await records.find(companyId, locationId)
        if (record === null || record.status === null) return
        const [account, users, rules] = await Promise.all([accounts.get(companyId, locationId), accounts.users(companyId, locationId), settings.get(companyId)])
        const user = users.find((candidate) => candidate.userId === userId)
        if (account === null || user === undefined) return
        const identity = contactOf(account, user)
        const [contact] = await effects.linked(companyId, [identity.subjectId])
        if (contact !== undefined && contact.home !== locationId) return
        await effects.wantContact(wantedStatus(record, identity, record.status.level, rules.tags))
        if (contact === undefined) await leaveToItsHome(companyId, locationId, identity.subjectId)
        // The status may have changed while it was wanted here.
        if ((await records.find(companyId, locationId))?.wantedVersion === record.wantedVersion) return
      }
    },
    idle,
    async stop() {
      waiting.clear()
      await idle()
    },
  }
}

