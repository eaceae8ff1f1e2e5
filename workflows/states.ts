import { isDeepStrictEqual } from 'node:util'
import { secondMs, type Clock } from '../src/kernel/clock.ts'
import { notFound, RequestError } from '../src/kernel/errors.ts'
import { isDuplicateKey } from '../src/store/index.ts'
import { readDefinition, workflowDefinition, type Step, type WorkflowDefinition } from './definition.ts'
import type { StepOverride, WorkflowModels, WorkflowStateRecord } from './engine/model.ts'
import type { LibraryIndex } from './library/index.ts'
import { handlerOf } from './steps/index.ts'
import { checkTemplate, htmlFromText, type TemplateFault } from './templates.ts'

/** A workflow as an agency has it: the shipped definition, its own words over it, and whether it runs. */
export interface AgencyWorkflow {
  shipped: WorkflowDefinition
  /** What runs if it is published. */
  definition: WorkflowDefinition
  state: WorkflowStateRecord['state']
  /** Version that new runs use; 0 is the shipped definition. */
  version: number
  /** Facts before this instant start nothing. */
  publishedAt: Date | null
  customised: boolean
  revision: number
  changedBy: string | null
  changedAt: Date | null
}

/** A fault in somebody's words, at its exact place. */
export interface CopyFault extends TemplateFault {
  /** For example `steps.ask.subject`. */
  path: string
}

/** The agencies' decisions about their workflows. */
export interface WorkflowStates {
  /** All workflows of an agency, in the library's order. */
  list(companyId: string): Promise<AgencyWorkflow[]>
  /**
   * The same, for deciding which runs a fact starts: another process's publishing or pausing may go unseen for a second, this process's is seen at once.
   * A run that starts too late in that second reaches no customer: every message looks at the state again before it is sent.
   */
  recent(companyId: string): Promise<AgencyWorkflow[]>
  /** @throws RequestError 404 */
  get(companyId: string, key: string): Promise<AgencyWorkflow>
  /** The definition of one version. @returns null if it was never stored */
  version(companyId: string, key: string, version: number): Promise<WorkflowDefinition | null>
  /** @throws RequestError 404; 422 with the place of every fault in the words */
  publish(companyId: string, key: string, by: string): Promise<AgencyWorkflow>
  pause(companyId: string, key: string, by: string): Promise<AgencyWorkflow>
  /** Replaces words and delays of the steps named; null puts a step back to the shipped one. @throws RequestError 404, 409, 422 */
  edit(companyId: string, key: string, changes: Record<string, StepOverride | null>, by: string): Promise<AgencyWorkflow>
}

const recentMs = secondMs
const maxRecent = 2_000

