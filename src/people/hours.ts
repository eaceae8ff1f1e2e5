import type { Accounts } from '../accounts/index.ts'
import type { DomainEvent } from '../events/index.ts'
import type { HoursEntry } from '../http/contract/people.ts'
import { dayMs, type Clock } from '../kernel/clock.ts'
import { fieldRefused, notFound, RequestError } from '../kernel/errors.ts'
import { hashOf, newId } from '../kernel/ids.ts'
import type { Session } from '../kernel/route.ts'
import { isDuplicateKey } from '../store/index.ts'
import { createHoursDays } from './hours-days.ts'
import type { HoursRecord, PeopleModels } from './model.ts'
import { dayOf, durationText } from './rules.ts'

export interface Period {
  /** Calendar days as `2026-11-02`, both counted. */
  from?: string | undefined
  to?: string | undefined
}
export interface HoursRow {
  id: string
  name: string
  minutes: number
  entries: number
  accounts: number
}
export interface HoursReport {
  from: string
  to: string
  by: 'csm' | 'account'
  /** Of all rows. */
  minutes: number
  rows: HoursRow[]
  /** Rows in all. */
  total: number
}

/** Time that CSMs spent on accounts. */
export interface Hours {
  /** @throws RequestError 404; 409 `hours_removed` for a key whose entry was taken back; 422 naming `on` */
  log(session: Session, locationId: string, entry: { minutes: number; on?: string | undefined; note?: string | undefined; idempotencyKey?: string | undefined }): Promise<HoursEntry>
  /** Newest day first. `minutes`: of all that fit. @throws RequestError 404; 422 naming `from` */
  list(companyId: string, locationId: string, query: Period & { csm?: string | undefined; page: number; pageSize: number }): Promise<{ items: HoursEntry[]; total: number; minutes: number }>
  /** Takes back an entry of one's own. @throws RequestError 403 `not_your_entry`; 404 */
  remove(session: Session, locationId: string, entryId: string): Promise<HoursEntry>
  /** One page of sums, most first. Without a period: the last 30 days. @throws RequestError 422 naming `from` */
  report(companyId: string, query: Period & { by: 'csm' | 'account'; page: number; pageSize: number }): Promise<HoursReport>
  /** Minutes by CSM since a day, of all accounts. */
  minutesByCsm(companyId: string, fromAt: Date): Promise<Map<string, number>>
  /** Minutes per CSM since a day on one account, most first. */
  minutesPerCsm(companyId: string, fromAt: Date, locationId: string): Promise<{ userId: string; name: string; minutes: number; entries: number }[]>
  tellDue(limit: number): Promise<number>
}

export interface HoursDeps {
  clock: Clock
  accounts: Pick<Accounts, 'get' | 'owners' | 'agencyUsers'>
  events: { append(event: DomainEvent): Promise<unknown> }
}

/** Entries may be made up for this far back. */
const longestAgoDays = 366
const graceMs = 10_000

const invalid = (field: string, problem: string): RequestError => fieldRefused(422, 'invalid_input', field, problem)

function viewOf(record: HoursRecord): HoursEntry {
  const { _id, locationId, csmUserId, csmName, on, minutes, note, loggedAt } = record
  return { entryId: _id, locationId, csm: { userId: csmUserId, name: csmName }, on, minutes, note, loggedAt: loggedAt.toISOString() }
}

