import { isDeepStrictEqual } from 'node:util'
import type { DomainEventType } from '../src/events/index.ts'
import { secondMs, type Clock } from '../src/kernel/clock.ts'
import { notFound, RequestError } from '../src/kernel/errors.ts'
import { isDuplicateKey } from '../src/store/index.ts'
import { changedOverride, overrideBetween, refuseFaults, withOverride } from './authoring/changes.ts'
import { readDefinition, type WorkflowDefinition } from './definition.ts'
import type { StepOverride, WorkflowModels, WorkflowStateRecord, WorkflowVersionRecord } from './engine/model.ts'
import type { LibraryIndex } from './library/index.ts'

/** A workflow as an agency has it: what it came with, its own words over it, and whether it runs. */
export interface AgencyWorkflow {
  /** What its words are compared with: the shipped definition, or the one that an own workflow came with. */
  shipped: WorkflowDefinition
  /** What runs if it is published. */
  definition: WorkflowDefinition
  /** Changes to a published workflow that wait to be published; null if there are none. */
  draft: WorkflowDefinition | null
  origin: 'shipped' | 'own'
  copyOf: string | null
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

/** The agencies' decisions about their workflows. */
export interface WorkflowStates {
  /** All workflows of an agency: the library in its order, then its own ones. */
  list(companyId: string): Promise<AgencyWorkflow[]>
  /**
   * The same, for deciding which runs a fact starts: another process's publishing or pausing may go unseen for a second, this process's is seen at once.
   * A run that starts too late in that second reaches no customer: every message looks at the state again before it is sent.
   */
  recent(companyId: string): Promise<AgencyWorkflow[]>
  /** Those of `recent` that wait for this type of event. */
  listening(companyId: string, type: DomainEventType): Promise<AgencyWorkflow[]>
  /** @throws RequestError 404 */
  get(companyId: string, key: string): Promise<AgencyWorkflow>
  /** The definition of one version. @returns null if it was never stored */
  version(companyId: string, key: string, version: number): Promise<WorkflowDefinition | null>
  /** The newest stored versions, newest first. */
  versions(companyId: string, key: string): Promise<WorkflowVersionRecord[]>
  /** Also publishes the changes that wait. @throws RequestError 404; 422 with the place of every fault in the words */
  publish(companyId: string, key: string, by: string): Promise<AgencyWorkflow>
  pause(companyId: string, key: string, by: string): Promise<AgencyWorkflow>
  archive(companyId: string, key: string, by: string): Promise<AgencyWorkflow>
  /** Out of the archive, as a draft. */
  unarchive(companyId: string, key: string, by: string): Promise<AgencyWorkflow>
  /**
   * Replaces words and delays of the steps named; null puts a step back to the shipped one.
   * @param asDraft leaves a published workflow as it is until the changes are published
   * @throws RequestError 404, 409, 422
   */
  edit(companyId: string, key: string, changes: Record<string, StepOverride | null>, by: string, asDraft?: boolean): Promise<AgencyWorkflow>
  /** Forgets the changes that wait. */
  discardDraft(companyId: string, key: string, by: string): Promise<AgencyWorkflow>
  /** Takes the whole definition, as a draft: over a shipped workflow as words and delays, else as one of the agency's own. @throws RequestError 404, 409, 422 */
  put(companyId: string, definition: WorkflowDefinition, by: string, copyOf?: string | null): Promise<AgencyWorkflow>
}

const recentMs = secondMs
const maxRecent = 2_000
/** Versions that are listed; older ones stay readable by their number. */
const maxVersions = 200
/** Own workflows of one agency. */
const maxOwn = 100

interface Recent {
  workflows: AgencyWorkflow[]
  byEvent: ReadonlyMap<DomainEventType, AgencyWorkflow[]>
  untilMs: number
}

/** @param deps.changed told of every workflow that somebody changed */
export function createWorkflowStates(deps: { models: WorkflowModels; library: LibraryIndex; clock: Clock; changed?: (companyId: string, key: string) => void }): WorkflowStates {
  const { models, library, clock } = deps
  const idOf = (companyId: string, key: string) => `${companyId}:${key}`
  const recent = new Map<string, Recent>()
  let changes = 0

  function read(base: WorkflowDefinition, record: WorkflowStateRecord | null): AgencyWorkflow {
    const override = record?.override ?? {}
    const draft = record?.draft ?? null
    return {
      shipped: base,
      definition: withOverride(base, override),
      draft: draft === null ? null : withOverride(draft.own === null ? base : stored(draft.own), draft.override),
      origin: library.byKey.has(base.key) ? 'shipped' : 'own',
      copyOf: record?.copyOf ?? null,
      state: record?.state ?? (base.kind === 'notification' ? 'published' : 'draft'),
      version: record?.version ?? 0,
      publishedAt: record?.publishedAt ?? null,
      customised: Object.keys(override).length > 0,
      revision: record?.revision ?? 0,
      changedBy: record?.changedBy ?? null,
      changedAt: record?.changedAt ?? null,
    }
  }

  /** @returns null for a record of a workflow that is not shipped any more */
  function baseOf(key: string, record: WorkflowStateRecord | null): WorkflowDefinition | null {
    const own = record?.own ?? null
    return library.byKey.get(key) ?? (own === null ? null : stored(own))
  }

  async function load(companyId: string, key: string): Promise<{ base: WorkflowDefinition; record: WorkflowStateRecord | null; current: AgencyWorkflow }> {
    const record: WorkflowStateRecord | null = await models.states.findOne({ _id: idOf(companyId, key), companyId }).lean()
    const base = baseOf(key, record)
    if (base === null) throw notFound('workflow')
    return { base, record, current: read(base, record) }
  }

  /** Stores the definition as the next version unless the newest one says the same. @returns its number */
  async function storeVersion(companyId: string, definition: WorkflowDefinition, newest: number, by: string): Promise<number> {
    if (newest > 0) {
      const last = await version(companyId, definition.key, newest)
      if (isDeepStrictEqual(last, definition)) return newest
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
    if (number === 0) {
      const shipped = library.byKey.get(key)
      if (shipped !== undefined) return shipped
      const record: WorkflowStateRecord | null = await models.states.findOne({ _id: idOf(companyId, key), companyId }).lean()
      return baseOf(key, record)
    }
    const record = await models.versions.findOne({ _id: `${idOf(companyId, key)}:${number}`, companyId }).lean()
    return record === null ? null : stored(record.definition)
  }

  function forget(companyId: string): void {
    changes += 1
    recent.delete(companyId)
  }

  /** Writes the decision if nobody else wrote in between. */
  async function save(companyId: string, base: WorkflowDefinition, before: WorkflowStateRecord | null, change: Partial<WorkflowStateRecord>, by: string): Promise<AgencyWorkflow> {
    const { key } = base
    const current = read(base, before)
    const next: WorkflowStateRecord = {
      _id: idOf(companyId, key),
      companyId,
      key,
      state: current.state,
      version: current.version,
      override: before?.override ?? {},
      own: before?.own ?? null,
      copyOf: current.copyOf,
      draft: before?.draft ?? null,
      publishedAt: current.publishedAt,
      ...change,
      changedBy: by,
      changedAt: clock.now(),
      revision: current.revision + 1,
    }
    forget(companyId)
    try {
      const { _id, ...members } = next
      await models.states.updateOne({ _id, companyId, revision: current.revision }, { $set: members }, { upsert: true })
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
      throw new RequestError(409, 'conflict', 'Somebody else changed this workflow a moment ago. Reload it and try again.')
    } finally {
      forget(companyId)
    }
    deps.changed?.(companyId, key)
    return read((next.own ?? null) === null ? base : stored(next.own), next)
  }

  async function list(companyId: string): Promise<AgencyWorkflow[]> {
    const records = await models.states.find({ companyId }).lean<WorkflowStateRecord[]>()
    const byKey = new Map(records.map((record) => [record.key, record]))
    const own = records.filter((record) => !library.byKey.has(record.key) && (record.own ?? null) !== null).sort((one, other) => one.key.localeCompare(other.key))
    return [
      ...[...library.byKey.values()].map((shipped) => read(shipped, byKey.get(shipped.key) ?? null)),
      ...own.map((record) => read(stored(record.own), record)),
    ]
  }

  async function recently(companyId: string): Promise<Recent> {
    const cached = recent.get(companyId)
    if (cached !== undefined && cached.untilMs > clock.nowMs()) return cached
    const began = changes
    const workflows = await list(companyId)
    const byEvent = new Map<DomainEventType, AgencyWorkflow[]>()
    for (const workflow of workflows) {
      for (const type of new Set(workflow.definition.trigger.events)) byEvent.set(type, [...(byEvent.get(type) ?? []), workflow])
    }
    const fresh = { workflows, byEvent, untilMs: clock.nowMs() + recentMs }
    if (recent.size >= maxRecent) recent.clear()
    // Read while somebody here changed one: not for keeping.
    if (began === changes) recent.set(companyId, fresh)
    return fresh
  }

  return {
    list,
    version,
    recent: async (companyId) => (await recently(companyId)).workflows,
    listening: async (companyId, type) => (await recently(companyId)).byEvent.get(type) ?? [],
    get: async (companyId, key) => (await load(companyId, key)).current,

    async versions(companyId, key) {
      const records = await models.versions.find({ companyId, key }).sort({ version: -1 }).limit(maxVersions).lean<WorkflowVersionRecord[]>()
      return records.map((record) => ({ ...record, definition: stored(record.definition) }))
    },

    async publish(companyId, key, by) {
      const { base, record, current } = await load(companyId, key)
      const waiting = record?.draft ?? null
      if (current.state === 'published' && waiting === null) return current
      if (current.state === 'archived') throw new RequestError(409, 'archived', 'This workflow is in the archive. Take it out of the archive first.')
      const definition = current.draft ?? current.definition
      refuseFaults(definition)
      const number = await storeVersion(companyId, definition, current.version, by)
      const taken = waiting === null ? {} : { override: waiting.override, own: waiting.own ?? record?.own ?? null, draft: null }
      // Changes of one that is live take over where it is: facts since its publishing count on.
      const publishedAt = current.state === 'published' ? current.publishedAt : clock.now()
      return save(companyId, base, record, { state: 'published', version: number, publishedAt, ...taken }, by)
    },

    async pause(companyId, key, by) {
      const { base, record, current } = await load(companyId, key)
      if (current.state === 'paused') return current
      if (current.state !== 'published') throw new RequestError(409, 'not_published', 'This workflow is a draft: nobody receives it, so there is nothing to pause.')
      return save(companyId, base, record, { state: 'paused' }, by)
    },

    async archive(companyId, key, by) {
      const { base, record, current } = await load(companyId, key)
      return current.state === 'archived' ? current : save(companyId, base, record, { state: 'archived', draft: null }, by)
    },

    async unarchive(companyId, key, by) {
      const { base, record, current } = await load(companyId, key)
      if (current.state !== 'archived') throw new RequestError(409, 'not_archived', 'This workflow is not in the archive.')
      return save(companyId, base, record, { state: 'draft' }, by)
    },

    async edit(companyId, key, changesByStep, by, asDraft = false) {
      const { base, record, current } = await load(companyId, key)
      const waiting = record?.draft ?? null
      const live = current.state === 'published'
      if (live && asDraft) {
        const from = waiting ?? { own: null, override: record?.override ?? {} }
        const under = from.own === null ? base : stored(from.own)
        const override = changedOverride(under, from.override, changesByStep)
        refuseFaults(withOverride(under, override))
        const says = from.own === null && isDeepStrictEqual(override, record?.override ?? {}) ? null : { own: from.own, override }
        return save(companyId, base, record, { draft: says }, by)
      }
      if (waiting !== null) throw new RequestError(409, 'draft_waits', 'There are changes that wait to be published. Publish or discard them, or add yours to them.')
      const override = changedOverride(base, record?.override ?? {}, changesByStep)
      const definition = withOverride(base, override)
      refuseFaults(definition)
      // A published workflow changes for runs that start from now on; those under way finish on their version.
      const number = live ? await storeVersion(companyId, definition, current.version, by) : current.version
      return save(companyId, base, record, { override, version: number }, by)
    },

    async discardDraft(companyId, key, by) {
      const { base, record, current } = await load(companyId, key)
      return current.draft === null ? current : save(companyId, base, record, { draft: null }, by)
    },

    async put(companyId, definition, by, copyOf = null) {
      refuseFaults(definition)
      const { key } = definition
      const shipped = library.byKey.get(key)
      const record: WorkflowStateRecord | null = await models.states.findOne({ _id: idOf(companyId, key), companyId }).lean()
      const live = (record?.state ?? (shipped?.kind === 'notification' ? 'published' : 'draft')) === 'published'
      const override = shipped === undefined ? {} : overrideBetween(shipped, definition)
      if (override === null) {
        throw new RequestError(422, 'shipped_workflow', `“${key}” is shipped with the product: only its words and delays can be others. Give it a key of its own to change more.`, { details: { path: 'key' } })
      }
      const own = shipped === undefined ? definition : null
      if (own !== null && record === null && (await list(companyId)).filter(({ origin }) => origin === 'own').length >= maxOwn) {
        throw new RequestError(422, 'too_many_workflows', `There can be ${maxOwn} workflows of your own. Use one of those in the archive again.`)
      }
      if ((record?.own ?? null) === null && own !== null && record !== null) throw new RequestError(409, 'key_taken', `The key “${key}” was used before. Choose another one.`, { details: { path: 'key' } })
      const change: Partial<WorkflowStateRecord> = live ? { draft: { own, override } } : { override, own, draft: null, state: 'draft', ...(copyOf === null ? {} : { copyOf }) }
      const before = record?.own ?? null
      const base = shipped ?? (before === null ? definition : stored(before))
      return save(companyId, base, record, change, by)
    },
  }
}

/** A definition as it is kept. @throws ZodError if it cannot be read any more */
function stored(definition: unknown): WorkflowDefinition {
  return readDefinition(definition)
}
