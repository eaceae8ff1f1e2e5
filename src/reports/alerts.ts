import type { Accounts } from '../accounts/index.ts'
import type { DomainEvent } from '../events/index.ts'
import { dayMs, type Clock } from '../kernel/clock.ts'
import type { ForgottenPerson } from '../kernel/forgotten.ts'
import { isDuplicateKey } from '../store/index.ts'
import { alertNewsOf, type AlertKind, type AlertNews } from './alert-rules.ts'
import type { Cycles } from './cycles.ts'
import type { AlertRecord, CoverageRecord, ReportModels } from './model.ts'
import { monthOf } from './calendar.ts'
import { silenceOf, unansweredRow, type CoverageSample } from './rules.ts'

/** What needs somebody now. */
export interface Alerts {
  /** Idempotent, in any order: of one user's or account's news the newest stands. */
  observe(event: DomainEvent): Promise<void>
  /** Newest first. Falls and changes of the last 30 days, silences as long as they last. */
  list(companyId: string, query: { kind?: AlertKind | undefined; among: ReadonlySet<string> | null; page: number; pageSize: number }): Promise<{ items: AlertRecord[]; total: number }>
  /** The newest falls, or silences, of a few accounts or of all; what got better is none. */
  needing(companyId: string, kind: AlertKind, options: { among: readonly string[] | null; limit: number }): Promise<AlertRecord[]>
  /** The weekly look for accounts that fell silent; each silence is told once. */
  lookForSilence(companyId: string): Promise<void>
  /** Takes away what was noted about one person. Idempotent. */
  forget(person: ForgottenPerson): Promise<void>
  purge(companyId: string): Promise<void>
}

export interface AlertsDeps {
  models: ReportModels
  clock: Clock
  figures: Accounts['figures']
  cycles: Pick<Cycles, 'recent'>
  events: { append(event: DomainEvent): Promise<unknown> }
}

const shownDays = 30
const sampleDays = 90
const mostListed = 5_000
const weekMs = 7 * dayMs
/** Fewer cycles without an answer are not told. */
const fewestUnanswered = 2

