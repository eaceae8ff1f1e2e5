import type { Connection } from 'mongoose'
import type { Cases } from '../cases/index.ts'
import type { DomainEvent } from '../events/index.ts'
import type { AnswerFacts } from '../happiness/index.ts'
import type { GoodKind, Today as TodayView } from '../http/contract/today.ts'
import { dayMs, type Clock } from '../kernel/clock.ts'
import { mentions, type ForgottenPerson } from '../kernel/forgotten.ts'
import type { Reports } from '../reports/index.ts'
import { isDuplicateKey } from '../store/index.ts'
import { newsModel } from './model.ts'
import { firstAnswerNews, newsOf, type News } from './news-rules.ts'
import { mayAskTestimonial, rowsOf, viewsOf, type Signal } from './rules.ts'
import { actNow, goingStale, type Found, type Scope, type SignalDeps } from './signals.ts'

/** What needs somebody today. Every method is scoped to one agency. */
export interface Today {
  /** @param query.csm whose accounts; null for everybody's */
  look(who: { companyId: string; userId: string }, query: { csm: string | null; limit: number }): Promise<TodayView>
  /** Takes note of good news, and of what ends it. Idempotent, in any order. */
  observe(event: DomainEvent): Promise<void>
  /** Takes away good news that names this person. Idempotent. */
  forget(person: ForgottenPerson): Promise<void>
  purge(companyId: string): Promise<void>
}

export interface TodayDeps extends SignalDeps {
  connection: Connection
  clock: Clock
  cases: SignalDeps['cases'] & Pick<Cases, 'accountsWithOpenCase'>
  reports: SignalDeps['reports'] & Pick<Reports, 'portfolio'>
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

  async function goodNews({ companyId, owner, isCustomer }: Scope, now: Date): Promise<Found> {
    const whose = owner === null ? {} : { locationId: { $in: [...owner.locationIds] } }
    const found = await news.find({ companyId, open: true, at: { $gte: new Date(now.getTime() - newsDays * dayMs) }, ...whose }).sort({ at: -1, _id: 1 }).limit(mostNews).lean()
    const shown = found.filter(({ locationId }) => isCustomer(locationId))
    const withCase = shown.length === 0 ? new Set<string>() : await cases.accountsWithOpenCase(companyId, [...new Set(shown.map(({ locationId }) => locationId))])
    const signals = shown.map(({ _id, locationId, at, kind, reason }): Signal => ({
      locationId, kind, matter: _id, reason, since: at,
      action: (account) => (tellable.has(kind) && mayAskTestimonial(account, withCase.has(locationId)) ? 'ask_testimonial' : 'open_account'),
      // The newest first: news does not wait.
      order: -at.getTime(),
    }))
    return { signals, isCut: found.length >= mostNews }
  }

  return {
    async look({ companyId, userId }, { csm, limit }) {
      const now = clock.now()
      const portfolio = await reports.portfolio(companyId)
      const ownedBy = (whose: string) => [...portfolio].filter(([, { csmUserId }]) => csmUserId === whose).map(([locationId]) => locationId)
      const mine = ownedBy(userId)
      const scope: Scope = {
        companyId,
        owner: csm === null ? null : { userId: csm, locationIds: csm === userId ? mine : ownedBy(csm) },
        isListed: (locationId) => portfolio.has(locationId),
        isCustomer: (locationId) => (portfolio.get(locationId)?.group ?? 'churned') !== 'churned',
      }
      const [act, stale, good, standing] = await Promise.all([actNow(deps, scope, now), goingStale(deps, scope, now), goodNews(scope, now), deps.setup.standing(companyId)])
      const all = [act, stale, good].map(({ signals }) => rowsOf(signals))
      // Only accounts that are shown are read in full.
      const ids = new Set(all.flatMap((rows) => rows.slice(0, limit).flatMap(({ locationId }) => locationId ?? [])))
      const read = new Map((await accounts.figures.byIds(companyId, [...ids])).map((account) => [account.locationId, account]))
      const list = (at: number, isCut: boolean) => ({ rows: viewsOf(all[at]?.slice(0, limit) ?? [], read), total: all[at]?.length ?? 0, atLeast: isCut })
      return {
        csm, asOf: now.toISOString(), setUp: standing.chosen, accounts: { mine: mine.length, all: portfolio.size },
        actNow: list(0, act.isCut), goingStale: list(1, stale.isCut), goodNews: list(2, good.isCut),
      }
    },

    async observe(event) {
      const { type, companyId, locationId, at } = event
      if (locationId === null) return
      if (type === 'feedback.received' || type === 'feedback.changed') return noteAnswer(event, locationId)
      const told = newsOf(event)
      if (told !== null) await put({ companyId, locationId, at }, told)
    },

    async forget({ companyId, userId, locationIds, words }) {
      const isAbout = mentions([userId, ...words])
      for (const { _id, kind, reason } of await news.find({ companyId, locationId: { $in: locationIds } }).lean()) {
        if (!isAbout([_id, reason])) continue
        // That an account has answered once stays known, or the next answer would be its first.
        if (kind === 'first_answer') await news.updateOne({ _id, companyId }, { $set: { reason: '', open: false } })
        else await news.deleteOne({ _id, companyId })
      }
    },

    async purge(companyId) {
      await news.deleteMany({ companyId })
    },
  }
}
