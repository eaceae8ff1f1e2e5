import { readFileSync } from 'node:fs'

/**
 * A named point in the code where a crash is worth testing. Passing it does nothing, except in a process that was started to die there.
 * Names in use: `inbox.inserted`, `queue.claimed`, `effects.accepted` (HighLevel said yes, nothing recorded yet), `effects.recorded`,
 * `answers.inserted`, `answers.corrected`, `tokens.granted`, `webhook.accepted` (the receiver answered, nothing recorded yet), `runs.created` (not begun yet),
 * `runs.acted` (a step had its effect), `runs.queued` (the next one is), `runs.recorded` (and the queue does not know),
 * `notices.stored` (decided, in no inbox and no letter yet), `notices.posted`, `notices.closed`, `notices.accepted`, `marketplace.begun`, `marketplace.accepted`,
 * `erasure.begun` (the wish is stored, nothing is gone yet), `erasure.room` (one room has forgotten the person).
 */
export type FaultPoint = (name: string) => void

/** The fault point of ordinary processes: nothing happens. */
export const noFaultPoint: FaultPoint = () => undefined

/**
 * Reads `BAROMETER_FAULT_POINT=name[:n]`: the process kills itself (SIGKILL, no clean-up) at the n-th passing (default: the first) of that point.
 * `@<file>` reads the same words from a file at every passing, so that a running process can be armed; while the file is not there, nothing happens.
 * In production the variable is ignored.
 */
export function createFaultPoint(env: Record<string, string | undefined>): FaultPoint {
  const given = env['BAROMETER_FAULT_POINT']
  if (given === undefined || given === '' || env['NODE_ENV'] === 'production') return noFaultPoint
  let armed: string | null = null
  let left = 0
  return (passed) => {
    const wanted = given.startsWith('@') ? wordsOf(given.slice(1)) : given
    if (wanted === null) return
    const [name, count] = wanted.split(':')
    if (wanted !== armed) {
      armed = wanted
      left = Math.max(1, Number(count ?? 1) || 1)
    }
    if (passed !== name) return
    left -= 1
    if (left === 0) process.kill(process.pid, 'SIGKILL')
  }
}

function wordsOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