export function createWorkflowStates(deps: { models: WorkflowModels; library: LibraryIndex; clock: Clock }): WorkflowStates {
  const { models, library, clock } = deps
  const idOf = (companyId: string, key: string) => `${companyId}:${key}`
  const recent = new Map<string, { workflows: AgencyWorkflow[]; untilMs: number }>()
  let changes = 0

  function shippedOf(key: string): WorkflowDefinition {
    const shipped = library.byKey.get(key)
    if (shipped === undefined) throw notFound('workflow')
    return shipped
  }

  function read(shipped: WorkflowDefinition, record: WorkflowStateRecord | null): AgencyWorkflow {
    const override = record?.override ?? {}
    return {
      shipped,
      definition: withOverride(shipped, override),
      state: record?.state ?? (shipped.kind === 'notification' ? 'published' : 'draft'),
      version: record?.version ?? 0,
      publishedAt: record?.publishedAt ?? null,
      customised: Object.keys(override).length > 0,
      revision: record?.revision ?? 0,
      changedBy: record?.changedBy ?? null,
      changedAt: record?.changedAt ?? null,
    }
  }

  async function load(companyId: string, key: string): Promise<{ shipped: WorkflowDefinition; record: WorkflowStateRecord | null }> {
    const shipped = shippedOf(key)
    return { shipped, record: await models.states.findOne({ _id: idOf(companyId, key), companyId }).lean() }
  }

  /** Stores the definition as the next version unless the newest one says the same. @returns its number */
  async function storeVersion(companyId: string, definition: WorkflowDefinition, newest: number, by: string): Promise<number> {
    if (newest > 0) {
      const stored = await version(companyId, definition.key, newest)
      if (isDeepStrictEqual(stored, definition)) return newest
    }
    for (let number = newest + 1; ; number += 1) {
      try {
        await models.versions.create({ _id: `${idOf(companyId, definition.key)}:${number}`, companyId, key: definition.key, version: number, definition, createdAt: clock.now(), createdBy: by })
        return number
      } catch (error) {
        // Left behind by a change that did not get through, or by somebody else's: numbers may have gaps, never two meanings.
        if (!isDuplicateKey(error)) throw error
      }
    }
  }

  async function version(companyId: string, key: string, number: number): Promise<WorkflowDefinition | null> {
    if (number === 0) return library.byKey.get(key) ?? null
    const record = await models.versions.findOne({ _id: `${idOf(companyId, key)}:${number}`, companyId }).lean()
    return record === null ? null : readDefinition(record.definition)
  }

  /** Writes the decision if nobody else wrote in between. */
  async function save(companyId: string, key: string, before: WorkflowStateRecord | null, change: Partial<WorkflowStateRecord>, by: string): Promise<AgencyWorkflow> {
    const shipped = shippedOf(key)
    const current = read(shipped, before)
    const next: WorkflowStateRecord = {
      _id: idOf(companyId, key),
      companyId,
      key,
      state: current.state,
      version: current.version,
      override: before?.override ?? {},
      publishedAt: current.publishedAt,
      ...change,
      changedBy: by,
      changedAt: clock.now(),
      revision: current.revision + 1,
    }
    changes += 1
    recent.delete(companyId)
    try {
      const { _id, ...members } = next
      await models.states.updateOne({ _id, companyId, revision: current.revision }, { $set: members }, { upsert: true })
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
      throw new RequestError(409, 'conflict', 'Somebody else changed this workflow a moment ago. Reload it and try again.')
    } finally {
      changes += 1
      recent.delete(companyId)
    }
    return read(shipped, next)
  }

  async function list(companyId: string): Promise<AgencyWorkflow[]> {
    const records = new Map((await models.states.find({ companyId }).lean()).map((record) => [record.key, record]))
    return [...library.byKey.values()].map((shipped) => read(shipped, records.get(shipped.key) ?? null))
  }

  return {
    list,

    async recent(companyId) {
      const cached = recent.get(companyId)
      if (cached !== undefined && cached.untilMs > clock.nowMs()) return cached.workflows
      const began = changes
      const workflows = await list(companyId)
      if (recent.size >= maxRecent) recent.clear()
      // Read while somebody here changed one: not for keeping.
      if (began === changes) recent.set(companyId, { workflows, untilMs: clock.nowMs() + recentMs })
      return workflows
    },

    async get(companyId, key) {
      const { shipped, record } = await load(companyId, key)
      return read(shipped, record)
    },

    version,

    async publish(companyId, key, by) {
      const { shipped, record } = await load(companyId, key)
      const current = read(shipped, record)
      if (current.state === 'published') return current
      refuseFaults(current.definition)
      const number = await storeVersion(companyId, current.definition, current.version, by)
      return save(companyId, key, record, { state: 'published', version: number, publishedAt: clock.now() }, by)
    },

    async pause(companyId, key, by) {
      const { shipped, record } = await load(companyId, key)
      const current = read(shipped, record)
      if (current.state === 'paused') return current
      if (current.state === 'draft') throw new RequestError(409, 'not_published', 'This workflow is a draft: nobody receives it, so there is nothing to pause.')
      return save(companyId, key, record, { state: 'paused' }, by)
    },

    async edit(companyId, key, changes, by) {
      const { shipped, record } = await load(companyId, key)
      const override = { ...record?.override }
      for (const [stepId, change] of Object.entries(changes)) {
        const step = shipped.steps.find((each) => each.id === stepId)
        if (step === undefined) {
          throw new RequestError(422, 'unknown_step', `This workflow has no step “${stepId}”. Its steps are: ${shipped.steps.map((each) => each.id).join(', ')}.`, { details: { path: `steps.${stepId}` } })
        }
        if (change === null) Reflect.deleteProperty(override, stepId)
        else override[stepId] = changedStep(step, override[stepId] ?? {}, change)
      }
      const definition = withOverride(shipped, override)
      refuseFaults(definition)
      const parsed = workflowDefinition.safeParse(definition)
      if (!parsed.success) {
        const faults = parsed.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }))
        throw new RequestError(422, 'invalid_workflow', 'The workflow cannot be saved like this.', { details: { faults } })
      }
      // A published workflow changes for runs that start from now on; those under way finish on their version.
      const current = read(shipped, record)
      const number = current.state === 'published' ? await storeVersion(companyId, definition, current.version, by) : current.version
      return save(companyId, key, record, { override, version: number }, by)
    },
  }
}

function changedStep(step: Step, before: StepOverride, change: StepOverride): StepOverride {
  const allowed = handlerOf(step).replaceable
  for (const member of Object.keys(change)) {
    if (allowed.includes(member)) continue
    throw new RequestError(422, 'unknown_member', `A ${step.kind} step has no “${member}”. It has: ${allowed.join(', ')}.`, { details: { path: `steps.${step.id}.${member}` } })
  }
  // New words without HTML of their own: the HTML says the same.
  return { ...before, ...change, ...(change.text !== undefined && change.html === undefined ? { html: htmlFromText(change.text) } : {}) }
}

function withOverride(shipped: WorkflowDefinition, override: Record<string, StepOverride>): WorkflowDefinition {
  return { ...shipped, steps: shipped.steps.map((step) => ({ ...step, ...override[step.id] })) }
}

/** Checks every template of a definition. */
export function copyFaults(definition: WorkflowDefinition): CopyFault[] {
  return definition.steps.flatMap((step) =>
    templatesOf(step).flatMap(([member, source]) => checkTemplate(source).map((fault) => ({ path: `steps.${step.id}.${member}`, ...fault }))),
  )
}

/** The templates of a step by the member they stand in. */
export function templatesOf(step: Step): [member: string, source: string][] {
  return handlerOf(step).templates(step)
}

function refuseFaults(definition: WorkflowDefinition): void {
  const faults = copyFaults(definition)
  const [first] = faults
  if (first === undefined) return
  throw new RequestError(422, 'invalid_template', `${first.path}, line ${first.line}, column ${first.column}: ${first.message}`, { details: { faults } })
}