export function createAlerts({ models, clock, figures, cycles, events }: AlertsDeps): Alerts {
  const { alerts, coverage, books } = models

  async function put(companyId: string, locationId: string, at: Date, news: AlertNews): Promise<void> {
    const { kind, userId, userName, accountName, reason, open, rose = false } = news
    const _id = `${companyId}:${kind}:${locationId}:${userId ?? ''}`
    // Nothing is written to say that all is well with somebody of whom nothing was ever said.
    try {
      await alerts.updateOne({ _id, companyId, at: { $lte: at } }, { $set: { locationId, kind, at, userId, userName, accountName, reason, open, rose } }, { upsert: open })
    } catch (error) {
      // Something newer is known.
      if (!isDuplicateKey(error)) throw error
    }
  }

  return {
    async observe(event) {
      const news = event.locationId === null ? null : alertNewsOf(event)
      if (news !== null && event.locationId !== null) await put(event.companyId, event.locationId, event.at, news)
      if (event.type === 'user.removed' && event.locationId !== null && event.userId !== null)
        await alerts.updateOne({ _id: `${event.companyId}:user_fell:${event.locationId}:${event.userId}`, companyId: event.companyId, at: { $lte: event.at } }, { $set: { open: false, at: event.at } })
      if (event.type === 'account.removed' && event.locationId !== null) await alerts.updateMany({ companyId: event.companyId, open: true, locationId: event.locationId, at: { $lte: event.at } }, { $set: { open: false } })
    },

    async list(companyId, { kind, among, page, pageSize }) {
      const since = new Date(clock.nowMs() - shownDays * dayMs)
      const young = { companyId, open: true, at: { $gte: since }, ...(kind === undefined ? {} : { kind }) }
      const lasting = { companyId, open: true, at: { $lt: since }, kind: 'silence' as const }
      const filters = kind === undefined || kind === 'silence' ? [young, lasting] : [young]
      const found = (await Promise.all(filters.map((filter) => alerts.find(filter, { locationId: 1 }).sort({ at: -1, _id: 1 }).limit(mostListed).lean()))).flat()
      const mine = among === null ? found : found.filter(({ locationId }) => among.has(locationId))
      const ids = mine.slice((page - 1) * pageSize, page * pageSize).map(({ _id }) => _id)
      const records = await alerts.find({ _id: { $in: ids }, companyId }).lean<AlertRecord[]>()
      const byId = new Map(records.map((record) => [record._id, record]))
      return { items: ids.flatMap((id) => byId.get(id) ?? []), total: mine.length }
    },

    async needing(companyId, kind, { among, limit }) {
      const since = kind === 'silence' ? {} : { at: { $gte: new Date(clock.nowMs() - shownDays * dayMs) } }
      const whose = among === null ? {} : { locationId: { $in: [...among] } }
      return alerts.find({ companyId, open: true, kind, ...since, ...whose, rose: { $ne: true } }).sort({ at: -1, _id: 1 }).limit(limit).lean<AlertRecord[]>()
    },

    async lookForSilence(companyId) {
      const now = clock.now()
      const oldest = now.getTime() - sampleDays * dayMs
      for await (const page of figures.standings(companyId)) {
        const watched = page.filter((standing) => standing.feedbackEnabled && standing.users > 0 && standing.group !== 'churned')
        const ids = watched.map(({ locationId }) => `${companyId}:${locationId}`)
        const [known, recent] = await Promise.all([
          coverage.find({ _id: { $in: ids }, companyId }).lean<CoverageRecord[]>(),
          cycles.recent(companyId, watched.map(({ locationId }) => locationId)),
        ])
        const records = new Map(known.map((record) => [record.locationId, record]))
        const writes = []
        for (const { locationId, name, answered, users } of watched) {
          const record = records.get(locationId)
          const kept = (record?.samples ?? []).filter((sample) => sample.at.getTime() >= oldest && now.getTime() - sample.at.getTime() > dayMs)
          const samples: CoverageSample[] = [...kept, { at: now, answered, eligible: users }]
          const reason = silenceOf({ samples, cycles: recent.get(locationId) ?? [] })
          const unanswered = unansweredRow(recent.get(locationId) ?? [])
          if (unanswered >= fewestUnanswered) {
            await events.append({
              key: `account.unanswered:${companyId}:${locationId}:${monthOf(now)}:${unanswered}`, companyId, locationId, userId: null, type: 'account.unanswered', at: now,
              actor: { kind: 'system', id: null, name: null }, source: 'schedule', summary: `Nobody of ${name} answered in ${unanswered} cycles in a row.`, data: { accountName: name, cycles: unanswered },
            })
          }
          const before = record?.silentSince ?? null
          const silentSince = reason === null ? null : (before ?? now)
          if (reason !== null && before === null) {
            await put(companyId, locationId, now, { kind: 'silence', userId: null, userName: null, accountName: name, reason, open: true })
            await events.append({
              key: `account.silent:${companyId}:${locationId}:${now.toISOString().slice(0, 10)}`, companyId, locationId, userId: null, type: 'account.silent', at: now,
              actor: { kind: 'system', id: null, name: null }, source: 'schedule', summary: `${name} fell silent. ${reason}`, data: { accountName: name, reason, answered, eligible: users },
            })
          } else if (reason === null && before !== null) {
            await put(companyId, locationId, now, { kind: 'silence', userId: null, userName: null, accountName: name, reason: 'Answers again.', open: false })
          }
          writes.push({ updateOne: { filter: { _id: `${companyId}:${locationId}`, companyId }, update: { $set: { locationId, samples, silentSince } }, upsert: true } })
        }
        if (writes.length > 0) await coverage.bulkWrite(writes, { ordered: false })
      }
      await books.updateOne({ _id: companyId, companyId }, { $set: { silenceDueAt: new Date(now.getTime() + weekMs) } })
    },

    async forget({ companyId, userId, locationIds }) {
      for (const locationId of locationIds) await alerts.deleteMany({ companyId, locationId, userId })
    },

    async purge(companyId) {
      await alerts.deleteMany({ companyId })
      await coverage.deleteMany({ companyId })
    },
  }
}
