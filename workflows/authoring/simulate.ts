import type { DomainEvent, DomainEventType } from '../../src/events/index.ts'
import type { AgencySettings } from '../../src/http/contract/settings.ts'
import { dayMs } from '../../src/kernel/clock.ts'
import { conditionContext, conditionsHold } from '../conditions.ts'
import type { Step, WorkflowDefinition } from '../definition.ts'
import { factsOf } from '../engine/facts.ts'
import { guardMessage, exitOf } from '../engine/guards.ts'
import { createPlaces, type Place } from '../engine/places.ts'
import type { RunRecord } from '../engine/run.ts'
import { needsPerson, newRun } from '../engine/starter.ts'
import type { WorkflowPorts } from '../ports.ts'
import { handlerOf } from '../steps/index.ts'
import type { History } from './history.ts'

/** One thing that would have happened, or was kept from happening. */
export interface SimulatedEntry {
  run: RunRecord
  step: Step | null
  outcome: 'would_receive' | 'would_not' | 'still_waiting'
  at: Date
  reason: string | null
  detail: string | null
}

export interface SimulationInput {
  companyId: string
  definition: WorkflowDefinition
  history: History
  messages: AgencySettings['messages']
  capDays: number
  /** Runs that this workflow really had: what they sent is left out, because it is played again. */
  ownRuns: ReadonlySet<string>
  fromAt: Date
  toAt: Date
  ports: WorkflowPorts
  maxRuns: number
}

/** Things to come, earliest first; of one moment in the order of their coming. */
interface Item {
  atMs: number
  do: () => Promise<void>
}

