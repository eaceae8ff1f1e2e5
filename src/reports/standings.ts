import type { Accounts, AccountStanding } from '../accounts/index.ts'
import type { ReportFilter } from '../http/contract/reports.ts'
import { dayMs, type Clock } from '../kernel/clock.ts'
import type { HappinessLevel, HealthLevel } from '../kernel/levels.ts'
import { createKept } from './kept.ts'
import type { ReportModels } from './model.ts'

/** An account as figures over all accounts keep it; `users` are those who can be asked. */
export type Standing = [
  locationId: string, group: AccountStanding['group'], premium: 0 | 1, csmUserId: string | null,
  health: HealthLevel | null, happiness: HappinessLevel | null, score: number | null, answered: number, users: number,
]

/**
 * All listed accounts of an agency as they are at the look. Of many accounts only those are read that were written since the last look:
 * the rest is kept in this process and, for the next one, in the store. Every write of an account is dated by the store's clock, so it does not matter which process wrote.
 */
export interface Standings {
  of(companyId: string): Promise<Iterable<Standing>>
  purge(companyId: string): Promise<void>
}

interface Rows {
  /** Names this set: as long as the store has one that was built then, it is true but for what was written since. */
  builtAtMs: number
  rows: Map<string, Standing>
  /** Everything written before, and at, this instant of the store's clock is in the rows. */
  through: Date
  /** The newest write that a look saw, and when it looked. */
  seen: { newest: Date; atMs: number }
  /** Rows that are newer than the store's set. */
  unsaved: number
}

interface Deps {
  models: Pick<ReportModels, 'snapshots'>
  clock: Clock
  figures: Pick<Accounts['figures'], 'standings' | 'lastTouch' | 'touchedSince'>
}

/** Up to so many accounts all are read at every look. */
const fewAccounts = 300
const heaviest = 100_000
/** A write is dated as it is carried out: after so long it is there for everybody, or never will be. */
const arrivalMs = 10_000
/** Built anew after so long, whatever was told: nothing is carried on for ever. */
const usableMs = dayMs
const mostUnsaved = 1_000
const kind = 'standing-rows'
const never = new Date(0)

function standingRow({ locationId, group, premium, csmUserId, health, happiness, score, answered, users, feedbackEnabled }: AccountStanding): Standing {
  return [locationId, group, premium ? 1 : 0, csmUserId, health, happiness, score, answered, feedbackEnabled ? users : 0]
}

export const isNarrowed = (filter: ReportFilter): boolean => filter.group !== undefined || filter.csm !== undefined

export function fits([, group, premium, csmUserId]: Standing, filter: ReportFilter): boolean {
  if (filter.group === 'premium' ? premium === 0 : filter.group !== undefined && filter.group !== group) return false
  return filter.csm === undefined || (filter.csm === 'none' ? csmUserId === null : csmUserId === filter.csm)
}

export function createStandings({ models: { snapshots }, clock, figures }: Deps): Standings {
  const kept = createKept<Rows>(heaviest)
  const idOf = (companyId: string): string => `${companyId}:${kind}`
  /** The look that is under way and the one after it, which all who came meanwhile share. */
  const looks = new Map<string, { running: Promise<Iterable<Standing>>; next: Promise<Iterable<Standing>> | null }>()

  async function build(companyId: string): Promise<Rows> {
    const builtAtMs = clock.nowMs()
    // First the clock, then the rows: what is written meanwhile is read once more.
    const newest = (await figures.lastTouch(companyId)) ?? never
    const rows = new Map<string, Standing>()
    for await (const page of figures.standings(companyId)) for (const standing of page) rows.set(standing.locationId, standingRow(standing))
    const built: Rows = { builtAtMs, rows, through: new Date(Math.max(0, newest.getTime() - arrivalMs)), seen: { newest, atMs: builtAtMs }, unsaved: 0 }
    if (rows.size <= fewAccounts) {
      await snapshots.deleteOne({ _id: idOf(companyId), companyId })
      kept.drop(companyId)
    } else {
      await snapshots.replaceOne({ _id: idOf(companyId) }, { _id: idOf(companyId), companyId, kind, asOf: new Date(builtAtMs), data: textOf(built) }, { upsert: true })
      kept.put(companyId, built, rows.size)
    }
    return built
  }

  async function load(companyId: string): Promise<Rows | null> {
    const stored = await snapshots.findOne({ _id: idOf(companyId), companyId }).lean()
    if (stored === null) return null
    const { through, rows } = JSON.parse(stored.data) as { through: string; rows: Standing[] }
    const loaded: Rows = {
      builtAtMs: stored.asOf.getTime(), rows: new Map(rows.map((row) => [row[0], row])), through: new Date(through), seen: { newest: new Date(through), atMs: clock.nowMs() }, unsaved: 0,
    }
    kept.put(companyId, loaded, rows.length)
    return loaded
  }

  async function catchUp(companyId: string, mine: Rows): Promise<void> {
    const atMs = clock.nowMs()
    const news = await figures.touchedSince(companyId, mine.through)
    for (const { locationId, standing } of news) {
      if (standing === null) mine.rows.delete(locationId)
      else mine.rows.set(locationId, standingRow(standing))
    }
    if (atMs - mine.seen.atMs >= arrivalMs) {
      // Whatever was dated no later than the newest write of that look has arrived since, and this look has read it.
      mine.unsaved += news.length
      mine.through = mine.seen.newest
      mine.seen = { newest: news.reduce((newest, { at }) => (at > newest ? at : newest), mine.seen.newest), atMs }
    }
    if (mine.unsaved < mostUnsaved) return
    // Only over the set that these rows are of: one that was built anew, or purged, meanwhile stays so.
    await snapshots.updateOne({ _id: idOf(companyId), companyId, asOf: new Date(mine.builtAtMs) }, { $set: { data: textOf(mine) } })
    mine.unsaved = 0
  }

  async function look(companyId: string): Promise<Iterable<Standing>> {
    const header = await snapshots.findOne({ _id: idOf(companyId), companyId }, { asOf: 1 }).lean()
    if (header === null || clock.nowMs() - header.asOf.getTime() >= usableMs) return (await build(companyId)).rows.values()
    const known = kept.get(companyId)
    const mine = known?.builtAtMs === header.asOf.getTime() ? known : await load(companyId)
    if (mine === null) return (await build(companyId)).rows.values()
    await catchUp(companyId, mine)
    return [...mine.rows.values()]
  }

  function begin(companyId: string): Promise<Iterable<Standing>> {
    const running = look(companyId).finally(() => {
      const entry = looks.get(companyId)
      if (entry?.running === running && entry.next === null) looks.delete(companyId)
    })
    looks.set(companyId, { running, next: null })
    return running
  }

  return {
    // A look that began before somebody asked may not see what they have just written, so they wait for the next.
    of(companyId) {
      const entry = looks.get(companyId)
      if (entry === undefined) return begin(companyId)
      entry.next ??= entry.running.then(() => undefined, () => undefined).then(() => begin(companyId))
      return entry.next
    },
    async purge(companyId) {
      await snapshots.deleteMany({ companyId, kind })
      kept.drop(companyId)
    },
  }
}

function textOf({ through, rows }: Rows): string {
  return JSON.stringify({ through, rows: [...rows.values()] })
}
