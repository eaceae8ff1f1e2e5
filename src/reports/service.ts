import type { Connection } from 'mongoose'
import type { Account, Accounts } from '../accounts/index.ts'
import type { DomainEvent } from '../events/index.ts'
import { plainLevel, type AnswerFacts } from '../happiness/index.ts'
import type { AccountConfidence, GridReport, LevelHistory, ReportFilter } from '../http/contract/reports.ts'
import type { AgencySettings } from '../http/contract/settings.ts'
import { dayMs, hourMs, type Clock } from '../kernel/clock.ts'
import { describeError, notFound, RequestError } from '../kernel/errors.ts'
import { happinessLabels, happinessLevels, healthLabels } from '../kernel/levels.ts'
import type { Logger } from '../kernel/logger.ts'
import { createAlerts } from './alerts.ts'
import type { AlertKind } from './alert-rules.ts'
import { dayOf, endOf, lastDayOf, monthOf, monthsFrom, plusDays, plusMonths, pointsOf, startOf } from './calendar.ts'
import { createCycles, type Members, type PromptReaction } from './cycles.ts'
import { createLevels, levelOf, type LevelPoint, type LevelsNow } from './levels.ts'
import { reportModels, type AlertRecord } from './model.ts'
import { agencyMean, booksOf, cellsOf, confidenceOf, rankingOf, shareOf, type Ranked } from './rules.ts'
import { createSnapshots } from './snapshots.ts'
import { createStandings, fits, isNarrowed, type Standing } from './standings.ts'
import type { Book, Cycle, Disagreements, Reports } from './types.ts'

export interface ReportsDeps {
  connection: Connection
  clock: Clock
  accounts: Pick<Accounts, 'figures' | 'get' | 'users' | 'user' | 'agencyUsers'>
  answers: AnswerFacts
  events: { append(event: DomainEvent): Promise<unknown> }
  settings: { get(companyId: string): Promise<Pick<AgencySettings, 'prompt' | 'happiness'>> }
  logger: Logger
}

const mostPoints = 400
const weekMs = 7 * dayMs
const mostMonths = 24

