/**
 * A named point in the code where a crash is worth testing. Passing it does nothing, except in a process that was started to die there.
 * Names in use: `inbox.inserted`, `queue.claimed`, `effects.accepted` (HighLevel said yes, nothing recorded yet), `effects.recorded`.
 */
export type FaultPoint = (name: string) => void

/** The fault point of ordinary processes: nothing happens. */
export const noFaultPoint: FaultPoint = () => undefined

/**
 * Reads `BAROMETER_FAULT_POINT=name[:n]`: the process kills itself (SIGKILL, no clean-up) at the n-th passing (default: the first) of that point.
 * In production the variable is ignored.
 */
export function createFaultPoint(env: Record<string, string | undefined>): FaultPoint {
  const wanted = env['BAROMETER_FAULT_POINT']
  if (wanted === undefined || wanted === '' || env['NODE_ENV'] === 'production') return noFaultPoint
  const [name, count] = wanted.split(':')
  let left = Math.max(1, Number(count ?? 1) || 1)
  return (passed) => {
    if (passed !== name) return
    left -= 1
    if (left === 0) process.kill(process.pid, 'SIGKILL')
  }
}
