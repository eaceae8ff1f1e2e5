import { minuteMs, secondMs, type Clock } from '../../src/kernel/clock.ts'
import type { Step, WorkflowDefinition } from '../definition.ts'
import type { WorkflowPorts } from '../ports.ts'
import { handlerOf } from '../steps/index.ts'
import type { WaitStep } from '../steps/wait.ts'
import type { RunRecord } from './run.ts'
import { nextBusinessTime, nextTimeOfDay } from './zoned-time.ts'

/** A step of a run and when it is due. */
export interface Place {
  index: number
  step: Step
  dueAt: Date
}

/** Finds where runs wait. */
export interface Places {
  /** The next acting step at or after `index`: waits and jumps on the way are gone through, a message is held on top. @returns null at the end */
  next(run: RunRecord, definition: WorkflowDefinition, index: number, fromAt: Date): Promise<Place | null>
  /** Place of the step with that id. @returns null for the end, or if there is none */
  indexOf(definition: WorkflowDefinition, stepId: string): number | null
}

export function createPlaces({ ports, clock }: { ports: Pick<WorkflowPorts, 'settings' | 'account'>; clock: Clock }): Places {
  const indexOf = (definition: WorkflowDefinition, stepId: string): number | null => {
    const index = definition.steps.findIndex(({ id }) => id === stepId)
    return index < 0 ? null : index
  }

  async function endOfWait({ companyId, locationId }: RunRecord, step: WaitStep, fromAt: Date): Promise<Date> {
    let at = new Date(fromAt.getTime() + step.delayMinutes * minuteMs)
    if (step.until === undefined && step.businessHours !== true) return at
    const zone = (locationId === null ? null : await ports.account(companyId, locationId))?.timezone ?? 'utc'
    if (step.until !== undefined) at = nextTimeOfDay(at, step.until.time, zone, step.until.weekdays === undefined ? {} : { weekdays: step.until.weekdays })
    return step.businessHours === true ? nextBusinessTime((await ports.settings(companyId)).messages.businessHours, at, zone) : at
  }

  return {
    indexOf,

    async next(run, definition, index, fromAt) {
      let dueAt = fromAt
      for (let at: number | null = index; at !== null; ) {
        const step: Step | undefined = definition.steps[at]
        if (step === undefined) return null
        if (step.kind === 'wait') {
          dueAt = await endOfWait(run, step, dueAt)
          at += 1
        } else if (step.kind === 'jump') {
          at = indexOf(definition, step.to)
        } else {
          const nowMs = clock.nowMs()
          const heldMs = handlerOf(step).reaches === 'customer' ? (await ports.settings(run.companyId)).messages.holdSeconds * secondMs : 0
          return { index: at, step, dueAt: new Date(Math.max(dueAt.getTime(), nowMs) + heldMs) }
        }
      }
      return null
    },
  }
}