export function createReports(deps: ReportsDeps): Reports {
  const { clock, accounts, answers, settings, logger } = deps
  const { figures } = accounts
  const models = reportModels(deps.connection)
  const snapshots = createSnapshots({ models, clock, logger })
  const standings = createStandings({ models, clock, figures })
  const levels = createLevels({ models, clock, figures })
  const cycles = createCycles({ models, clock, snapshots, accounts, settings })
  const alerts = createAlerts({ models, clock, figures, cycles, events: deps.events })

  async function standingsOf(companyId: string, filter: ReportFilter): Promise<Standing[]> {
    return [...await standings.of(companyId)].filter((row) => fits(row, filter))
  }

  async function membersOf(companyId: string, filter: ReportFilter): Promise<Members | null> {
    if (!isNarrowed(filter)) return null
    const mine = await standingsOf(companyId, filter)
    return { ids: new Set(mine.map(([locationId]) => locationId)), users: mine.reduce((sum, row) => sum + row[8], 0) }
  }

  const begun = new Set<string>()
  /** From the first account that is asked for feedback, silence is looked for. */
  async function begin(companyId: string): Promise<void> {
    if (begun.has(companyId)) return
    await models.books.updateOne({ _id: companyId, companyId }, { $setOnInsert: { accountsTo: null, silenceDueAt: new Date(clock.nowMs() + weekMs) } }, { upsert: true })
    begun.add(companyId)
  }

  /** An agency's first report takes in the accounts that are there already. */
  async function known(companyId: string): Promise<void> {
    const book = await models.books.findOne({ _id: companyId, companyId }).lean()
    if (book === null || book.accountsTo === null || book.accountsTo.getTime() < clock.nowMs() - hourMs) await levels.catchUp(companyId)
  }

  async function accountOf(companyId: string, locationId: string): Promise<Account> {
    const account = await accounts.get(companyId, locationId)
    if (account === null) throw notFound('account')
    return account
  }

  function range(from: string | undefined, to: string | undefined, days: number): { from: string; to: string } {
    const today = dayOf(clock.now())
    const last = to === undefined || to > today ? today : to
    const first = from ?? plusDays(last, -days)
    if (first > last) throw new RequestError(400, 'invalid_input', 'The period ends before it begins.', { details: { in: 'query', fields: [{ field: 'from', problem: 'must not be after `to`, or today' }] } })
    return { from: first, to: last }
  }

  return {
    async grid(companyId, filter): Promise<Pick<GridReport, 'total' | 'cells'>> {
      const mine = await standingsOf(companyId, filter)
      return { total: mine.length, cells: cellsOf(mine.map((row) => ({ health: row[4], happiness: row[5] }))) }
    },

    async books(companyId, filter): Promise<Book[]> {
      const [mine, staff] = await Promise.all([standingsOf(companyId, filter), accounts.agencyUsers(companyId)])
      const names = new Map(staff.map(({ userId, name }) => [userId, name]))
      const counted = mine.filter(([, group]) => group !== 'churned' || filter.group === 'churned')
      return booksOf(counted.map(([, , , csmUserId, health, happiness, , answered, users]) => ({ csmUserId, health, happiness, answered, users })))
        .map(({ csmUserId, answered, users, ...book }) => ({ csm: csmUserId === null ? null : { userId: csmUserId, name: names.get(csmUserId) ?? csmUserId }, ...book, answered: shareOf(answered, users) }))
    },

    async disagreements(companyId, query): Promise<Disagreements> {
      const { items, total } = await figures.disagreeing(companyId, query)
      return {
        total,
        items: items.map(({ account, kind, levelsApart, since, happinessFellAt }) => ({ account, kind, levelsApart, since: since?.toISOString() ?? null, reason: reasonOf(account, kind, levelsApart, happinessFellAt) })),
      }
    },

    async distribution(companyId, filter, { reading, from, to, step }): Promise<LevelPoint[]> {
      await known(companyId)
      const period = range(from, to, step === 'day' ? 30 : step === 'week' ? 12 * 7 : 365)
      const points = pointsOf(period.from, period.to, step)
      if (points.length > mostPoints) throw new RequestError(400, 'invalid_input', `That is more than ${mostPoints} points. Take a longer step or a shorter period.`, { details: { in: 'query', fields: [{ field: 'step', problem: 'is too short for this period' }] } })
      let among: LevelsNow | null = null
      if (isNarrowed(filter)) {
        const asOf = clock.now()
        const mine = await standingsOf(companyId, filter)
        among = { asOf, levels: new Map(mine.map(([locationId, group, , , health, happiness]) => [locationId, levelOf({ group, health, happiness }, reading)])) }
      }
      return levels.distribution(companyId, reading, points, among)
    },

    async levelHistory(companyId, locationId, { reading, from, to }): Promise<LevelHistory> {
      await accountOf(companyId, locationId)
      const period = range(from, to, 365)
      const toAt = new Date(Math.min(endOf(period.to).getTime(), clock.nowMs()))
      return { reading, ...period, segments: await levels.history(companyId, locationId, reading, startOf(period.from), toAt) }
    },

    async sparklines(companyId, locationIds) {
      await known(companyId)
      const asOf = clock.now()
      const month = monthOf(asOf)
      const endOfMonth = (monthsAgo: number): Date => endOf(lastDayOf(plusMonths(month, -monthsAgo)))
      const ends: [Date, ...Date[]] = [endOfMonth(5), endOfMonth(4), endOfMonth(3), endOfMonth(2), endOfMonth(1)]
      const found = await figures.byIds(companyId, [...new Set(locationIds)])
      const now = new Map(found.map(({ locationId, group, health, happiness }) => [locationId, levelOf({ group, health: health.level, happiness: happiness.level }, 'happiness')]))
      const lines = await levels.before(companyId, 'happiness', now, ends)
      const shown = (level: string | undefined) => happinessLevels.find((one) => one === level) ?? null
      const items = [...lines].map(([locationId, line]) => ({ locationId, levels: [...line, now.get(locationId)].map(shown) }))
      return { asOf: asOf.toISOString(), instants: [...ends, asOf].map((at) => at.toISOString()), items }
    },

    async levelsAt(companyId, locationId, fromAt, toAt) {
      const ends = async (reading: 'happiness' | 'health') => {
        const segments = await levels.history(companyId, locationId, reading, fromAt, toAt)
        return { before: segments[0]?.level ?? null, after: segments.at(-1)?.level ?? null }
      }
      const [happiness, health] = await Promise.all([ends('happiness'), ends('health')])
      return { happiness, health }
    },

    async response(companyId, filter, { from, to }): Promise<{ asOf: Date; cycles: Cycle[] }> {
      const period = range(from, to, 0)
      const last = monthOf(startOf(period.to))
      const months = monthsFrom(from === undefined ? plusMonths(last, -5) : monthOf(startOf(period.from)), last)
      if (months.length > mostMonths) throw new RequestError(400, 'invalid_input', `That is more than ${mostMonths} cycles. Take a shorter period.`, { details: { in: 'query', fields: [{ field: 'from', problem: `is more than ${mostMonths} months back` }] } })
      const found = await cycles.months(companyId, months, await membersOf(companyId, filter))
      const shown = found.months.map(({ month, ...counts }) => {
        // Nobody is due, or answers, without having been eligible.
        const eligible = Math.max(counts.eligible, counts.due)
        return { from: `${month}-01`, to: lastDayOf(month), ...counts, eligible, participation: shareOf(counts.answered, eligible), promptResponse: shareOf(counts.answered, counts.shown) }
      })
      return { asOf: found.asOf, cycles: shown }
    },

    async ranking(companyId, filter, { order, page, pageSize }) {
      const asOf = clock.now()
      const rows = [...await standings.of(companyId)]
      const scored = rows.flatMap((row) => (row[6] === null || row[7] === 0 || row[1] === 'churned' ? [] : [{ row, locationId: row[0], score: row[6], answered: row[7] }]))
      const mean = agencyMean(scored)
      const mine = mean === null ? [] : rankingOf(scored.filter(({ row }) => fits(row, filter)).map(({ locationId, score, answered }) => ({ locationId, score, answered })), mean, order)
      const shown = mine.slice((page - 1) * pageSize, page * pageSize)
      const found = new Map((await figures.byIds(companyId, shown.map(({ locationId }) => locationId))).map((account) => [account.locationId, account]))
      const items = shown.flatMap((ranked: Ranked, at) => {
        const account = found.get(ranked.locationId)
        return account === undefined ? [] : [{ rank: (page - 1) * pageSize + at + 1, account, score: ranked.score, shrunkScore: ranked.shrunkScore, users: ranked.answered }]
      })
      return { asOf, mean: mean === null ? null : Math.round(mean * 100) / 100, items, total: mine.length }
    },

    async confidence(companyId, locationId): Promise<AccountConfidence> {
      await accountOf(companyId, locationId)
      const { happiness } = await settings.get(companyId)
      const now = clock.now()
      const validSince = new Date(now.getTime() - happiness.validDays * dayMs)
      const [given, users] = await Promise.all([answers.since(companyId, locationId, validSince), accounts.users(companyId, locationId)])
      const present = new Set(users.map(({ userId }) => userId))
      const newest = new Map<string, (typeof given)[number]>()
      for (const answer of given) {
        const before = newest.get(answer.userId)
        if (present.has(answer.userId) && answer.at > validSince && (before === undefined || before.at < answer.at)) newest.set(answer.userId, answer)
      }
      const opinions = [...newest.values()]
      const scale = Object.values(happiness.points)
      return confidenceOf({
        points: opinions.map((answer) => happiness.points[answer.edits?.reduce((last, edit) => (edit.revision > last.revision ? edit : last), { revision: 0, level: answer.level }).level ?? answer.level]),
        ageDays: opinions.map((answer) => Math.max(0, now.getTime() - answer.at.getTime()) / dayMs),
        eligible: present.size,
        worst: Math.min(...scale),
        best: Math.max(...scale),
        levelOf: (score) => plainLevel(score, happiness),
      })
    },

    async alerts(companyId, filter, query: { kind?: AlertKind | undefined; page: number; pageSize: number }): Promise<{ items: AlertRecord[]; total: number }> {
      const members = await membersOf(companyId, filter)
      return alerts.list(companyId, { ...query, among: members?.ids ?? null })
    },

    async portfolio(companyId) {
      const rows = new Map<string, { group: Account['group']; csmUserId: string | null }>()
      for (const [locationId, group, , csmUserId] of await standings.of(companyId)) rows.set(locationId, { group, csmUserId })
      return rows
    },
    needing: (companyId, kind, options) => alerts.needing(companyId, kind, options),

    async observe(event) {
      if (event.type === 'feedback.enabled') await begin(event.companyId)
      await levels.observe(event)
      await cycles.observe(event)
      await alerts.observe(event)
    },
    promptReacted: (reaction: PromptReaction) => cycles.reacted(reaction),

    async sweep(limit) {
      const due = await models.books.find({ silenceDueAt: { $lte: clock.now() } }, { companyId: 1 }).sort({ silenceDueAt: 1 }).limit(limit).lean()
      for (const { companyId } of due) {
        try {
          await levels.catchUp(companyId)
          await alerts.lookForSilence(companyId)
        } catch (error) {
          // One agency's trouble must not keep the others waiting; it is found again by the next sweep.
          logger.warn({ companyId, code: describeError(error).code }, 'reports could not be brought up to date')
        }
      }
      return due.length
    },
    settled: () => snapshots.settled(),

    async forget(person, isLast) {
      await alerts.forget(person)
      if (isLast) await cycles.forget(person)
    },

    async purge(companyId) {
      await levels.purge(companyId)
      await cycles.purge(companyId)
      await alerts.purge(companyId)
      await snapshots.purge(companyId)
      await standings.purge(companyId)
      await models.books.deleteMany({ companyId })
      begun.delete(companyId)
    },
  }
}

/** Why the readings of an account do not fit together, in a sentence. */
export function reasonOf({ health, happiness }: Account, kind: string, levelsApart: number, fellAt: Date | null): string {
  const [status, level] = [health.level === null ? 'not set' : healthLabels[health.level], happiness.level === null ? 'without a reading' : happinessLabels[happiness.level]]
  if (kind === 'levels_apart') return `The status is ${status}, its users are ${level}: ${levelsApart} levels apart.`
  return `Happiness fell to ${level}${fellAt === null ? '' : ` on ${dayOf(fellAt)}`}; the status stayed ${status}.`
}
