import { createRandom } from '../state/make-ids.ts'

/** Which calls a fault meets; a string path is the exact path, a pattern is tested against it. */
export interface FaultMatcher {
  method?: string
  path?: string | RegExp
  /** Tested against the body as it was sent. */
  body?: RegExp
}

/**
 * What goes wrong: an answer of our choice; `timeout` (never answers), `reset` (cuts the connection), `html` (a proxy's error page),
 * all before any work is done; `acceptThen` does the work first and then spoils the answer.
 */
export type Fault =
  | { status: number; body?: unknown; headers?: Record<string, string> }
  | 'timeout'
  | 'reset'
  | 'html'
  | { acceptThen: 'reset' | 'timeout' | 'html' | { status: number; body?: unknown } }

export interface Faults {
  /** The next `times` matching calls meet the fault (default 1). */
  next(matcher: FaultMatcher, fault: Fault, times?: number): void
  /** A share of all calls (0–1) meets one of `kinds`, chosen by the seed. */
  random(rate: number, seed: number, kinds?: Fault[], matcher?: FaultMatcher): void
  clear(): void
  /** How many calls have met a fault, by its name. */
  injected(): Record<string, number>
}

export interface FaultSource extends Faults {
  take(method: string, path: string, body?: string): Fault | undefined
}

const usualFaults: Fault[] = [
  { status: 500, body: { statusCode: 500, message: 'Internal Server Error' } },
  { status: 502 },
  { status: 503, body: { statusCode: 503, message: 'Service Unavailable' } },
  'reset',
  'html',
  { acceptThen: 'reset' },
]

function matches(matcher: FaultMatcher, method: string, path: string, body: string): boolean {
  if (matcher.body?.test(body) === false) return false
  if (matcher.method !== undefined && matcher.method !== method) return false
  if (matcher.path === undefined) return true
  return typeof matcher.path === 'string' ? matcher.path === path : matcher.path.test(path)
}

export function nameOf(fault: Fault): string {
  if (typeof fault === 'string') return fault
  if ('status' in fault) return String(fault.status)
  return `accept then ${typeof fault.acceptThen === 'string' ? fault.acceptThen : fault.acceptThen.status}`
}

export function createFaults(): FaultSource {
  let planned: { matcher: FaultMatcher; fault: Fault; left: number }[] = []
  let dice: { rate: number; random: () => number; kinds: Fault[]; matcher: FaultMatcher } | undefined
  const counts: Record<string, number> = {}

  function choose(method: string, path: string, body: string): Fault | undefined {
    const plan = planned.find((candidate) => matches(candidate.matcher, method, path, body))
    if (plan !== undefined) {
      plan.left -= 1
      if (plan.left <= 0) planned = planned.filter((other) => other !== plan)
      return plan.fault
    }
    if (dice === undefined || !matches(dice.matcher, method, path, body) || dice.random() >= dice.rate) return undefined
    return dice.kinds[Math.floor(dice.random() * dice.kinds.length)]
  }

  return {
    next(matcher, fault, times = 1) {
      planned.push({ matcher, fault, left: times })
    },
    random(rate, seed, kinds = usualFaults, matcher = {}) {
      dice = { rate, random: createRandom(seed), kinds, matcher }
    },
    clear() {
      planned = []
      dice = undefined
    },
    injected: () => ({ ...counts }),
    take(method, path, body = '') {
      const fault = choose(method, path, body)
      if (fault !== undefined) counts[nameOf(fault)] = (counts[nameOf(fault)] ?? 0) + 1
      return fault
    },
  }
}
