import type { LedgerEntry } from '../../sandbox/index.ts'
import { openLoop } from '../support/http.ts'
import type { Report } from '../support/report.ts'
import { short } from '../support/stats.ts'
import type { Agency, Customer, Stage } from '../support/stage.ts'

/** Longer than bursts of one contact are gathered, so that every step stands alone. */
const apartMs = 2_200

/** One step of the script and the calls that cannot be avoided. */
interface Step {
  what: string
  level: string
  comment?: string
  /** The key of an earlier step: the same request again. */
  repeats?: number
  minimum: number
}

/** One write for all custom fields; one move only if the stage changed; one tag added and one removed only if the level changed. */
const script: Step[] = [
  { what: 'first answer', level: 'happy', minimum: 0 },
  { what: 'other level', level: 'not_happy', minimum: 4 },
  { what: 'same level', level: 'not_happy', minimum: 0 },
  { what: 'same level, comment', level: 'not_happy', comment: 'Because.', minimum: 1 },
  { what: 'the same request again', level: 'not_happy', comment: 'Because.', repeats: 3, minimum: 0 },
  { what: 'other level, comment', level: 'very_happy', comment: 'Mended.', minimum: 4 },
]
const burst = 10
const burstMs = 1_600

const isPut = (path: string) => (call: LedgerEntry): boolean => call.method === 'PUT' && call.path === path
const isTag = ({ path }: LedgerEntry): boolean => path.includes('/tags')

/** API calls per answer over a script, and of a burst of answers of one contact. */
export async function measureCalls(stage: Stage, agency: Agency, report: Report): Promise<void> {
  const { sandbox } = stage
  // A user alone in the account: colleagues' contacts would show the account's level, too.
  const alone = agency.customers.filter(({ locationId }) => agency.customers.filter((other) => other.locationId === locationId).length === 1)
  const [scripted, hasty] = alone as [Customer | undefined, Customer | undefined]
  if (scripted === undefined || hasty === undefined) throw new Error('The script needs accounts with one user')
  // Tasks and notes are messages of follow-ups, not what an answer writes.
  const contactCalls = (): LedgerEntry[] => sandbox.calls.filter(({ path }) => /contacts|opportunities/.test(path) && !/tasks|notes/.test(path))

  const spent: number[] = []
  const wrong: string[] = []
  const keys = script.map((_, index) => `script-${index}`)
  for (const [index, step] of script.entries()) {
    sandbox.resetCalls()
    await stage.answer(scripted, step.level, { key: keys[step.repeats ?? index] ?? '', ...(step.comment === undefined ? {} : { comment: step.comment }) })
    await stage.settled()
    await new Promise((resolve) => setTimeout(resolve, apartMs))
    await stage.settled()
    if (index === 0) continue
    const calls = contactCalls()
    spent.push(calls.length)
    if (calls.length !== step.minimum) wrong.push(`${step.what}: ${calls.length} instead of ${step.minimum} (${calls.map(({ method, path }) => `${method} ${path}`).join(', ')})`)
  }
  const total = spent.reduce((sum, count) => sum + count, 0)
  const minimum = script.reduce((sum, step) => sum + step.minimum, 0)
  report.guarantee('API calls over a script of answers ÷ minimum', '≤ 1.05', `${short(total / minimum)} (${total} ÷ ${minimum})${wrong.length === 0 ? '' : `; ${wrong.join('; ')}`}`, total <= 1.05 * minimum)
  const unchanged = (spent[1] ?? 0) + (spent[3] ?? 0)
  report.guarantee('API calls of an unchanged answer and of a repeated request', '0', String(unchanged), unchanged === 0)

  await stage.answer(hasty, 'happy')
  await stage.settled()
  await new Promise((resolve) => setTimeout(resolve, apartMs))
  sandbox.resetCalls()
  const levels = ['not_happy', 'very_happy', 'neutral', 'happy'] as const
  const beganMs = performance.now()
  await openLoop((burst * 1_000) / burstMs, burst, (index) => stage.answer(hasty, levels[index % levels.length] ?? 'happy'))
  // On a busy machine the last answer may be taken later.
  const tookMs = performance.now() - beganMs
  await stage.settled()
  await new Promise((resolve) => setTimeout(resolve, apartMs))
  await stage.settled()
  const calls = contactCalls()
  const puts = calls.filter(isPut('/contacts/{contactId}')).length
  const cards = calls.filter(isPut('/opportunities/{id}')).length
  const tags = calls.filter(isTag).length
  const detail = `${puts} contact PUTs, ${cards} card PUTs, ${tags} tag calls, ${calls.length - puts - cards - tags} others in ${short(tookMs / 1_000)} s`
  const allowed = 2 + Math.max(0, Math.ceil((tookMs - 2_000) / 2_000))
  report.guarantee(`contact writes of ${burst} answers of one contact within 2 s`, '≤ 2', detail, puts <= allowed && cards <= allowed)
}
