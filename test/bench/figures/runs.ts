import { randomBytes } from 'node:crypto'
import mongoose, { type Connection } from 'mongoose'
import { createEvents } from '../../../src/events/index.ts'
import { defaultAgencySettings } from '../../../src/http/contract/settings.ts'
import { systemClock } from '../../../src/kernel/clock.ts'
import { createLogger } from '../../../src/kernel/logger.ts'
import { createWake } from '../../../src/kernel/wake.ts'
import { ensureIndexes } from '../../../src/store/index.ts'
import { createWorkflows, library, type WorkflowPorts, type Workflows } from '../../../workflows/index.ts'
import type { Report } from '../support/report.ts'
import { quantile, short } from '../support/stats.ts'

export interface RunsOptions {
  serverUri: string
  /** Waiting runs at which an idle minute is measured; the last is also the number that waits behind the due ones. */
  sizes: readonly [number, number]
  /** Runs that are due at one instant: how fast do they leave? */
  burst: number
  /** Then runs fall due one after another, at six tenths of that pace, for so long. */
  pacedSeconds: number
  idleSeconds: number
}

const companyId = 'company-1'
const key = 'neutral_check_in'
const farMs = 20 * 86_400_000

/** Follow-ups that wait by the ten thousand: what does an idle minute cost, how many messages are handed over a second, how late? */
export async function measureRuns({ serverUri, sizes, burst, pacedSeconds, idleSeconds }: RunsOptions, report: Report): Promise<void> {
  const connection = await mongoose.createConnection(serverUri, { dbName: `bench_${randomBytes(6).toString('hex')}`, autoIndex: false, monitorCommands: true }).asPromise()
  let commands = 0
  connection.getClient().on('commandStarted', () => (commands += 1))
  const handed = new Map<string, number>()
  try {
    // A pump that was stopped stays so: each part has a process of its own, so to speak.
    const fresh = (): Workflows => createOn(connection, (message) => handed.set(message, Date.now()))
    const workflows = fresh()
    await ensureIndexes(connection)
    await workflows.publish(companyId, key, 'bench')
    const idle: number[] = []
    let waiting = 0
    for (const size of sizes) {
      await put(connection, waiting, size - waiting, () => Date.now() + farMs)
      waiting = size
      const { pumps } = fresh()
      pumps.runs.start()
      await pause(1_000)
      const before = commands
      await pause(idleSeconds * 1_000)
      idle.push(((commands - before) * 60) / idleSeconds)
      await pumps.runs.stop()
      report.say(`runs: ${size} waiting, ${short(idle.at(-1) ?? 0)} store commands per idle minute`)
    }
    const [few = 0, many = 0] = idle
    report.guarantee(`store commands per idle minute, ${sizes.map((size) => size.toLocaleString('en')).join(' → ')} waiting runs`, 'constant (≤ 1.2 ×)', `${short(few)} → ${short(many)}`, many <= few * 1.2 + 6)

    const dueMs = Date.now()
    await put(connection, waiting, burst, () => dueMs)
    const beganMs = Date.now()
    await fresh().pumps.runs.drain()
    const perSecond = handed.size / ((Date.now() - beganMs) / 1_000)
    report.guarantee(`messages of ${burst.toLocaleString('en')} runs due at once`, 'each handed over once', handed.size.toLocaleString('en'), handed.size === burst)
    report.note(`runs per second, ${waiting.toLocaleString('en')} waiting behind`, short(perSecond))

    handed.clear()
    const pace = perSecond * 0.6
    const count = Math.floor(pace * pacedSeconds)
    // Stored well before they are due, as runs that wait are.
    const firstMs = Date.now() + 3_000 + count * 2
    const dueOf = (index: number) => firstMs + (index * 1_000) / pace
    await put(connection, waiting + burst, count, dueOf)
    const { pumps } = fresh()
    pumps.runs.start()
    const giveUpMs = firstMs + pacedSeconds * 3_000
    while (handed.size < count && Date.now() < giveUpMs) await pause(100)
    await pumps.runs.stop()
    const delays = [...handed].map(([message, atMs]) => atMs - dueOf(Number(message.split(':')[1]?.slice(4)) - waiting - burst)).sort((one, other) => one - other)
    report.guarantee(`${count.toLocaleString('en')} runs, ${short(pace)} due per second`, 'firing keeps up', `${handed.size.toLocaleString('en')} handed over`, handed.size === count)
    report.measure('delay from due to handed over, p95', '≤ 2,000 ms', `${short(quantile(delays, 0.95))} ms (median ${short(quantile(delays, 0.5))} ms)`, quantile(delays, 0.95) <= 2_000)
  } finally {
    await connection.dropDatabase()
    await connection.close()
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

function createOn(connection: Connection, onSend: (key: string) => void): Workflows {
  const settings = { messages: { ...defaultAgencySettings.messages, quietHours: { enabled: false, from: '20:00', to: '08:00' } }, brand: defaultAgencySettings.brand }
  const none = () => Promise.resolve(null)
  const nothing = () => Promise.resolve()
  const ports: WorkflowPorts = {
    settings: () => Promise.resolve(settings),
    pauseSending: nothing,
    isLive: () => Promise.resolve(true),
    account: () => Promise.resolve({ name: 'Bright Smile Dental', group: 'saas', premium: false, ownerId: null, timezone: 'Europe/Berlin', healthLevel: null, happinessLevel: null }),
    person: (_company, _location, id) => Promise.resolve({ id, name: 'Maya Lopez', firstName: 'Maya', lastName: 'Lopez', email: 'maya@example.com', phone: null }),
    userRole: none,
    contact: none,
    teamMember: none,
    userLevel: () => Promise.resolve('neutral'),
    healthLevel: none,
    primaryPerson: none,
    hasOpenCase: () => Promise.resolve(false),
    feedbackLink: () => Promise.resolve('https://feedback.example.com/a/x'),
    send(message) {
      onSend(message.key)
      return Promise.resolve('queued')
    },
    cancel: () => Promise.resolve(false),
    sendAgain: () => Promise.resolve(false),
    webhook: () => Promise.resolve('queued'),
    fieldIsNumber: () => Promise.resolve(false),
    locationIds: () => Promise.resolve([]),
    agencyZone: none,
    settleTask: nothing,
    notify: nothing,
  }
  const wake = createWake()
  const events = createEvents({ connection, clock: systemClock, wake })
  return createWorkflows({ connection, clock: systemClock, wake, events, logger: createLogger('silent'), ports, library })
}

/** Stores runs as the starter leaves them: each waits for its message. */
async function put(connection: Connection, from: number, count: number, dueMsOf: (index: number) => number): Promise<void> {
  const at = new Date()
  const facts = {
    type: 'feedback.received', source: 'widget', summary: '', caseId: null, changeId: null, level: 'neutral', before: null, after: null, comment: null, note: null,
    noteWanted: false, dueAt: null, ownerId: null, outcome: null, days: null,
  }
  for (let done = 0; done < count; done += 1_000) {
    const indexes = Array.from({ length: Math.min(1_000, count - done) }, (_, offset) => done + offset)
    const items = indexes.map((index) => ({ id: `run-${from + index}`, dueAt: new Date(dueMsOf(index)), index }))
    await connection.collection<{ _id: string }>('workflow_runs').insertMany(
      items.map(({ id, dueAt, index }) => ({
        _id: id, companyId, workflowKey: key, kind: 'follow_up', version: 1, locationId: `location-${index % 500}`, userId: `user-${from + index}`, eventKey: id, eventAt: at,
        facts: { ...facts, answerId: id }, state: 'active', reason: null, stepIndex: 1, stepId: 'ask', nextAt: dueAt, outboxKey: null, history: [], createdAt: at, finishedAt: null,
      })),
    )
    await connection.collection<{ _id: string }>('workflow_steps').insertMany(
      items.map(({ id, dueAt, index }) => ({
        _id: `run:${id}:ask`, lane: `run:${id}`, companyId, state: 'pending', open: true, dueAt, order: (from + index) * 8, createdAt: at, attempts: 0, crashes: 0, data: { runId: id, stepId: 'ask', dueAt },
      })),
    )
  }
}
