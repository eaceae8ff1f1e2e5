import type { Model } from 'mongoose'
import type { DomainEvent, Events } from '../../src/events/index.ts'
import type { DryRunEntry, DryRunRequest, DryRunView } from '../../src/http/contract/workflows.ts'
import { dayMs, minuteMs, type Clock } from '../../src/kernel/clock.ts'
import { hashOf } from '../../src/kernel/ids.ts'
import type { Schedule, WorkflowDefinition } from '../definition.ts'
import type { RunRecord } from '../engine/model.ts'
import { nextOccasion } from '../engine/schedules.ts'
import { mergeValuesOf, readScene } from '../engine/values.ts'
import { sampleValues } from '../fields.ts'
import type { WorkflowPorts } from '../ports.ts'
import type { WorkflowStates } from '../states.ts'
import { readHistory } from './history.ts'
import { simulate, type SimulatedEntry } from './simulate.ts'
import { renderedStep, wordsOf } from './speak.ts'

/**
 * What a workflow would have done in the last days: the stored events go once more through the decisions that the engine makes (trigger, conditions,
 * re-entry, waits, guards, quiet hours, cap), with the clock of that time. Nothing is stored and nothing leaves.
 * Accounts, people and settings are looked at as they are today; levels, cases, replies and other messages as they were.
 */
export interface DryRun {
  /** @throws RequestError 404; 422 with the place of a fault in words that are not saved yet */
  look(companyId: string, key: string, request: DryRunRequest): Promise<DryRunView>
}

export interface DryRunDeps {
  states: WorkflowStates
  runs: Model<RunRecord>
  ports: WorkflowPorts
  events: Pick<Events, 'since'>
  clock: Clock
}

/** Bounds of one look. */
export const dryRunLimits = { events: 20_000, runs: 2_000 }
/** Pages of one look are read from the same result. */
const keptMs = 2 * minuteMs
const maxKept = 20

interface Result {
  entries: SimulatedEntry[]
  eventsSeen: number
  truncated: boolean
  fromAt: Date
  toAt: Date
  untilMs: number
}

