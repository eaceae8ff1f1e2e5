import { describe, expect, it } from '@jest/globals'
import { DateTime } from 'luxon'
import { happinessLevels, type HappinessLevel } from '../../src/kernel/levels.ts'
import { companyId, createSimulatedAgency, eventOf, type Process, type SimulatedAgency } from './support/agency.ts'
import { randomOf } from './support/random.ts'
import { simulationLibrary } from './support/sim-library.ts'

/**
 * Days of an agency with 200 accounts, by a seed: answers and edits of them, replies, opt-outs, cases, edits and pauses of workflows, faults at every
 * point of a step, and processes that die while they hand a message over; two processes at once, with clocks that differ.
 * `WORKFLOW_SEEDS=n WORKFLOW_FIRST_SEED=k` plays more, `WORKFLOW_DAYS=n` shorter or longer stories: the build plays 90 days, over the change of the clocks.
 */
const seeds = Array.from({ length: Number(process.env['WORKFLOW_SEEDS'] ?? 1) }, (_, index) => Number(process.env['WORKFLOW_FIRST_SEED'] ?? 1) + index)
const days = Number(process.env['WORKFLOW_DAYS'] ?? 45)
const skewMs = 90_000
const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

const keyByLevel: Record<HappinessLevel, string> = { not_happy: 'sim_not_happy', neutral: 'sim_neutral', happy: 'sim_happy', very_happy: 'sim_very_happy' }
const workflowKeys = simulationLibrary.map(({ key }) => key)

/** What happened, as the simulation knows it. */
interface Story {
  /** Facts that called for a run: workflow and answer. */
  expected: Set<string>
  replies: { userId: string; at: Date }[]
  optedOut: Map<string, { from: Date; to: Date | null }[]>
  cases: { locationId: string; at: Date }[]
  levels: { userId: string; at: Date; level: HappinessLevel }[]
  /** Spans in which each workflow was published. */
  onSince: Map<string, Date>
  spans: Map<string, { from: Date; to: Date }[]>
  deaths: number
  faults: number
  tries: { userId: string; answerId: string; level: HappinessLevel }[]
}

