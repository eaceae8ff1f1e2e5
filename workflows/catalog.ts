import { hourMs, minuteMs, secondMs } from '../src/kernel/clock.ts'
import type { Logger } from '../src/kernel/logger.ts'
import { describeError } from '../src/kernel/errors.ts'
import type { RecurringJob } from './agenda.ts'

/** What the clock starts, as the composition root hands it in. Each must bound what it does in one call. */
export interface RecurringServices {
  /** All pumps that wait for work: inbox, answers, events, effects, outbox, runs, mails. Started at once by signals; the tick is their safety net. */
  pumps: readonly { readonly name: string; drain(): Promise<number> }[]
  /** Refreshes access tokens that are past most of their life. */
  keepTokens(): Promise<unknown>
  /** Marks Not Happy cases that passed their due time. */
  sweepOverdueCases(): Promise<unknown>
  /** Recomputes accounts in which an answer ran out. */
  sweepExpiredAnswers(): Promise<unknown>
  /** One slice of the nightly comparison with HighLevel: accounts, users and set-up of the agencies that are due. */
  reconcileSlice(): Promise<unknown>
  /** The weekly look for accounts that fell silent, and what reports keep. */
  sweepReports(): Promise<unknown>
  /** Starts workflows that have a schedule, a bounded number of accounts at once. */
  sweepSchedules(): Promise<unknown>
  /** Removes what need not be kept any more. */
  sweepRetention(): Promise<unknown>
  logger: Logger
}

/** The recurring jobs of the product. A new one is one line here. */
export function recurringJobs(services: RecurringServices): RecurringJob[] {
  const { logger } = services
  return [
    { name: 'pumps.tick', everyMs: 5 * secondMs, run: () => tickAll(services.pumps, logger) },
    { name: 'tokens.keep', everyMs: 5 * minuteMs, run: () => services.keepTokens() },
    { name: 'cases.overdue', everyMs: minuteMs, run: () => services.sweepOverdueCases() },
    { name: 'answers.expire', everyMs: 10 * minuteMs, run: () => services.sweepExpiredAnswers() },
    { name: 'reconcile.slice', everyMs: 10 * minuteMs, run: () => services.reconcileSlice() },
    { name: 'reports.sweep', everyMs: hourMs, run: () => services.sweepReports() },
    { name: 'workflows.schedules', everyMs: minuteMs, run: () => services.sweepSchedules() },
    { name: 'retention.sweep', everyMs: hourMs, run: () => services.sweepRetention() },
  ]
}

/** One pump's failure does not keep the others from being woken. */
async function tickAll(pumps: RecurringServices['pumps'], logger: Logger): Promise<void> {
  await Promise.all(
    pumps.map(async (pump) => {
      try {
        await pump.drain()
      } catch (error) {
        logger.error({ pump: pump.name, code: describeError(error).code, reason: describeError(error).message }, 'pump could not be woken')
      }
    }),
  )
}
