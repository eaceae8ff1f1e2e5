import type { Connection } from 'mongoose'
import type { Cases } from '../cases/index.ts'
import type { DomainEvent } from '../events/index.ts'
import type { AnswerFacts } from '../happiness/index.ts'
import type { Account } from '../http/contract/accounts.ts'
import type { GoodKind, Today as TodayView } from '../http/contract/today.ts'
import { dayMs, type Clock } from '../kernel/clock.ts'
import type { Reports } from '../reports/index.ts'
import { isDuplicateKey } from '../store/index.ts'
import { newsModel } from './model.ts'
import { firstAnswerNews, newsOf, type News } from './news-rules.ts'
import { isCustomer, listOf, mayAskTestimonial, type Signal } from './rules.ts'
import { actNow, goingStale, type Found, type Scope, type SignalDeps } from './signals.ts'

/** What needs somebody today. Every method is scoped to one agency. */
export interface Today {
  /** @param query.csm whose accounts; null for everybody's */
  look(who: { companyId: string; userId: string }, query: { csm: string | null; limit: number }): Promise<TodayView>
  /** Takes note of good news, and of what ends it. Idempotent, in any order. */
  observe(event: DomainEvent): Promise<void>
  purge(companyId: string): Promise<void>
}

export interface TodayDeps extends SignalDeps {
  connection: Connection
  clock: Clock
  cases: SignalDeps['cases'] & Pick<Cases, 'accountsWithOpenCase'>
  reports: SignalDeps['reports'] & Pick<Reports, 'owned'>
  answers: AnswerFacts
}

const newsDays = 7
const mostNews = 75
const never = new Date(0)
/** News that is worth telling others, if nothing speaks against it. */
const tellable: ReadonlySet<GoodKind> = new Set<GoodKind>(['thriving', 'rose', 'recovered', 'first_answer'])

export function createToday(deps: TodayDeps): Today {
  const { clock, accounts, cases, reports, answers } = deps
  const news = newsModel(deps.connection)

  async function put({ companyId, locationId, at }: { companyId: string; locationId: string; at: Date }, { matter, kind, reason, open }: News, remember = open): Promise<void> {
    try {
      // Nothing is written to say that there is no good news where there never was any.
      await news.updateOne({ _id: `${companyId}:${locationId}:${matter}`, companyId, at: { $lte: at } }, { $set: { locationId, at, kind, reason, open } }, { upsert: remember })
    } catch (error) {
      // Something newer is known.
      if (!isDuplicateKey(error)) throw error
    }
  }

  /** The first answer of an account; looked up once per account, then remembered. */
  async function noteAnswer(event: DomainEvent, locationId: string): Promise<void> {
    const { companyId } = event
    const answerId = event.data['answerId']
    if (event.type === 'feedback.received' && (await news.exists({ _id: `${companyId}:${locationId}:first`, companyId })) !== null) return
    const given = await answers.since(companyId, locationId, never)
    const own = given.find((answer) => answer.answerId === answerId)
    const isFirst = given.every((answer) => answer.answerId === answerId || (own !== undefined && answer.at > own.at))
    if (event.type === 'feedback.changed' && !isFirst) return
    await put({ companyId, locationId, at: event.at }, firstAnswerNews(event, isFirst), true)
  }

  async function goodNews({ companyId, owner }: Scope, now: Date): Promise<Found> {
    const whose = owner === null ? {} : { locationId: { $in: [...owner.locationIds] } }
    const found = await news.find({ companyId, open: true, at: { $gte: new Date(now.getTime() - newsDays * dayMs) }, ...whose }).sort({ at: -1, _id: 1 }).limit(mostNews).lean()
    const ids = [...new Set(found.map(({ locationId }) => locationId))]
    const [read, withCase] = ids.length === 0 ? [[], new Set<string>()] : await Promise.all([accounts.figures.byIds(companyId, ids), cases.accountsWithOpenCase(companyId, ids)])
    const known = new Map(read.filter(isCustomer).map((account) => [account.locationId, account]))
    const signals = found.flatMap(({ _id, locationId, at, kind, reason }): Signal[] => {
      const account = known.get(locationId)
      if (account === undefined) return []
      const mayAsk = tellable.has(kind) && mayAskTestimonial(account, withCase.has(locationId))
      // The newest first: news does not wait.
      return [{ locationId, kind, matter: _id, reason, since: at, action: mayAsk ? 'ask_testimonial' : 'open_account', order: -at.getTime() }]
    })
    return { signals, accounts: read, isCut: found.length >= mostNews }
  }

  return {
    async look({ companyId, userId }, { csm, limit }) {
      const now = clock.now()
      const mine = await reports.owned(companyId, userId)
      const owned = csm === null || csm === userId ? mine : await reports.owned(companyId, csm)
      const scope: Scope = { companyId, owner: csm === null ? null : { userId: csm, locationIds: owned.locationIds } }
      const [act, stale, good, standing] = await Promise.all([
        actNow(deps, scope, now),
        goingStale(deps, scope, now),
        goodNews(scope, now),
        deps.setup.standing(companyId),
      ])
      const known = new Map<string, Account>([act, stale, good].flatMap((found) => found.accounts.map((account) => [account.locationId, account] as const)))
      const list = ({ signals, isCut }: Found) => listOf(signals, known, { limit, isCut })
      return {
        csm, asOf: now.toISOString(), setUp: standing.chosen, accounts: { mine: mine.locationIds.length, all: mine.all },
        actNow: list(act), goingStale: list(stale), goodNews: list(good),
      }
    },

    async observe(event) {
      const { type, companyId, locationId, at } = event
      if (locationId === null) return
      if (type === 'feedback.received' || type === 'feedback.changed') return noteAnswer(event, locationId)
      const told = newsOf(event)
      if (told !== null) await put({ companyId, locationId, at }, told)
    },

    async purge(companyId) {
      await news.deleteMany({ companyId })
    },
  }
}