async function play(agency: SimulatedAgency, random: () => number): Promise<Story> {
  const { clock, accounts, outbox, levels } = agency
  const processes: [Process, Process] = [await agency.startProcess(0), await agency.startProcess(skewMs)]
  const story: Story = { expected: new Set(), replies: [], optedOut: new Map(), cases: [], levels: [], onSince: new Map(), spans: new Map(), deaths: 0, faults: 0, tries: [] }
  const users = accounts.flatMap((account) => account.users)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const admin = () => processes[0].workflows
  let serial = 0

  async function append(...args: Parameters<typeof eventOf>): Promise<void> {
    // Told more than once, and by more than one process.
    for (let copies = random() < 0.2 ? 2 : 1; copies > 0; copies -= 1) await pick(processes).events.append(eventOf(...args))
  }
  async function publish(key: string): Promise<void> {
    await admin().publish(companyId, key, 'admin')
    story.onSince.set(key, clock.now())
  }
  async function pause(key: string): Promise<void> {
    await admin().pause(companyId, key, 'admin')
    const from = story.onSince.get(key)
    if (from !== undefined) story.spans.set(key, [...(story.spans.get(key) ?? []), { from, to: clock.now() }])
    story.onSince.delete(key)
  }

  async function answers(userId: string, level: HappinessLevel, answerId: string, type: 'feedback.received' | 'feedback.changed'): Promise<void> {
    const { locationId } = agency.accountOf(userId)
    levels.set(userId, level)
    story.levels.push({ userId, at: clock.now(), level })
    serial += 1
    await append({ key: `${type}:${answerId}:${serial}`, type, at: clock.now(), locationId, userId, data: { answerId, level } })
    if (story.onSince.has(keyByLevel[level])) story.expected.add(`${keyByLevel[level]}|${answerId}`)
  }

  async function happen(): Promise<void> {
    const chance = random()
    const userId = pick(users)
    const account = agency.accountOf(userId)
    const { locationId } = account
    const at = clock.now()
    serial += 1
    if (chance < 0.62) {
      const answerId = `answer-${serial}`
      const level = pick(happinessLevels)
      story.tries.push({ userId, answerId, level })
      await answers(userId, level, answerId, 'feedback.received')
    } else if (chance < 0.74) {
      const last = story.tries.at(-1)
      if (last !== undefined && levels.get(last.userId) === last.level) await answers(last.userId, pick(happinessLevels), last.answerId, 'feedback.changed')
    } else if (chance < 0.84) {
      story.replies.push({ userId, at })
      await append({ key: `message.received:${serial}`, type: 'message.received', at, locationId, userId })
    } else if (chance < 0.89) {
      const spans = story.optedOut.get(userId) ?? []
      const open = spans.at(-1)
      if (open?.to === null) {
        open.to = at
        await append({ key: `contact.opted_in:${serial}`, type: 'contact.opted_in', at, locationId, userId })
      } else {
        story.optedOut.set(userId, [...spans, { from: at, to: null }])
        await append({ key: `contact.opted_out:${serial}`, type: 'contact.opted_out', at, locationId, userId })
      }
    } else {
      account.openCase = !account.openCase
      if (account.openCase) story.cases.push({ locationId, at })
      await append({ key: `case:${serial}`, type: account.openCase ? 'case.opened' : 'case.closed', at, locationId, userId, data: { caseId: `case-${locationId}` } })
    }
  }

  /** All that is due is done, also after a process died: somebody else takes over once its leases ran out. */
  async function settle(): Promise<void> {
    for (let round = 0; round < 4; round += 1) {
      await Promise.all(processes.map((each) => each.settle()))
      let again = false
      for (const [index, each] of processes.entries()) {
        if (each.dead) {
          processes[index] = await agency.startProcess(index * skewMs)
          story.deaths += 1
          again = true
        }
        // What failed at a fault point is tried again a little later.
        if (each.faulted) again = true
        each.faulted = false
      }
      if (!again && round > 0) return
      clock.advanceMs(100_000)
    }
    await Promise.all(processes.map((each) => each.settle()))
  }

  /** What the outbox has leaves, now and then only later; HighLevel's yes comes back as an event. */
  async function leave(): Promise<void> {
    for (const [key, entry] of outbox) {
      if (entry.cancelled || entry.leftAt !== null || random() < 0.2) continue
      entry.leftAt = clock.now()
      const userId = entry.message.contact.subjectId.split(':')[2] ?? ''
      await append({ key: `message.sent:${key}`, type: 'message.sent', at: clock.now(), locationId: entry.message.contact.locationId, userId, data: { messageKey: key, externalId: `hl-${key}` } })
    }
  }

  for (const key of workflowKeys) await publish(key)
  const endMs = clock.nowMs() + days * dayMs
  while (clock.nowMs() < endMs) {
    clock.advanceMs(hourMs * (3 + random() * 10))
    if (random() < 0.02) await admin().edit(companyId, pick(workflowKeys), { steps: { [random() < 0.5 ? 'first' : 'ask']: null } }, 'admin').catch(() => undefined)
    if (random() < 0.03) await admin().edit(companyId, 'sim_neutral', { steps: { pause: { delayMinutes: Math.floor(random() * 600) }, ask: { subject: `Words ${serial}` } } }, 'admin')
    if (random() < 0.02) {
      const key = pick(workflowKeys)
      await (story.onSince.has(key) ? pause(key) : publish(key))
    }
    for (let count = Math.floor(random() * 4); count > 0; count -= 1) await happen()
    const [one, other] = processes
    if (random() < 0.06) pick([one, other]).diesAtNextSend = true
    if (random() < 0.2) {
      story.faults += 1
      pick([one, other]).faultAfter = 1 + Math.floor(random() * 4)
    }
    // The clock starts it in one process or another; one that stops is started again another time.
    await pick(processes).workflows.sweepSchedules().catch((error: unknown) => expect(String(error)).toContain('stopped at'))
    await settle()
    await leave()
  }
  // Nothing new; what waits comes to its end.
  for (const each of processes) Object.assign(each, { diesAtNextSend: false, faultAfter: 0 })
  // By seven hours: every look is at another time of day, so that nobody's night is met again and again.
  for (let look = 0; look < 42; look += 1) {
    clock.advanceMs(7 * hourMs)
    await settle()
    await leave()
  }
  await settle()
  for (const [key, from] of story.onSince) story.spans.set(key, [...(story.spans.get(key) ?? []), { from, to: clock.now() }])
  return story
}

interface StoredRun {
  _id: string
  workflowKey: string
  userId: string | null
  eventKey: string
  eventAt: Date
  createdAt: Date
  facts: { answerId: string | null; level: string | null }
  state: string
  reason: string | null
  nextAt: Date | null
  history: { stepId: string; outcome: string; output?: { externalId?: string } | null }[]
}

const stopReasons = /^(level_changed|recovered|capped|paused|reply|opted_out|case_opened|open_case|entered_before|still_in_it|cooldown|run_ended)$/

