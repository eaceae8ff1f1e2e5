import type { Connection } from 'mongoose'
import type { Accounts } from '../accounts/index.ts'
import type { Events } from '../events/index.ts'
import { dayMs, hourMs, type Clock } from '../kernel/clock.ts'
import type { ForgottenPerson } from '../kernel/forgotten.ts'
import { isDuplicateKey } from '../store/index.ts'
import { activityModel, type ActivityRecord } from './model.ts'
import { absenceReached, nextAbsenceAt } from './rules.ts'

/** Signs of life of account users, and their absence. */
export interface Activity {
  /** Somebody is there. Costs no look at the store if this process wrote it less than an hour ago. */
  seen(user: { companyId: string; locationId: string; userId: string }): Promise<void>
  /** When the users of an account were last seen, by user id; who never was is not there. */
  lastSeen(companyId: string, locationId: string): Promise<Map<string, Date>>
  /** Users last seen between two instants, the longest absent first: of all accounts, or of a few. */
  lastSeenBetween(companyId: string, query: { fromAt: Date; toAt: Date; among: readonly string[] | null; limit: number }): Promise<{ locationId: string; userId: string; lastSeenAt: Date }[]>
  /** Tells absences that have been reached. @returns how many users were looked at */
  sweep(limit: number): Promise<number>
  /** Takes away when this person was seen. Idempotent. */
  forget(person: ForgottenPerson): Promise<void>
  purge(companyId: string): Promise<void>
}

export interface ActivityDeps {
  connection: Connection
  clock: Clock
  accounts: Pick<Accounts, 'get' | 'user'>
  events: Pick<Events, 'append'>
}

const writtenEveryMs = hourMs
const maxRemembered = 20_000

export function createActivity({ connection, clock, accounts, events }: ActivityDeps): Activity {
  const users = activityModel(connection)
  /** What is stored, by user: until when nothing needs to be written. */
  const written = new Map<string, number>()

  async function tellReturned(record: ActivityRecord, at: Date): Promise<void> {
    const { companyId, locationId, userId, lastSeenAt } = record
    const days = Math.floor((at.getTime() - lastSeenAt.getTime()) / dayMs)
    await events.append({
      key: `user.returned:${companyId}:${locationId}:${userId}:${lastSeenAt.getTime()}`, companyId, locationId, userId, at, type: 'user.returned',
      actor: { kind: 'account_user', id: userId, name: null }, source: 'widget', summary: `Is back after ${days} days.`, data: { days, lastSeenAt },
    })
  }

  async function tellAbsence(record: ActivityRecord, now: Date): Promise<void> {
    const { _id, companyId, locationId, userId, lastSeenAt, toldDays } = record
    const [account, user] = await Promise.all([accounts.get(companyId, locationId), accounts.user(companyId, locationId, userId)])
    const isGone = account === null || account.removedAt !== null || account.group === 'churned' || user === null || user.removedAt !== null
    const reached = absenceReached(lastSeenAt, now)
    if (!isGone && reached > toldDays) {
      const at = new Date(lastSeenAt.getTime() + reached * dayMs)
      await events.append({
        key: `user.inactive:${companyId}:${locationId}:${userId}:${lastSeenAt.getTime()}:${reached}`, companyId, locationId, userId, at, type: 'user.inactive',
        actor: { kind: 'system', id: null, name: null }, source: 'schedule', summary: `${user.name} has not been seen for ${reached} days.`, data: { days: reached, lastSeenAt },
      })
    }
    const dueAt = isGone ? null : nextAbsenceAt(lastSeenAt, reached)
    // Whoever was seen in the meantime has begun anew.
    await users.updateOne({ _id, companyId, lastSeenAt }, { $set: { toldDays: isGone ? toldDays : Math.max(toldDays, reached), dueAt } })
  }

  return {
    async seen({ companyId, locationId, userId }) {
      const _id = `${companyId}:${locationId}:${userId}`
      const now = clock.now()
      if ((written.get(_id) ?? 0) > now.getTime()) return
      const fresh: ActivityRecord = { _id, companyId, locationId, userId, lastSeenAt: now, toldDays: 0, dueAt: nextAbsenceAt(now, 0) }
      const known = await users.findOne({ _id, companyId }).lean<ActivityRecord>()
      let since = now
      if (known === null) {
        try {
          await users.create([fresh])
        } catch (error) {
          // Another process saw them at the same moment.
          if (!isDuplicateKey(error)) throw error
        }
      } else if (now.getTime() - known.lastSeenAt.getTime() >= writtenEveryMs) {
        // The event first: once the new time is stored, nobody would find the absence again.
        if (known.toldDays > 0) await tellReturned(known, now)
        await users.updateOne({ _id, companyId, lastSeenAt: known.lastSeenAt }, { $set: { lastSeenAt: now, toldDays: 0, dueAt: fresh.dueAt } })
      } else since = known.lastSeenAt
      if (written.size >= maxRemembered) written.clear()
      written.set(_id, since.getTime() + writtenEveryMs)
    },

    async lastSeen(companyId, locationId) {
      const found = await users.find({ companyId, locationId }, { userId: 1, lastSeenAt: 1 }).lean()
      return new Map(found.map(({ userId, lastSeenAt }) => [userId, lastSeenAt]))
    },

    async lastSeenBetween(companyId, { fromAt, toAt, among, limit }) {
      const whose = among === null ? {} : { locationId: { $in: [...among] } }
      const found = await users.find({ companyId, lastSeenAt: { $gte: fromAt, $lt: toAt }, ...whose }).sort({ lastSeenAt: 1, _id: 1 }).limit(limit).lean<ActivityRecord[]>()
      return found.map(({ locationId, userId, lastSeenAt }) => ({ locationId, userId, lastSeenAt }))
    },

    async sweep(limit) {
      const now = clock.now()
      const due = await users.find({ dueAt: { $lte: now, $gt: new Date(0) } }).sort({ dueAt: 1 }).limit(limit).lean<ActivityRecord[]>()
      for (const record of due) await tellAbsence(record, now)
      return due.length
    },

    async forget({ companyId, userId, locationIds }) {
      await users.deleteMany({ companyId, locationId: { $in: locationIds }, userId })
    },

    async purge(companyId) {
      await users.deleteMany({ companyId })
    },
  }
}
