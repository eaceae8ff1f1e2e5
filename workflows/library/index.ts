import { timelineOnlyTypes, type DomainEventType } from '../../src/events/index.ts'
import { workflowDefinition, type WorkflowDefinition } from '../definition.ts'
import { firstAnswer, happinessFell, happinessRecovered, happinessRose, healthFell, healthRecovered, healthRose } from './changes.ts'
import { happyNextStep } from './happy.ts'
import { caseClosedLoop, inactive14Days, inactive30Days, inactive7Days, noAnswer, paymentFailed, referralAsk, renewalAhead, testimonialAsk, welcome } from './moments.ts'
import { neutralCheckIn } from './neutral.ts'
import { notHappySupport } from './not-happy.ts'
import { healthyNextGoal, steadyCheckIn, strugglingSupport, thrivingGrowth } from './health.ts'
import {
  accountChurned, accountSilent, caseEscalated, caseOpened, caseOverdue, csmAssigned, feedbackReceived, happinessChanged, healthChanged, healthNoteWanted, healthStale, healthStruggling, healthValueRefused,
  paymentFailedTeam, paymentRecovered, reconnectNeeded, renewalAheadTeam, scoreMilestone, setupDrift, userInactive,
} from './team.ts'
import { veryHappyReview } from './very-happy.ts'

/** What the product ships with. A new workflow is one definition and one line here. */
export const library: readonly WorkflowDefinition[] = [
  veryHappyReview,
  happyNextStep,
  neutralCheckIn,
  notHappySupport,
  firstAnswer,
  happinessFell,
  happinessRose,
  happinessRecovered,
  caseClosedLoop,
  testimonialAsk,
  thrivingGrowth,
  healthyNextGoal,
  steadyCheckIn,
  strugglingSupport,
  healthFell,
  healthRose,
  healthRecovered,
  welcome,
  noAnswer,
  referralAsk,
  inactive7Days,
  inactive14Days,
  inactive30Days,
  paymentFailed,
  renewalAhead,
  feedbackReceived,
  happinessChanged,
  healthChanged,
  healthStruggling,
  healthNoteWanted,
  healthValueRefused,
  healthStale,
  accountSilent,
  csmAssigned,
  caseOpened,
  caseOverdue,
  caseEscalated,
  reconnectNeeded,
  setupDrift,
  userInactive,
  paymentFailedTeam,
  paymentRecovered,
  renewalAheadTeam,
  scoreMilestone,
  accountChurned,
]

/** The shipped definitions by key and by the event types that start them. */
export interface LibraryIndex {
  byKey: ReadonlyMap<string, WorkflowDefinition>
  byEvent: ReadonlyMap<DomainEventType, readonly WorkflowDefinition[]>
}

/** @throws ZodError if a definition is malformed, Error if two share a key or one waits for events that nobody hands out */
export function indexLibrary(definitions: readonly WorkflowDefinition[]): LibraryIndex {
  const byKey = new Map<string, WorkflowDefinition>()
  const byEvent = new Map<DomainEventType, WorkflowDefinition[]>()
  for (const definition of definitions.map((each) => workflowDefinition.parse(each))) {
    if (byKey.has(definition.key)) throw new Error(`Two workflows have the key ${definition.key}`)
    byKey.set(definition.key, definition)
    const silent = definition.trigger.events.find((type) => timelineOnlyTypes.has(type))
    if (silent !== undefined) throw new Error(`The workflow ${definition.key} waits for ${silent}, which only timelines read`)
    for (const type of new Set(definition.trigger.events)) byEvent.set(type, [...(byEvent.get(type) ?? []), definition])
  }
  return { byKey, byEvent }
}