export function createHours({ hours, hoursDays }: Pick<PeopleModels, 'hours' | 'hoursDays'>, { clock, accounts, events }: HoursDeps): Hours {
  const days = createHoursDays({ hours, hoursDays })

  /** Brings what follows from an entry up to date: its day's sum, and what the timeline says; each event once, by its key. */
  async function tell(record: HoursRecord): Promise<void> {
    const { _id, companyId, locationId, csmUserId, csmName, on, minutes, note, removedAt } = record
    await days.sum(companyId, csmUserId, on)
    const about = { companyId, locationId, userId: null, actor: { kind: 'agency_user', id: csmUserId, name: csmName }, source: 'page', data: { locationId, entryId: _id, csmUserId, csmName, on, minutes, note, link: `/accounts/${locationId}` } } as const
    await events.append({
      ...about, key: `hours.logged:${_id}`, type: 'hours.logged', at: record.loggedAt, after: minutes,
      summary: `${csmName} logged ${durationText(minutes)} on ${on}${note === null ? '' : `: ${note}`}.`,
    })
    if (removedAt !== null) {
      await events.append({ ...about, key: `hours.removed:${_id}`, type: 'hours.removed', at: removedAt, before: minutes, summary: `${csmName} took back ${durationText(minutes)} logged on ${on}.` })
    }
    await hours.updateOne({ _id, companyId, counts: record.counts }, { $set: { untoldSince: null } })
  }

  function inPeriod({ from, to }: Period): { on?: { $gte?: string; $lte?: string } } {
    if (from !== undefined && to !== undefined && from > to) throw invalid('from', 'must not be after `to`')
    return from === undefined && to === undefined ? {} : { on: { ...(from === undefined ? {} : { $gte: from }), ...(to === undefined ? {} : { $lte: to }) } }
  }

  /** The names that people have today; of those who left, the name that they had. What is summed needs no more than index keys this way. */
  async function namesOf(companyId: string, userIds: readonly string[]): Promise<Map<string, string>> {
    const names = new Map((await accounts.agencyUsers(companyId)).map((user) => [user.userId, user.name]))
    for (const csmUserId of userIds.filter((userId) => !names.has(userId))) {
      const entry = await hours.findOne({ companyId, csmUserId }, { csmName: 1 }).lean<Pick<HoursRecord, 'csmName'>>()
      if (entry !== null) names.set(csmUserId, entry.csmName)
    }
    return names
  }

  async function minutesPerCsm(match: { companyId: string; locationId: string; counts: true; on?: unknown; csmUserId?: string }): Promise<{ userId: string; name: string; minutes: number; entries: number }[]> {
    const sums = await hours.aggregate<{ _id: string; minutes: number; entries: number }>([
      { $match: match },
      { $group: { _id: '$csmUserId', minutes: { $sum: '$minutes' }, entries: { $sum: 1 } } },
    ])
    const names = await namesOf(match.companyId, sums.map(({ _id }) => _id))
    return sums.map(({ _id, ...rest }) => ({ userId: _id, name: names.get(_id) ?? _id, ...rest })).sort((left, right) => right.minutes - left.minutes || (left.name < right.name ? -1 : 1))
  }

  return {
    async log(session, locationId, { minutes, on, note, idempotencyKey }) {
      const { companyId, userId, userName } = session
      if ((await accounts.get(companyId, locationId)) === null) throw notFound('account')
      const now = clock.now()
      const day = on ?? dayOf(now)
      // Somewhere it is tomorrow already.
      if (day > dayOf(new Date(now.getTime() + dayMs))) throw invalid('on', 'must not be in the future')
      if (day < dayOf(new Date(now.getTime() - longestAgoDays * dayMs))) throw invalid('on', 'must not be more than a year ago')
      const record: HoursRecord = {
        _id: idempotencyKey === undefined ? newId(now.getTime()) : hashOf('hours', companyId, userId, idempotencyKey).slice(0, 24),
        companyId, locationId, csmUserId: userId, csmName: userName, on: day, minutes, note: note === undefined || note === '' ? null : note,
        loggedAt: now, counts: true, removedAt: null, removedBy: null, untoldSince: now,
      }
      try {
        await hours.create([record])
      } catch (error) {
        if (!isDuplicateKey(error)) throw error
        const first = await hours.findOne({ _id: record._id, companyId }).lean<HoursRecord>()
        if (first === null) throw error
        if (!first.counts) throw new RequestError(409, 'hours_removed', 'This entry was taken back. Log the time again with a new key.')
        await tell(first)
        return viewOf(first)
      }
      await tell(record)
      return viewOf(record)
    },

    async list(companyId, locationId, { csm, page, pageSize, ...period }) {
      const filter = { companyId, locationId, counts: true as const, ...inPeriod(period), ...(csm === undefined ? {} : { csmUserId: csm }) }
      if ((await accounts.get(companyId, locationId)) === null) throw notFound('account')
      const [found, sums] = await Promise.all([
        hours.find(filter).sort({ on: -1, loggedAt: -1, _id: -1 }).skip((page - 1) * pageSize).limit(pageSize).lean<HoursRecord[]>(),
        minutesPerCsm(filter),
      ])
      const sum = (pick: (row: { minutes: number; entries: number }) => number): number => sums.reduce((total, row) => total + pick(row), 0)
      return { items: found.map(viewOf), total: sum((row) => row.entries), minutes: sum((row) => row.minutes) }
    },

    async remove(session, locationId, entryId) {
      const { companyId, userId } = session
      const entry = await hours.findOne({ _id: entryId, companyId, locationId }).lean<HoursRecord>()
      if (entry === null) throw notFound('entry')
      if (entry.csmUserId !== userId) throw new RequestError(403, 'not_your_entry', 'Only whoever logged this time can take it back.')
      const now = clock.now()
      const removed = await hours
        .findOneAndUpdate({ _id: entryId, companyId, counts: true }, { $set: { counts: false, removedAt: now, removedBy: userId, untoldSince: now } }, { returnDocument: 'after' })
        .lean<HoursRecord>()
      if (removed !== null) await tell(removed)
      return viewOf(removed ?? entry)
    },

    async report(companyId, { by, page, pageSize, ...period }) {
      const to = period.to ?? dayOf(clock.now())
      const from = period.from ?? dayOf(new Date(Date.parse(to) - 29 * dayMs))
      inPeriod({ from, to })
      const sums = await days.sums(companyId, { from, to }, by)
      const shown = sums.slice((page - 1) * pageSize, page * pageSize)
      const ids = shown.map(({ id }) => id)
      const names = by === 'csm' ? await namesOf(companyId, ids) : new Map((await accounts.owners(companyId, ids)).map((account) => [account.locationId, account.name]))
      return {
        from, to, by, total: sums.length,
        minutes: sums.reduce((total, row) => total + row.minutes, 0),
        rows: shown.map((row) => ({ ...row, name: names.get(row.id) ?? row.id })),
      }
    },

    async minutesByCsm(companyId, fromAt) {
      const sums = await days.sums(companyId, { from: dayOf(fromAt) }, 'csm')
      return new Map(sums.map(({ id, minutes }) => [id, minutes]))
    },
    minutesPerCsm: (companyId, fromAt, locationId) => minutesPerCsm({ companyId, locationId, counts: true, on: { $gte: dayOf(fromAt) } }),

    async tellDue(limit) {
      const untold = await hours.find({ untoldSince: { $gt: new Date(0), $lte: new Date(clock.nowMs() - graceMs) } }).limit(limit).lean<HoursRecord[]>()
      for (const record of untold) await tell(record)
      return untold.length
    },
  }
}
