import { minuteMs, type Clock } from '../kernel/clock.ts'
import { describeError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { createKept } from './kept.ts'
import type { ReportModels } from './model.ts'

/** A figure over thousands of records. */
export interface Wanted<T> {
  kind: string
  build: () => Promise<T>
  /** For figures that hardly change any more: keeps one that was built then, however old. */
  isCurrent?: (asOf: Date) => Promise<boolean>
  /** How many rows it has. */
  size: (data: T) => number
}

/** Figures over thousands of records that are kept, so that everybody sees the same ones and nobody waits for them. */
export interface Snapshots {
  /**
   * The kept figures if they are younger than 15 minutes (those that are older than a minute are renewed behind the answer), else new ones. Small ones are never kept.
   * @returns in the order of `wanted`, each with the newest instant at which it was known to be true
   */
  get<T>(companyId: string, wanted: readonly Wanted<T>[]): Promise<{ currentAt: Date; data: T }[]>
  /** Resolves once nothing is being renewed; for tests and stopping. */
  settled(): Promise<void>
  purge(companyId: string): Promise<void>
}

interface Figure<T> {
  asOf: Date
  data: T
  /** When it was last found to be current. */
  checkedAtMs: number
}

const freshMs = minuteMs
const usableMs = 15 * minuteMs
/** Figures with fewer rows are built at every look. */
const fewRows = 300
/** Rows that this process holds. */
const heaviest = 200_000

export function createSnapshots({ models, clock, logger }: { models: Pick<ReportModels, 'snapshots'>; clock: Clock; logger: Logger }): Snapshots {
  const { snapshots } = models
  const kept = createKept<Figure<unknown>>(heaviest)
  const running = new Map<string, Promise<Figure<unknown>>>()

  function renew<T>(companyId: string, { kind, build, size }: Wanted<T>, isStored: boolean): Promise<Figure<T>> {
    const id = `${companyId}:${kind}`
    const joined = running.get(id)
    if (joined !== undefined) return joined as Promise<Figure<T>>
    const run = (async () => {
      const asOf = clock.now()
      const figure: Figure<T> = { asOf, data: await build(), checkedAtMs: asOf.getTime() }
      const rows = size(figure.data)
      if (rows >= fewRows) {
        await snapshots.replaceOne({ _id: id }, { _id: id, companyId, kind, asOf, data: JSON.stringify(figure.data) }, { upsert: true })
        kept.put(id, figure, rows)
      } else if (isStored) {
        await snapshots.deleteOne({ _id: id, companyId })
        kept.drop(id)
      }
      return figure
    })().finally(() => running.delete(id))
    running.set(id, run)
    return run
  }

  async function usable<T>(companyId: string, wanted: Wanted<T>, figure: Figure<T>): Promise<Figure<T>> {
    const nowMs = clock.nowMs()
    if (nowMs - Math.max(figure.asOf.getTime(), figure.checkedAtMs) < freshMs) return figure
    if (wanted.isCurrent !== undefined && (await wanted.isCurrent(figure.asOf))) {
      figure.checkedAtMs = nowMs
      return figure
    }
    if (nowMs - figure.asOf.getTime() >= usableMs) return renew(companyId, wanted, true)
    renew(companyId, wanted, true).catch((error: unknown) => {
      // The kept figure says of what time it is; the next look tries again.
      logger.warn({ companyId, kind: wanted.kind, code: describeError(error).code }, 'figure could not be renewed')
    })
    return figure
  }

  return {
    async get<T>(companyId: string, wanted: readonly Wanted<T>[]) {
      const idOf = ({ kind }: Wanted<T>): string => `${companyId}:${kind}`
      const headers = await snapshots.find({ _id: { $in: wanted.map(idOf) }, companyId }, { asOf: 1 }).lean()
      const stored = new Map(headers.map(({ _id, asOf }) => [_id, asOf.getTime()]))
      const here = new Map(wanted.flatMap((one) => {
        const figure = kept.get(idOf(one))
        return figure !== undefined && figure.asOf.getTime() === stored.get(idOf(one)) ? [[idOf(one), figure as Figure<T>]] : []
      }))
      const missing = [...stored.keys()].filter((id) => !here.has(id))
      const read = missing.length === 0 ? [] : await snapshots.find({ _id: { $in: missing }, companyId }).lean()
      for (const { _id, asOf, data } of read) {
        const figure: Figure<T> = { asOf, data: JSON.parse(data) as T, checkedAtMs: 0 }
        here.set(_id, figure)
        kept.put(_id, figure, wanted.find((one) => idOf(one) === _id)?.size(figure.data) ?? 0)
      }
      return Promise.all(wanted.map(async (one) => {
        const found = here.get(idOf(one))
        const { asOf, checkedAtMs, data } = await (found === undefined ? renew(companyId, one, false) : usable(companyId, one, found))
        return { currentAt: new Date(Math.max(asOf.getTime(), checkedAtMs)), data }
      }))
    },
    async settled() {
      await Promise.allSettled([...running.values()])
    },
    async purge(companyId) {
      await snapshots.deleteMany({ companyId })
    },
  }
}
