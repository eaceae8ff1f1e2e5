import { DateTime } from 'luxon'
import type { ContactIdentity } from '../../src/effects/index.ts'
import { happinessLabels, healthLabels } from '../../src/kernel/levels.ts'
import type { MergeValues } from '../fields.ts'
import type { EventScene, WorkflowAccount, WorkflowPerson, WorkflowPorts } from '../ports.ts'
import type { RunRecord } from './run.ts'

/** Who and what a run is about, read at the moment of a step. */
export interface RunScene {
  account: WorkflowAccount | null
  person: WorkflowPerson | null
  owner: WorkflowPerson | null
  feedbackLink: string | null
  settings: Awaited<ReturnType<WorkflowPorts['settings']>>
}

/** @param seen what is read for the event that the run's steps are done with */
export async function readScene(run: RunRecord, ports: Pick<WorkflowPorts, 'account' | 'person' | 'teamMember' | 'settings' | 'feedbackLink'>, seen?: EventScene): Promise<RunScene> {
  const { companyId, locationId, userId } = run
  const [account, person, settings] = await Promise.all([
    locationId === null ? null : seen === undefined ? ports.account(companyId, locationId) : seen.account(),
    locationId === null || userId === null ? null : ports.person(companyId, locationId, userId),
    ports.settings(companyId),
  ])
  const ownerId = account?.ownerId ?? null
  const feedbackLink = locationId === null || userId === null ? null : await ports.feedbackLink(companyId, locationId, userId)
  return { account, person, settings, feedbackLink, owner: ownerId === null ? null : await ports.teamMember(companyId, ownerId) }
}

const labels: Readonly<Record<string, string>> = { ...happinessLabels, ...healthLabels }

const textOf = (number: number | null | undefined): string | null => (number === null || number === undefined ? null : String(number))

/** The merge values of a run; what is not known is left to the fields' fallbacks. */
export function mergeValuesOf(run: RunRecord, scene: RunScene): MergeValues {
  const { account, person, owner, settings } = scene
  const { facts } = run
  const label = (level: string | null) => (level === null ? null : (labels[level] ?? level))
  const due = facts.dueAt === null ? null : DateTime.fromJSDate(new Date(facts.dueAt), { zone: account?.timezone ?? 'utc' })
  return {
    'user.first_name': person?.firstName ?? person?.name?.split(/\s+/)[0] ?? null,
    'user.name': person?.name ?? null,
    'account.name': account?.name ?? null,
    'account.title': account?.name ?? null,
    'agency.name': settings.brand.name,
    'agency.team': settings.brand.teamName,
    'owner.name': owner?.name ?? settings.brand.teamName,
    'owner.first_name': owner?.firstName ?? owner?.name?.split(/\s+/)[0] ?? settings.brand.teamName,
    'feedback.link': scene.feedbackLink,
    'answer.level': label(facts.level),
    'answer.comment': facts.comment,
    'level.before': label(facts.before),
    'level.after': label(facts.after),
    'status.note': facts.note,
    'case.due': due === null ? null : due.isValid ? due.toFormat('d LLL, HH:mm ZZZZ') : due.toISO(),
    'event.summary': facts.summary,
    'tag.name': facts.about?.tag ?? null,
    'field.name': facts.about?.fieldName ?? null,
    'field.before': facts.about?.fieldBefore ?? null,
    'field.after': facts.about?.fieldAfter ?? null,
    'card.pipeline': facts.about?.pipelineName ?? null,
    'card.stage_before': facts.type === 'card.stage_changed' ? facts.before : null,
    'card.stage_after': facts.type === 'card.stage_changed' ? facts.after : null,
    'user.inactive_days': facts.type.startsWith('user.') ? textOf(facts.days) : null,
    'unanswered.cycles': textOf(facts.about?.cycles),
    'score.milestone': textOf(facts.about?.milestone),
    'billing.days': facts.type.startsWith('billing.') ? textOf(facts.days) : null,
  }
}

/** The contact that a run writes to. @returns null if it is about nobody in particular */
export function contactOf(run: RunRecord, scene: RunScene): ContactIdentity | null {
  if (run.locationId === null || run.userId === null || scene.person === null) return null
  const { email, firstName, lastName, phone } = scene.person
  return { subjectId: `user:${run.locationId}:${run.userId}`, locationId: run.locationId, email, firstName, lastName, phone, companyName: scene.account?.name ?? '' }
}

/** The status change that a run is about, for the message to name. */
export function aboutChange({ facts }: RunRecord): { changeId?: string } {
  return facts.changeId === null ? {} : { changeId: facts.changeId }
}