describe.each(seeds)('days of an agency, seed %i', (seed) => {
  it('write to nobody twice, too often, at night or after they said no, and account for every fact', async () => {
    const agency = await createSimulatedAgency({ accounts: 200, start: new Date('2026-09-14T09:00:00Z'), library: simulationLibrary })
    try {
      const story = await play(agency, randomOf(seed))
      const runs = (await agency.store.connection.collection('workflow_runs').find({ companyId }).toArray()) as unknown as StoredRun[]
      const byId = new Map(runs.map((run) => [run._id, run]))

      // Every fact that called for a run has exactly one: it was sent, or kept from being sent for a reason. Nothing else ran.
      const answered = runs.filter(({ workflowKey }) => workflowKey !== 'sim_monthly')
      const stood = answered.map((run) => `${run.workflowKey}|${run.facts.answerId ?? ''}`)
      expect(new Set(stood).size).toBe(stood.length)
      expect(new Set(stood)).toEqual(story.expected)
      for (const run of runs) {
        const about = `${run.workflowKey} ${run.eventKey}`
        if (run.state === 'active') expect([about, run.nextAt !== null && run.nextAt.getTime() > agency.clock.nowMs()]).toEqual([about, true])
        else expect([about, run.state]).toEqual([about, expect.stringMatching(/^(done|stopped)$/)])
        if (run.state === 'stopped') expect([about, run.reason]).toEqual([about, expect.stringMatching(stopReasons)])
        // A step is recorded once; what was taken back afterwards is said beside it.
        const done = run.history.filter(({ outcome }) => outcome !== 'cancelled').map(({ stepId }) => stepId)
        expect([about, done]).toEqual([about, [...new Set(done)]])
      }
      // Each occasion of the schedule while it was published: one run per account that it concerns.
      const premium = agency.accounts.filter((account) => account.premium).length
      const occasions = new Map<string, number>()
      for (const { workflowKey, eventKey } of runs) if (workflowKey === 'sim_monthly') occasions.set(eventKey.slice(0, -14), (occasions.get(eventKey.slice(0, -14)) ?? 0) + 1)
      for (const count of occasions.values()) expect(count).toBe(premium)

      const left = [...agency.outbox].flatMap(([key, { message, handedAt, leftAt }]) => (leftAt === null ? [] : [{ key, userId: message.contact.subjectId.split(':')[2] ?? '', handedAt, leftAt }]))
      expect(left.length).toBeGreaterThan(days / 2)
      for (const { key, userId, handedAt, leftAt } of left) {
        const run = byId.get(key.split(':')[1] ?? '')
        if (run === undefined) throw new Error(`${key} belongs to no run`)
        const about = `${run.workflowKey} ${key}`
        // The run says so, with HighLevel's id.
        expect([about, run.history.find(({ stepId }) => stepId === key.split(':')[2])]).toEqual([about, expect.objectContaining({ outcome: 'sent', output: expect.objectContaining({ externalId: `hl-${key}` }) })])
        // Nobody said no between the fact and the message.
        const since = (at: Date) => at > run.eventAt && at < leftAt
        expect([about, story.replies.filter((reply) => reply.userId === userId && since(reply.at))]).toEqual([about, []])
        expect([about, (story.optedOut.get(userId) ?? []).filter(({ from, to }) => from < leftAt && (to === null || to > leftAt))]).toEqual([about, []])
        if (run.workflowKey !== 'sim_monthly') {
          const level = story.levels.findLast((one) => one.userId === userId && one.at < leftAt)?.level
          expect([about, level]).toEqual([about, run.facts.level])
        }
        if (run.workflowKey === 'sim_happy') expect([about, story.cases.filter(({ locationId, at }) => locationId === agency.accountOf(userId).locationId && since(at))]).toEqual([about, []])
        // Not at night by the person's clock, however far the process's clock is off.
        const { zone } = agency.accountOf(userId)
        const clockTimes = [-2, 2].map((minutes) => DateTime.fromMillis(handedAt.getTime() + minutes * minuteMs, { zone }).toFormat('HH:mm'))
        expect([about, clockTimes.every((time) => time >= '20:00' || time < '08:00')]).toEqual([about, false])
      }
      const byUser = new Map<string, number[]>()
      for (const { userId, leftAt } of left) byUser.set(userId, [...(byUser.get(userId) ?? []), leftAt.getTime()])
      for (const [userId, times] of byUser) {
        times.sort((one, other) => one - other)
        for (const [index, at] of times.entries()) if (index > 0) expect([userId, at - (times[index - 1] ?? 0) >= 7 * dayMs]).toEqual([userId, true])
      }
      expect(story.deaths).toBeGreaterThan(0)
    } finally {
      await agency.close()
    }
  }, 1_800_000)
})