/** Plays the events of a window through the engine's decisions, in the order of time. Reads through the ports, changes nothing. */
export async function simulate(input: SimulationInput): Promise<{ entries: SimulatedEntry[]; eventsSeen: number; truncated: boolean }> {
  const { companyId, definition, history, ownRuns, fromAt, toAt, ports, capDays, maxRuns } = input
  const { guards } = definition
  // The agency's kill switch stands for today, not for what the workflow would have done.
  const messages = { ...input.messages, paused: false }
  let nowMs = fromAt.getTime()
  const clock = { now: () => new Date(nowMs), nowMs: () => nowMs }
  const places = createPlaces({ ports, clock })
  const entries: SimulatedEntry[] = []
  const agenda: Item[] = []
  const lastSent = new Map<string, { at: Date; key: string }>()
  const known = new Set<string>()
  const entered = new Map<string, { lastAt: Date; endAt: Date | null }>()
  let eventsSeen = 0
  let runs = 0
  let truncated = false

  function schedule(atMs: number, act: () => Promise<void>): void {
    let low = 0
    let high = agenda.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((agenda[middle]?.atMs ?? 0) <= atMs) low = middle + 1
      else high = middle
    }
    agenda.splice(low, 0, { atMs, do: act })
  }

  const tell = (run: RunRecord, step: Step | null, outcome: SimulatedEntry['outcome'], reason: string | null, detail: string | null = null) => {
    entries.push({ run, step, outcome, at: clock.now(), reason, detail })
  }

  const personOf = (run: RunRecord) => run.userId ?? run.locationId ?? 'agency'

  function ended(run: RunRecord): void {
    const state = entered.get(personOf(run))
    if (state !== undefined) state.endAt = clock.now()
  }

  /** Why the person does not enter again; null if they do. */
  function reentryObstacle(run: RunRecord): string | null {
    const before = entered.get(personOf(run))
    if (before === undefined) return null
    if (guards.reentry === 'once') return 'entered_before'
    if (guards.cooldownDays !== undefined && nowMs - before.lastAt.getTime() < guards.cooldownDays * dayMs) return 'cooldown'
    if (guards.reentry === 'after_end' && before.endAt === null) return 'still_in_it'
    return null
  }

  async function start(event: DomainEvent): Promise<void> {
    eventsSeen += 1
    const facts = factsOf(event)
    const account = async () => (event.locationId === null ? null : ports.account(companyId, event.locationId))
    const { where } = definition.trigger
    const context = conditionContext(ports, { companyId, locationId: event.locationId, userId: event.userId }, { facts, account })
    if (!(await conditionsHold(where, context))) return
    if (runs >= maxRuns) {
      truncated = true
      return
    }
    runs += 1
    const run = newRun({ definition, version: 0 }, event, facts, clock.now())
    if (run.userId === null && event.locationId !== null && needsPerson(definition)) run.userId = await ports.primaryPerson(companyId, event.locationId)
    for (const condition of definition.conditions) {
      if (await conditionsHold([condition], context)) continue
      tell(run, null, 'would_not', 'condition', condition.field)
      return
    }
    if (known.has(run._id)) {
      tell(run, null, 'would_not', 'same_occasion')
      return
    }
    known.add(run._id)
    if (run.userId === null && definition.steps.some((step) => handlerOf(step).reaches === 'customer')) {
      tell(run, null, 'would_not', 'no_person')
      return
    }
    const obstacle = reentryObstacle(run)
    if (obstacle !== null) {
      tell(run, null, 'would_not', obstacle)
      return
    }
    entered.set(personOf(run), { lastAt: clock.now(), endAt: null })
    await goOn(run, 0, event.at)
  }

  /** The next acting step at or after `index`. */
  async function goOn(run: RunRecord, index: number, sinceAt: Date): Promise<void> {
    const place = await places.next(run, definition, index, clock.now())
    if (place === null) {
      ended(run)
      return
    }
    schedule(place.dueAt.getTime(), () => act(run, place, sinceAt))
  }

  /** A fact that ended the run before this step. */
  function endedBy(run: RunRecord, sinceAt: Date): string | null {
    const happened = (types: readonly DomainEventType[], about: { locationId: string | null; userId: string | null } = run) => history.firstBetween(types, about, sinceAt, clock.now()) !== undefined
    const ofAccount = { locationId: run.locationId, userId: null }
    if (run.userId !== null && happened(['user.removed'])) return 'user_removed'
    if (guards.exitOn.includes('reply') && run.userId !== null && happened(['message.received'])) return 'reply'
    if (guards.exitOn.includes('case_opened') && happened(['case.opened'], ofAccount)) return 'case_opened'
    if (guards.exitOn.includes('recovery')) {
      if (run.facts.type === 'user.inactive' && happened(['user.returned'])) return 'recovered'
      if (run.facts.type === 'billing.payment_failed' && happened(['billing.payment_recovered'], ofAccount)) return 'recovered'
    }
    return null
  }

  async function act(run: RunRecord, place: Place, sinceAt: Date): Promise<void> {
    const { step, index } = place
    const handler = handlerOf(step)
    if (nowMs > toAt.getTime()) {
      tell(run, step, 'still_waiting', null)
      return
    }
    const stop = (reason: string, detail: string | null = null) => {
      tell(run, step, 'would_not', reason, detail)
      ended(run)
    }
    const exit = endedBy(run, sinceAt)
    if (exit !== null) {
      stop(exit)
      return
    }
    const account = run.locationId === null ? null : await ports.account(companyId, run.locationId)
    const level = levelOf(run)
    if (step.kind === 'if') {
      const holds = await conditionsHold(step.when, conditionContext(ports, run, { facts: run.facts, account: async () => account, userLevel: level }))
      const target = holds ? index + 1 : places.indexOf(definition, step.otherwise)
      if (target !== null) await goOn(run, target, sinceAt)
      else ended(run)
      return
    }
    if (handler.reaches === 'customer') {
      const person = run.locationId === null || run.userId === null ? null : await ports.person(companyId, run.locationId, run.userId)
      const verdict = guardMessage(guards, run.facts, {
        workflowState: 'published', live: true, messages, person,
        needs: handler.needs ?? 'email',
        level,
        hasOpenCase: run.locationId !== null && history.hasOpenCaseAt(run.locationId, clock.now()),
        optedOut: run.userId !== null && history.optedOutAt(run.userId, clock.now()),
        dueAt: place.dueAt, now: clock.now(), zone: account?.timezone ?? 'utc',
      })
      if (verdict.kind === 'wait') {
        schedule(verdict.untilAt.getTime(), () => act(run, place, sinceAt))
        return
      }
      if (verdict.kind === 'stop') {
        stop(verdict.reason)
        return
      }
      const turn = run.userId === null || guards.capDays === null || capDays === 0 ? undefined : lastSent.get(run.userId)
      if (turn !== undefined && nowMs - turn.at.getTime() < capDays * dayMs) {
        stop('capped', turn.at.toISOString())
        return
      }
      if (run.userId !== null) lastSent.set(run.userId, { at: clock.now(), key: `dry:${run._id}` })
    } else if (handler.reaches !== 'nobody') {
      const over = exitOf(guards, run.facts, { live: true, level })
      if (over !== null) {
        stop(over)
        return
      }
    }
    tell(run, step, 'would_receive', null)
    await goOn(run, index + 1, sinceAt)
  }

  /** As events told it, else as it was when the run began. */
  function levelOf(run: RunRecord): string | null {
    if (run.locationId === null) return run.facts.level
    return history.levelAt(definition.reading, run.locationId, run.userId, clock.now()) ?? run.facts.level
  }

  for (const event of history.asked) schedule(event.at.getTime(), () => start(event))
  for (const { at, userId, messageKey } of history.sent) {
    if (ownRuns.has(messageKey.split(':')[1] ?? '')) continue
    schedule(at.getTime(), () => {
      lastSent.set(userId, { at, key: messageKey })
      return Promise.resolve()
    })
  }
  for (let item = agenda.shift(); item !== undefined; item = agenda.shift()) {
    nowMs = item.atMs
    await item.do()
  }
  return { entries: entries.sort((one, other) => other.at.getTime() - one.at.getTime()), eventsSeen, truncated }
}
