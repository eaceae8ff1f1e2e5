import type { DomainEvent, Events } from '../../src/events/index.ts'
import type { PreviewRequest, PreviewView, TestRequest, TestSent } from '../../src/http/contract/workflows.ts'
import { notFound, RequestError } from '../../src/kernel/errors.ts'
import { newToken } from '../../src/kernel/ids.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { conditionContext, conditionsHold, isInFact } from '../conditions.ts'
import type { Step, WorkflowDefinition } from '../definition.ts'
import { factsOf, type EventFacts } from '../engine/facts.ts'
import { mergeValuesOf, readScene, type RunScene } from '../engine/values.ts'
import type { RunRecord } from '../engine/model.ts'
import { mergeFields, sampleValues, type MergeFieldKey, type MergeValues } from '../fields.ts'
import type { WorkflowPorts } from '../ports.ts'
import type { AgencyWorkflow, WorkflowStates } from '../states.ts'
import { fieldsOf, renderTemplate } from '../templates.ts'
import { changedOverride, refuseFaults, replaceableOf, templatesOf, withOverride } from './changes.ts'
import { brandedHtml } from '../mail.ts'

/** Words of a workflow with somebody's data, for people who write them. Nothing of it reaches a customer. */
export interface Speaking {
  /** @throws RequestError 404 for a workflow or a person who is not there, 422 with the place of a fault in words that are not saved yet */
  preview(companyId: string, key: string, request: PreviewRequest): Promise<PreviewView>
  /**
   * Sends the words to the person who asks for it, marked as a test. No run, no cap, no record on any customer.
   * @throws RequestError 404, 409 if there is no way to send it, 422
   */
  test(companyId: string, key: string, userId: string, request: TestRequest): Promise<TestSent>
}

export interface TestMail {
  to: string
  subject: string
  text: string
  html: string
  messageId: string
}

export interface SpeakingDeps {
  states: WorkflowStates
  ports: WorkflowPorts
  events: Pick<Events, 'timeline'>
  clock: Clock
  /** Undefined: no mail server is set. */
  sendMail?: (mail: TestMail) => Promise<void>
}

/** How many of a person's facts are looked at for one that the words can speak of. */
const factsLookedAt = 20

type RenderedStep = PreviewView['steps'][number]

export function createSpeaking({ states, ports, events, sendMail }: SpeakingDeps): Speaking {
  /** The newest fact of this person that would have started the workflow. */
  async function basisOf(companyId: string, definition: WorkflowDefinition, who: { locationId: string; userId: string }): Promise<DomainEvent | null> {
    if (definition.trigger.events.length === 0) return null
    const { items } = await events.timeline({ companyId, locationId: who.locationId, types: definition.trigger.events, page: 1, pageSize: factsLookedAt })
    const asked = definition.trigger.where.filter(isInFact)
    for (const event of items) {
      if (event.userId !== null && event.userId !== who.userId) continue
      if (await conditionsHold(asked, conditionContext(ports, event, { facts: factsOf(event), account: async () => null }))) return event
    }
    return null
  }

  async function valuesFor(companyId: string, definition: WorkflowDefinition, who: { locationId: string; userId: string }) {
    const event = await basisOf(companyId, definition, who)
    const run = runAbout(companyId, definition, who, event)
    const scene: RunScene = await readScene(run, { ...ports, feedbackLink: () => Promise.resolve(sampleValues['feedback.link'] ?? '') })
    if (scene.account === null || scene.person === null) throw notFound('user of this account')
    const real = mergeValuesOf(run, scene)
    // Words that speak of a fact need one; without it they speak of a made-up one.
    const values: MergeValues = event === null ? { ...real, ...samplesOfFacts(real) } : real
    return { values, scene, person: scene.person, account: scene.account, basis: event === null ? ('sample' as const) : ('event' as const) }
  }

  return {
    async preview(companyId, key, { locationId, userId, steps }) {
      const definition = wordsOf(await states.get(companyId, key), steps)
      const { values, scene, person, account, basis } = await valuesFor(companyId, definition, { locationId, userId })
      const used = new Set(definition.steps.flatMap((step) => templatesOf(step).flatMap(([, source]) => fieldsOf(source))))
      return {
        person: { userId, name: person.name, email: person.email },
        accountName: account.name,
        basis,
        steps: definition.steps.flatMap((step) => renderedStep(step, values, scene.settings.brand) ?? []),
        missing: mergeFields.map((field) => field.key).filter((field) => used.has(field) && isMissing(values[field])),
      }
    },

    async test(companyId, key, userId, { stepId, locationId, userId: about, steps }) {
      const workflow = await states.get(companyId, key)
      const definition = wordsOf(workflow, steps)
      const step = definition.steps.find((each) => templatesOf(each).length > 0 && (stepId === undefined || each.id === stepId))
      if (step === undefined) {
        throw new RequestError(422, 'nothing_to_send', stepId === undefined ? 'This workflow has no words to send.' : `The step “${stepId}” has no words to send.`, { details: { path: 'stepId' } })
      }
      const [member, settings] = await Promise.all([ports.teamMember(companyId, userId), ports.settings(companyId)])
      const to = member?.email ?? null
      if (to === null || to === '') throw new RequestError(409, 'no_address', 'There is no e-mail address for you in the CRM. Add one to your user there, then try again.')
      if (sendMail === undefined) {
        throw new RequestError(409, 'mail_not_set_up', 'No mail server is set, so a test cannot be sent. Whoever runs the app sets SMTP_URL and MAIL_FROM; the preview shows the same words.')
      }
      const values = locationId === undefined || about === undefined ? sampleValues : (await valuesFor(companyId, definition, { locationId, userId: about })).values
      const rendered = renderedStep(step, values, settings.brand, `Test of “${definition.name}”. Nobody but you got it.`)
      if (rendered === null) throw new RequestError(422, 'nothing_to_send', 'This step has no words to send.')
      const subject = `[Test] ${rendered.subject ?? definition.name}`
      const text = `This is a test of “${definition.name}”. Nobody but you got it.\n\n${rendered.text}`
      const html = rendered.html ?? brandedHtml(paragraphs(rendered.text), settings.brand, `Test of “${definition.name}”. Nobody but you got it.`)
      await sendMail({ to, subject, text, html, messageId: `<test-${newToken().slice(0, 24)}@workflows.local>` })
      return { to, via: 'smtp', subject, stepId: step.id }
    },
  }
}

