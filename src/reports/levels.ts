import type { Accounts, AccountStanding } from '../accounts/index.ts'
import type { DomainEvent } from '../events/index.ts'
import type { LevelHistory } from '../http/contract/reports.ts'
import { dayMs, minuteMs, type Clock } from '../kernel/clock.ts'
import { isDuplicateKey } from '../store/index.ts'
import { dayOf, endOf, startOf } from './calendar.ts'
import { byDay, counted, countsBackwards, gone, levelsBackwards, moveOf, noReading, segmentsOf, shownCounts, type Counts, type Move } from './level-rules.ts'
import { readings, type CountedLevel, type LevelChangeRecord, type LevelDayRecord, type Reading, type ReportModels } from './model.ts'

/** One point of a distribution over time; `counts: null` where nothing is known of that time. */
export interface LevelPoint {
  on: string
  counts: Record<string, number> | null
  total: number | null
}

/** Who is in a narrowed distribution: each account's level as of an instant. */
export interface LevelsNow {
  asOf: Date
  levels: ReadonlyMap<string, CountedLevel>
}

/** The levels of accounts over time. */
export interface Levels {
  /** Takes note of changes of either reading and of accounts that come and go. Idempotent, in any order. */
  observe(event: DomainEvent): Promise<void>
  /** Takes in accounts that nobody told of (read when the agency was installed) and brings the days up to date. */
  catchUp(companyId: string): Promise<void>
  /** Accounts per level at the end of each day. @param among only these accounts, as today's assignment has it; all if null */
  distribution(companyId: string, reading: Reading, days: readonly string[], among: LevelsNow | null): Promise<LevelPoint[]>
  history(companyId: string, locationId: string, reading: Reading, fromAt: Date, toAt: Date): Promise<LevelHistory['segments']>
  /** Levels of a few accounts just before each of some instants, oldest first. @param now their levels as they are now */
  before(companyId: string, reading: Reading, now: ReadonlyMap<string, CountedLevel>, instants: readonly [Date, ...Date[]]): Promise<Map<string, CountedLevel[]>>
  purge(companyId: string): Promise<void>
}

export interface LevelsDeps {
  models: ReportModels
  clock: Clock
  figures: Accounts['figures']
}

/** Events that took longer than that to be worked on make a day be counted again. */
const settledAfterMs = 2 * minuteMs
const maxAttempts = 5
const batchSize = 1_000
/** An account is told of by an event, or found by the next look, long before. */
const overlapMs = dayMs

/** The level of a standing as changes name it. */
export function levelOf(standing: Pick<AccountStanding, 'group' | 'health' | 'happiness'>, reading: Reading): CountedLevel {
  return standing.group === 'churned' ? gone : (standing[reading] ?? noReading)
}