export function createDryRun({ states, runs, ports, events, clock }: DryRunDeps): DryRun {
  const kept = new Map<string, Result>()

  async function replay(companyId: string, definition: WorkflowDefinition, days: number): Promise<Result> {
    const toAt = clock.now()
    const fromAt = new Date(toAt.getTime() - days * dayMs)
    const { messages } = await ports.settings(companyId)
    const capDays = typeof definition.guards.capDays === 'number' ? Math.max(definition.guards.capDays, messages.onePerPersonDays) : messages.onePerPersonDays
    const { schedule } = definition.trigger
    const [read, occasions, own] = await Promise.all([
      readHistory(events, { companyId, types: definition.trigger.events, fromAt, toAt, capDays, maxEvents: dryRunLimits.events }),
      schedule === undefined ? [] : occasionsOf(companyId, definition.key, schedule, fromAt, toAt),
      runs.find({ companyId, workflowKey: definition.key, createdAt: { $gte: new Date(fromAt.getTime() - capDays * dayMs) } }, { _id: 1, userId: 1, createdAt: 1 }).sort({ createdAt: -1 }).limit(dryRunLimits.events).lean(),
    ])
    const history = schedule === undefined ? read : { ...read, asked: occasions, truncated: read.truncated || occasions.length >= dryRunLimits.events }
    const simulated = await simulate({ companyId, definition, history, messages, capDays, ownRuns: new Set(own.map(({ _id }) => _id)), fromAt, toAt, ports: remembering(ports), maxRuns: dryRunLimits.runs })
    return { ...simulated, truncated: history.truncated || simulated.truncated, fromAt, toAt, untilMs: clock.nowMs() + keptMs }
  }

  /** What a schedule would have started: one fact per occasion and account. */
  async function occasionsOf(companyId: string, key: string, schedule: Schedule, fromAt: Date, toAt: Date): Promise<DomainEvent[]> {
    const [zone, locationIds] = await Promise.all([ports.agencyZone(companyId), ports.locationIds(companyId)])
    const occasions: DomainEvent[] = []
    for (let at = nextOccasion(schedule, fromAt, zone ?? 'utc'); at < toAt; at = nextOccasion(schedule, at, zone ?? 'utc')) {
      for (const locationId of locationIds) {
        if (occasions.length >= dryRunLimits.events) return occasions
        occasions.push({
          key: `schedule:${key}:${at.toISOString()}:${locationId}`, companyId, locationId, userId: null, type: 'account.created', at,
          actor: { kind: 'system', id: null, name: null }, source: 'schedule', summary: '', data: {},
        })
      }
    }
    return occasions
  }

  async function resultOf(companyId: string, definition: WorkflowDefinition, days: number): Promise<Result> {
    const id = hashOf('dry-run', companyId, definition.key, String(days), JSON.stringify(definition))
    const known = kept.get(id)
    if (known !== undefined && known.untilMs > clock.nowMs()) return known
    const result = await replay(companyId, definition, days)
    if (kept.size >= maxKept) kept.delete(kept.keys().next().value ?? '')
    kept.set(id, result)
    return result
  }

  /** As that person would have read it. */
  async function subjectOf(definition: WorkflowDefinition, { run, step, outcome }: SimulatedEntry): Promise<string | null> {
    if (step === null || outcome === 'would_not') return null
    const scene = await readScene(run, { ...ports, feedbackLink: () => Promise.resolve(sampleValues['feedback.link'] ?? '') })
    return renderedStep(step, mergeValuesOf(run, scene), scene.settings.brand)?.subject ?? definition.name
  }

  async function entryView(definition: WorkflowDefinition, entry: SimulatedEntry): Promise<DryRunEntry> {
    const { run, step } = entry
    const [account, person, subject] = await Promise.all([
      run.locationId === null ? null : ports.account(run.companyId, run.locationId),
      run.locationId === null || run.userId === null ? null : ports.person(run.companyId, run.locationId, run.userId),
      subjectOf(definition, entry),
    ])
    return {
      eventKey: run.eventKey, eventAt: run.eventAt.toISOString(),
      locationId: run.locationId, accountName: account?.name ?? null, userId: run.userId, userName: person?.name ?? null,
      stepId: step?.id ?? null, kind: step?.kind ?? null,
      outcome: entry.outcome, at: entry.at.toISOString(), reason: entry.reason, detail: entry.detail, subject,
    }
  }

  return {
    async look(companyId, key, { days, page, pageSize, outcome, steps }) {
      const definition = wordsOf(await states.get(companyId, key), steps)
      const result = await resultOf(companyId, definition, days)
      const { entries } = result
      const wanted = outcome === undefined ? entries : entries.filter((entry) => entry.outcome === outcome)
      const count = (which: SimulatedEntry['outcome']) => entries.filter((entry) => entry.outcome === which).length
      const items: DryRunEntry[] = []
      for (const entry of wanted.slice((page - 1) * pageSize, page * pageSize)) items.push(await entryView(definition, entry))
      return {
        fromAt: result.fromAt.toISOString(), toAt: result.toAt.toISOString(),
        eventsSeen: result.eventsSeen,
        people: new Set(entries.flatMap(({ outcome: what, run }) => (what === 'would_receive' && run.userId !== null ? [run.userId] : []))).size,
        wouldReceive: count('would_receive'), wouldNot: count('would_not'), stillWaiting: count('still_waiting'),
        reasons: reasonsOf(entries), truncated: result.truncated,
        items, page, pageSize, total: wanted.length,
      }
    },
  }
}

function reasonsOf(entries: readonly SimulatedEntry[]): DryRunView['reasons'] {
  const counts = new Map<string, number>()
  for (const { outcome, reason } of entries) if (outcome === 'would_not' && reason !== null) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts].map(([reason, count]) => ({ reason, count })).sort((one, other) => other.count - one.count)
}

/** The same ports, each account and person read once. */
function remembering(ports: WorkflowPorts): WorkflowPorts {
  const remember = <A extends string[], R>(read: (...args: A) => Promise<R>): ((...args: A) => Promise<R>) => {
    const known = new Map<string, Promise<R>>()
    return (...args) => {
      const id = args.join(':')
      const found = known.get(id)
      if (found !== undefined) return found
      const reading = read(...args)
      known.set(id, reading)
      return reading
    }
  }
  return {
    ...ports,
    settings: remember((companyId) => ports.settings(companyId)),
    account: remember((companyId, locationId) => ports.account(companyId, locationId)),
    person: remember((companyId, locationId, userId) => ports.person(companyId, locationId, userId)),
    contact: remember((companyId, locationId, userId) => ports.contact(companyId, locationId, userId)),
    userRole: remember((companyId, locationId, userId) => ports.userRole(companyId, locationId, userId)),
    primaryPerson: remember((companyId, locationId) => ports.primaryPerson(companyId, locationId)),
  }
}
