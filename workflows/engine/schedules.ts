import { DateTime } from 'luxon'
import type { Model } from 'mongoose'
import { minuteMs, type Clock } from '../../src/kernel/clock.ts'
import { isDuplicateKey } from '../../src/store/index.ts'
import type { WorkflowPorts } from '../ports.ts'
import type { Schedule } from '../shapes.ts'
import type { AgencyWorkflow, WorkflowStates } from '../states.ts'
import { factsOf } from './facts.ts'
import type { ScheduleRecord } from './model.ts'
import type { Starter } from './starter.ts'
import { nextTimeOfDay } from './zoned-time.ts'

/** Starts workflows that have a schedule: on each occasion one run per account that their conditions fit. */
export interface Schedules {
  /** Writes down when the workflow is due next; to be called before it is published. Nothing for workflows that wait for events. */
  prepare(companyId: string, workflow: AgencyWorkflow): Promise<void>
  /** Works on due occasions, a bounded number of accounts at once; goes on where it, or a process that stopped, left off. @returns runs started */
  sweep(): Promise<number>
}

export interface SchedulesDeps {
  model: Model<ScheduleRecord>
  states: Pick<WorkflowStates, 'list'>
  starter: Pick<Starter, 'startOne'>
  ports: Pick<WorkflowPorts, 'locationIds' | 'agencyZone' | 'account' | 'isLive'>
  clock: Clock
}

const leaseMs = 5 * minuteMs
/** Accounts of one occasion between two notes of how far it is. */
const slice = 50
/** Accounts in one sweep, all agencies together. */
const maxPerSweep = 1_000
const maxOccasions = 100

/** The first occasion after `at`, by the clock of the zone. */
export function nextOccasion(schedule: Schedule, at: Date, zone: string): Date {
  if (schedule.every !== 'month') return nextTimeOfDay(at, schedule.at, zone, { strictly: true, ...(schedule.weekday === undefined ? {} : { weekdays: [schedule.weekday] }) })
  const day = schedule.day ?? 1
  let start = DateTime.fromJSDate(at, { zone })
  if (!start.isValid) start = DateTime.fromJSDate(at, { zone: 'utc' })
  for (let months = 0; ; months += 1) {
    // From the first instant of that day; its time is on the same day, whatever the clocks do.
    const from = start.startOf('month').plus({ months }).set({ day }).startOf('day').toJSDate()
    const occasion = nextTimeOfDay(from, schedule.at, zone)
    if (occasion > at) return occasion
  }
}

export function createSchedules({ model, states, starter, ports, clock }: SchedulesDeps): Schedules {
  const zoneOf = async (companyId: string) => (await ports.agencyZone(companyId)) ?? 'utc'

  /** One run per account from the place where the occasion was left. @returns whether it is done, and how many accounts were looked at */
  async function work(record: ScheduleRecord, workflow: AgencyWorkflow, left: number): Promise<{ done: boolean; seen: number; started: number }> {
    const { companyId, key, dueAt } = record
    const all = (await ports.locationIds(companyId)).toSorted()
    const rest = record.cursor === null ? all : all.filter((locationId) => locationId > (record.cursor ?? ''))
    let started = 0
    for (let from = 0; from < rest.length; from += slice) {
      if (from >= left) return { done: false, seen: from, started }
      const part = rest.slice(from, from + slice)
      for (const locationId of part) {
        const event = {
          key: `schedule:${key}:${dueAt.toISOString()}:${locationId}`, companyId, locationId, userId: null, type: 'account.created' as const, at: dueAt,
          actor: { kind: 'system' as const, id: null, name: null }, source: 'schedule' as const, summary: `The schedule of “${workflow.definition.name}”.`, data: {},
        }
        const id = await starter.startOne(workflow, event, factsOf({ ...event, type: 'schedule' }), { account: () => ports.account(companyId, locationId) })
        if (id !== null) started += 1
      }
      await model.updateOne({ _id: record._id, companyId, dueAt }, { $set: { cursor: part.at(-1) ?? null, leaseUntil: new Date(clock.nowMs() + leaseMs) } })
    }
    return { done: true, seen: rest.length, started }
  }

  return {
    async prepare(companyId, workflow) {
      const { schedule } = (workflow.draft ?? workflow.definition).trigger
      if (schedule === undefined) return
      const { key } = workflow.definition
      const _id = `${companyId}:${key}`
      const text = JSON.stringify(schedule)
      const existing = await model.findOne({ _id, companyId }).lean()
      // One that rested while the workflow was paused does not make up for it.
      if (existing?.schedule === text && workflow.state === 'published') return
      const next = { schedule: text, dueAt: nextOccasion(schedule, clock.now(), await zoneOf(companyId)), cursor: null, leaseUntil: new Date(0) }
      try {
        await model.updateOne({ _id, companyId }, { $set: { key, ...next } }, { upsert: true })
      } catch (error) {
        // Somebody else prepared it at the same moment.
        if (!isDuplicateKey(error)) throw error
      }
    },

    async sweep() {
      let started = 0
      let left = maxPerSweep
      for (let occasions = 0; occasions < maxOccasions && left > 0; occasions += 1) {
        const now = clock.now()
        const record: ScheduleRecord | null = await model
          .findOneAndUpdate({ dueAt: { $lte: now }, leaseUntil: { $lte: now } }, { $set: { leaseUntil: new Date(now.getTime() + leaseMs) } }, { sort: { dueAt: 1 }, returnDocument: 'after' })
          .lean()
        if (record === null) break
        const { _id, companyId, dueAt } = record
        const workflow = (await states.list(companyId)).find(({ definition }) => definition.key === record.key)
        const schedule = workflow?.definition.trigger.schedule
        if (workflow === undefined || schedule === undefined) {
          await model.deleteOne({ _id, companyId })
          continue
        }
        const isOn = workflow.state === 'published' && (workflow.publishedAt === null || workflow.publishedAt <= dueAt) && (await ports.isLive(companyId))
        const worked = isOn ? await work(record, workflow, left) : { done: true, seen: 0, started: 0 }
        started += worked.started
        left -= worked.seen
        // Occasions that passed while nothing ran are not made up for, one by one: the next one is to come.
        const next = worked.done ? { dueAt: nextOccasion(schedule, clock.now() > dueAt ? clock.now() : dueAt, await zoneOf(companyId)), cursor: null } : {}
        await model.updateOne({ _id, companyId, dueAt }, { $set: { ...next, leaseUntil: new Date(0) } })
      }
      return started
    },
  }
}