/** The words as they would be used: saved ones, and over them those that are not saved yet. @throws RequestError 422 */
export function wordsOf(workflow: AgencyWorkflow, changes: PreviewRequest['steps']): WorkflowDefinition {
  const current = workflow.draft ?? workflow.definition
  if (changes === undefined) return current
  const given = Object.fromEntries(Object.entries(changes).map(([stepId, change]) => [stepId, change === null ? shippedValues(workflow, stepId) : withoutGaps(change)]))
  const definition = withOverride(current, changedOverride(current, {}, given))
  refuseFaults(definition)
  return definition
}

/** A step put back, said as values. */
function shippedValues({ shipped }: AgencyWorkflow, stepId: string): Record<string, unknown> {
  const step = shipped.steps.find(({ id }) => id === stepId)
  if (step === undefined) return {}
  return Object.fromEntries(replaceableOf(step).map((member): [string, unknown] => [member, (step as unknown as Record<string, unknown>)[member]]).filter(([, value]) => value !== undefined))
}

function withoutGaps<T extends object>(change: T): { [member in keyof T]: Exclude<T[member], undefined> } {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as { [member in keyof T]: Exclude<T[member], undefined> }
}

function isMissing(value: string | null | undefined): boolean {
  return value === undefined || value === null || value.trim() === ''
}

/** Fields that come from a fact, not from the person or the account. */
const factGroups = ['answer', 'level', 'status', 'case', 'event', 'feedback']

function samplesOfFacts(real: MergeValues): MergeValues {
  const ofFacts = mergeFields.map((field) => field.key).filter((key) => factGroups.includes(key.split('.')[0] ?? '') && isMissing(real[key]))
  return Object.fromEntries(ofFacts.map((key: MergeFieldKey) => [key, sampleValues[key] ?? null]))
}

/** What a step says; null for one that says nothing. */
export function renderedStep(step: Step, values: MergeValues, brand: Parameters<typeof brandedHtml>[1], notice?: string): RenderedStep | null {
  const templates = new Map(templatesOf(step))
  const head = templates.get('subject') ?? templates.get('title')
  const body = templates.get('text') ?? templates.get('body') ?? templates.get('value')
  const html = templates.get('html')
  if (head === undefined && body === undefined) return null
  return {
    stepId: step.id,
    kind: step.kind,
    subject: head === undefined ? null : renderTemplate('line', head, values),
    text: body === undefined ? '' : renderTemplate('text', body, values),
    html: html === undefined ? null : brandedHtml(renderTemplate('html', html, values), brand, notice),
  }
}

function paragraphs(text: string): string {
  const escaped = text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
  return escaped.split(/\n{2,}/).map((part) => `<p>${part.replace(/\n/g, '<br>')}</p>`).join('')
}

const noFacts = (type: DomainEvent['type']): EventFacts => factsOf({ key: 'sample', companyId: '', locationId: null, userId: null, type, at: new Date(0), actor: { kind: 'system', id: null, name: null }, source: 'workflow', summary: '', data: {} })

/** A run that is stored nowhere: only what words are filled in from. */
function runAbout(companyId: string, definition: WorkflowDefinition, who: { locationId: string; userId: string }, event: DomainEvent | null): RunRecord {
  const at = event?.at ?? new Date(0)
  return {
    _id: 'preview', companyId, workflowKey: definition.key, kind: definition.kind, version: 0, locationId: who.locationId, userId: who.userId,
    eventKey: event?.key ?? 'preview', eventAt: at, facts: event === null ? noFacts(definition.trigger.events[0] ?? 'feedback.received') : factsOf(event),
    state: 'active', reason: null, stepIndex: 0, nextAt: null, outboxKey: null, history: [], createdAt: at, finishedAt: null,
  }
}