export function createLevels({ models, clock, figures }: LevelsDeps): Levels {
  const { changes, days, books } = models

  /** The fact first, then the days that were counted without it. */
  async function insert(facts: LevelChangeRecord[]): Promise<void> {
    if (facts.length === 0) return
    try {
      await changes.insertMany(facts, { ordered: false })
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
    }
    for (const reading of readings) {
      const mine = facts.filter((fact) => fact.reading === reading)
      const [first] = mine
      if (first === undefined) continue
      const at = mine.reduce((oldest, fact) => (fact.at < oldest ? fact.at : oldest), first.at)
      // No day reaches into the last two minutes, whoever counted it; half of them are left for clocks that differ.
      if (at.getTime() > clock.nowMs() - settledAfterMs / 2) continue
      await days.deleteMany({ companyId: first.companyId, reading, through: { $gt: at } })
    }
  }

  const lastOf = (companyId: string, locationId: string, reading: Reading): Promise<LevelChangeRecord | null> =>
    changes.findOne({ companyId, locationId, reading }).sort({ at: -1, _id: -1 }).lean<LevelChangeRecord>()

  const arrival = (companyId: string, locationId: string, reading: Reading, at: Date): LevelChangeRecord => ({
    _id: `account:${companyId}:${locationId}:${reading}`, companyId, locationId, reading, at, before: gone, after: noReading,
  })

  async function levelChanged(event: DomainEvent, locationId: string, reading: Reading): Promise<void> {
    const { companyId, key, at } = event
    const named = (value: unknown): CountedLevel => (typeof value === 'string' ? value : noReading)
    const change: LevelChangeRecord = { _id: `${key}:${reading}`, companyId, locationId, reading, at, before: named(event.before), after: named(event.after) }
    const last = await lastOf(companyId, locationId, reading)
    // What an account says after it has left counts when it comes back.
    if (last?.after === gone && last.at.getTime() <= at.getTime()) return
    if (last !== null) return insert([change])
    const createdAt = (await figures.standing(companyId, locationId))?.createdAt ?? at
    const since = createdAt.getTime() < at.getTime() ? createdAt : at
    await insert([...readings.map((one) => arrival(companyId, locationId, one, since)), { ...change, before: noReading }])
  }

  async function left(event: DomainEvent, locationId: string): Promise<void> {
    for (const reading of readings) {
      const last = await lastOf(event.companyId, locationId, reading)
      if (last === null || last.after === gone) continue
      const at = event.at.getTime() < last.at.getTime() ? last.at : event.at
      await insert([{ _id: `${event.key}:${reading}`, companyId: event.companyId, locationId, reading, at, before: last.after, after: gone }])
    }
  }

  async function came(event: DomainEvent, locationId: string): Promise<void> {
    const standing = await figures.standing(event.companyId, locationId)
    for (const reading of readings) {
      const last = await lastOf(event.companyId, locationId, reading)
      if (last !== null && last.after !== gone) continue
      if (last === null) await insert([arrival(event.companyId, locationId, reading, event.at)])
      else {
        const after = standing === null ? noReading : levelOf(standing, reading)
        if (after !== gone) await insert([{ _id: `${event.key}:${reading}`, companyId: event.companyId, locationId, reading, at: event.at, before: gone, after }])
      }
    }
  }

  /** Writes the days since the last one that is counted. @returns false if a change came in between: count again */
  async function roll(companyId: string, reading: Reading): Promise<boolean> {
    const last = await days.findOne({ companyId, reading }, { moves: 0 }).sort({ day: -1 }).lean<Omit<LevelDayRecord, 'moves'>>()
    const cut = new Date(clock.nowMs() - settledAfterMs)
    const fromAt = last?.through ?? new Date(0)
    if (fromAt.getTime() >= cut.getTime()) return true
    const written: LevelDayRecord[] = []
    let counts: Counts = last?.counts ?? {}
    const write = async (day: string, moves: Move[]): Promise<void> => {
      counts = counted(counts, moves)
      const before = last !== null && last.day === day ? (JSON.parse((await days.findOne({ _id: last._id, companyId }, { moves: 1 }).lean())?.moves ?? '[]') as Move[]) : []
      const all = [...before, ...moves]
      const through = endOf(day).getTime() < cut.getTime() ? endOf(day) : cut
      const record: LevelDayRecord = { _id: `${companyId}:${reading}:${day}`, companyId, reading, day, through, changes: all.length, counts, moves: JSON.stringify(all) }
      await days.replaceOne({ _id: record._id }, record, { upsert: true })
      written.push(record)
    }
    let pending: Move[] = []
    const cursor = changes.find({ companyId, reading, at: { $gte: fromAt, $lt: cut } }).sort({ at: 1, _id: 1 }).lean<LevelChangeRecord[]>().cursor({ batchSize })
    for await (const change of cursor as AsyncIterable<LevelChangeRecord>) {
      const [first] = pending
      if (first !== undefined && dayOf(new Date(first[3])) !== dayOf(change.at)) {
        await write(dayOf(new Date(first[3])), pending)
        pending = []
      }
      pending.push(moveOf(change))
    }
    const [first] = pending
    if (first !== undefined) await write(dayOf(new Date(first[3])), pending)
    for (const record of written) {
      const there = await changes.countDocuments({ companyId, reading, at: { $gte: startOf(record.day), $lt: record.through } })
      if (there === record.changes) continue
      await days.deleteMany({ companyId, reading, day: { $gte: record.day } })
      return false
    }
    return true
  }

  async function rollUp(companyId: string, reading: Reading): Promise<void> {
    for (let count = 1; count <= maxAttempts; count += 1) if (await roll(companyId, reading)) return
  }

  /** Accounts that were there before anybody told of them; what they are is known from now on. */
  async function takeInAccounts(companyId: string): Promise<void> {
    const now = clock.now()
    const book = await books.findOne({ _id: companyId, companyId }).lean()
    const accountsTo = book?.accountsTo ?? null
    const fromAt = accountsTo === null ? undefined : new Date(accountsTo.getTime() - overlapMs)
    for await (const page of figures.standings(companyId, fromAt === undefined ? {} : { fromAt })) {
      const known = new Set(await changes.distinct('locationId', { companyId, locationId: { $in: page.map(({ locationId }) => locationId) } }))
      const fresh = page.filter((standing) => !known.has(standing.locationId) && standing.group !== 'churned')
      await insert(
        fresh.flatMap((standing) =>
          readings.flatMap((reading) => {
            const { locationId, createdAt } = standing
            const level = levelOf(standing, reading)
            const first = arrival(companyId, locationId, reading, createdAt)
            // A level that is older than a day was told before anybody listened.
            const isOld = level !== noReading && createdAt.getTime() < now.getTime() - overlapMs
            return isOld ? [first, { ...first, _id: `${first._id}:found`, at: now, before: noReading, after: level }] : [first]
          }),
        ),
      )
    }
    await books.updateOne({ _id: companyId, companyId }, { $set: { accountsTo: now }, $setOnInsert: { silenceDueAt: new Date(now.getTime() + 7 * dayMs) } }, { upsert: true })
  }

  /** Changes that no day has taken in yet. */
  async function tail(companyId: string, reading: Reading, through: Date): Promise<Move[]> {
    const found = await changes.find({ companyId, reading, at: { $gte: through } }, { locationId: 1, before: 1, after: 1, at: 1 }).sort({ at: 1, _id: 1 }).lean<LevelChangeRecord[]>()
    return found.map(moveOf)
  }

  return {
    async observe(event) {
      const { locationId } = event
      if (locationId === null) return
      if (event.type === 'happiness.account_level_changed') await levelChanged(event, locationId, 'happiness')
      else if (event.type === 'health.changed') await levelChanged(event, locationId, 'health')
      else if (event.type === 'account.removed') await left(event, locationId)
      else if (event.type === 'account.created' || (event.type === 'account.group_changed' && event.before === 'churned')) await came(event, locationId)
    },

    async catchUp(companyId) {
      await takeInAccounts(companyId)
      for (const reading of readings) await rollUp(companyId, reading)
    },

    async distribution(companyId, reading, points, among) {
      const [first = ''] = points
      await rollUp(companyId, reading)
      const [base, later] = await Promise.all([
        days.findOne({ companyId, reading, day: { $lt: first } }, { moves: 0 }).sort({ day: -1 }).lean<Omit<LevelDayRecord, 'moves'>>(),
        days.find({ companyId, reading, day: { $gte: first } }, among === null ? { moves: 0 } : {}).sort({ day: 1 }).lean<LevelDayRecord[]>(),
      ])
      const newest = later.at(-1) ?? base
      const moves = await tail(companyId, reading, newest?.through ?? new Date(0))
      const isKnown = (day: string): boolean => base !== null || (later[0] !== undefined && later[0].day <= day) || (moves[0] !== undefined && moves[0][3] < endOf(day).getTime())
      if (among !== null) {
        const all = [...later.flatMap((record) => JSON.parse(record.moves) as Move[]), ...moves]
        const now = new Map(among.levels)
        for (const [locationId, , after, atMs] of all) if (atMs > among.asOf.getTime() && now.has(locationId)) now.set(locationId, after)
        const counts = countsBackwards(now, all, points)
        return points.map((on, at) => (isKnown(on) ? { on, ...shownCounts(reading, counts[at] ?? {}) } : { on, counts: null, total: null }))
      }
      const tailDays = byDay(moves)
      return points.map((on) => {
        if (!isKnown(on)) return { on, counts: null, total: null }
        const record = later.findLast(({ day }) => day <= on) ?? base
        const since = [...tailDays].filter(([day]) => day <= on).flatMap(([, list]) => list)
        return { on, ...shownCounts(reading, counted(record?.counts ?? {}, since)) }
      })
    },

    async history(companyId, locationId, reading, fromAt, toAt) {
      const found = await changes.find({ companyId, locationId, reading, at: { $lt: toAt } }, { at: 1, after: 1 }).sort({ at: 1, _id: 1 }).lean<LevelChangeRecord[]>()
      return segmentsOf(found, fromAt, toAt)
    },

    async before(companyId, reading, now, instants) {
      const found = await changes
        .find({ companyId, locationId: { $in: [...now.keys()] }, reading, at: { $gte: instants[0] } }, { locationId: 1, before: 1, after: 1, at: 1 })
        .sort({ at: 1, _id: 1 })
        .lean<LevelChangeRecord[]>()
      return levelsBackwards(now, found.map(moveOf), instants)
    },

    async purge(companyId) {
      await changes.deleteMany({ companyId })
      await days.deleteMany({ companyId })
    },
  }
}
