import type { Clock } from '../kernel/clock.ts'
import { minuteMs } from '../kernel/clock.ts'
import { describeError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { ReportModels } from './model.ts'

/** A figure over thousands of accounts that is kept, so that everybody sees the same one and nobody waits for it. */
export interface Snapshots {
  /**
   * The kept figure if it is younger than 15 minutes (one that is older than a minute is renewed behind the answer), else a new one.
   * @param isCurrent for figures that do not change any more: keeps them, however old
   */
  get<T>(companyId: string, kind: string, build: () => Promise<T>, isCurrent?: (asOf: Date) => Promise<boolean>): Promise<{ asOf: Date; data: T }>
  /** Resolves once nothing is being renewed; for tests and stopping. */
  settled(): Promise<void>
  purge(companyId: string): Promise<void>
}

const freshMs = minuteMs
const usableMs = 15 * minuteMs

export function createSnapshots({ models, clock, logger }: { models: Pick<ReportModels, 'snapshots'>; clock: Clock; logger: Logger }): Snapshots {
  const { snapshots } = models
  const running = new Map<string, Promise<{ asOf: Date; data: unknown }>>()

  function renew<T>(companyId: string, kind: string, build: () => Promise<T>): Promise<{ asOf: Date; data: T }> {
    const id = `${companyId}:${kind}`
    const joined = running.get(id)
    if (joined !== undefined) return joined as Promise<{ asOf: Date; data: T }>
    const run = (async () => {
      const asOf = clock.now()
      const data = await build()
      await snapshots.replaceOne({ _id: id }, { _id: id, companyId, kind, asOf, data: JSON.stringify(data) }, { upsert: true })
      return { asOf, data }
    })().finally(() => running.delete(id))
    running.set(id, run)
    return run
  }

  return {
    async get(companyId, kind, build, isCurrent) {
      const kept = await snapshots.findOne({ _id: `${companyId}:${kind}`, companyId }).lean()
      if (kept === null) return renew(companyId, kind, build)
      const value = { asOf: kept.asOf, data: JSON.parse(kept.data) as Awaited<ReturnType<typeof build>> }
      const ageMs = clock.nowMs() - kept.asOf.getTime()
      if (ageMs < freshMs || (isCurrent !== undefined && (await isCurrent(kept.asOf)))) return value
      if (ageMs >= usableMs) return renew(companyId, kind, build)
      renew(companyId, kind, build).catch((error: unknown) => {
        // The kept figure says of what time it is; the next look tries again.
        logger.warn({ companyId, kind, code: describeError(error).code }, 'figure could not be renewed')
      })
      return value
    },
    async settled() {
      await Promise.allSettled([...running.values()])
    },
    async purge(companyId) {
      await snapshots.deleteMany({ companyId })
    },
  }
}
