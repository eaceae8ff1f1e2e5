import { readFileSync } from 'node:fs'
import { headerName } from '../../src/marketplace/index.ts'
import { badRequest, missing } from './api/api-error.ts'
import { targetPath } from './api/workflow-triggers.ts'
import { isInstalled } from './domain/people.ts'
import type { ActionRun, TriggerExecution, TriggerFilter, Workflow, WorkflowTrigger } from './state/records.ts'
import type { World } from './world.ts'

/** What the app's listing offers to the builder: the portal takes it from the manifest. */
export interface Listing {
  marketplaceTriggers: { key: string; name: string; filters: { field: string; title: string; type: string; options?: { label: string; value: string }[]; dynamic?: true }[]; dynamicFiltersUrl: string }[]
  marketplaceActions: {
    key: string; name: string; dynamicFieldsUrl: string | null; branchFields: { field: string; title: string; options?: { label: string; value: string }[] }[]
    fields: { field: string; title: string; type: string; required: boolean; options?: { label: string; value: string }[]; dynamic?: true }[]
  }[]
}

/** A filter as a person sets it. */
export type FilterChoice = Pick<TriggerFilter, 'field' | 'value'> & { operator?: string }

/** The CRM's workflow builder, as far as an app's own triggers and actions go. */
export interface Builder {
  listing: Listing
  /** Puts a trigger into a workflow and tells the app. */
  addTrigger(input: { workflowId: string; key: string; filters?: FilterChoice[] }): Promise<WorkflowTrigger>
  /** Changes the filters and tells the app. */
  changeTrigger(triggerId: string, filters: FilterChoice[]): Promise<WorkflowTrigger>
  /** Takes it out of its workflow and tells the app. */
  removeTrigger(triggerId: string): Promise<void>
  /** The body that the app is told, for tests that send it again, late or altered. */
  subscriptionBody(trigger: WorkflowTrigger, eventType: 'CREATED' | 'UPDATED' | 'DELETED'): Record<string, unknown>
  /** Carries out an action of the app for one contact, as a step of the workflow would. */
  runAction(input: { workflowId: string; contactId: string; key: string; data?: Record<string, unknown>; branches?: { id: string; name: string; fields: Record<string, unknown> }[] }): Promise<ActionRun>
  /** Choices of the app that are the agency's own. */
  dynamic(path: string, locationId: string): Promise<unknown>
  executions(triggerId?: string): TriggerExecution[]
}

const version = '1.0'
const timeoutMs = 10_000

function readListing(): Listing {
  return JSON.parse(readFileSync(new URL('../../app-manifest.json', import.meta.url), 'utf8')) as Listing
}

export function createBuilder(world: World, ownUrl: () => string): Builder {
  const { state, settings } = world
  const listing = readListing()

  async function call(path: string, body: unknown): Promise<{ status: number; answer: unknown }> {
    if (settings.app.appUrl === undefined) return { status: 0, answer: 'The app has no address.' }
    try {
      const response = await fetch(`${settings.app.appUrl}${path}`, {
        method: 'POST', redirect: 'manual', signal: AbortSignal.timeout(timeoutMs),
        headers: { 'content-type': 'application/json', 'user-agent': 'sandbox-workflows', [headerName]: settings.app.headerSecret }, body: JSON.stringify(body),
      })
      const text = await response.text()
      return { status: response.status, answer: text.startsWith('{') ? (JSON.parse(text) as unknown) : text }
    } catch (error) {
      return { status: 0, answer: error instanceof Error ? error.message : String(error) }
    }
  }

  function workflowAt(workflowId: string): Workflow {
    const workflow = state.workflows.get(workflowId)
    if (workflow === undefined) throw missing(`Workflow with id ${workflowId} not found`)
    if (!isInstalled(world, { locationId: workflow.locationId })) throw badRequest('The app is not installed in this account')
    return workflow
  }

  function filtersOf(key: string, chosen: readonly FilterChoice[]): TriggerFilter[] {
    const known = listing.marketplaceTriggers.find((trigger) => trigger.key === key)?.filters ?? []
    return chosen.map(({ field, value, operator }) => {
      const filter = known.find((one) => one.field === field)
      return { field, id: field, operator: operator ?? '==', title: filter?.title ?? field, type: filter?.type ?? 'string', value }
    })
  }

  function subscriptionBody(trigger: WorkflowTrigger, eventType: 'CREATED' | 'UPDATED' | 'DELETED'): Record<string, unknown> {
    const companyId = state.locations.get(trigger.locationId)?.companyId ?? ''
    return {
      triggerData: { id: trigger.id, key: trigger.key, filters: trigger.filters, eventType, targetUrl: `${ownUrl()}${targetPath(trigger)}` },
      meta: { key: trigger.key, version: trigger.version },
      extras: { locationId: trigger.locationId, workflowId: trigger.workflowId, companyId },
    }
  }

  async function tell(trigger: WorkflowTrigger, eventType: 'CREATED' | 'UPDATED' | 'DELETED'): Promise<WorkflowTrigger> {
    const { status, answer } = await call('/webhooks/highlevel/triggers', subscriptionBody(trigger, eventType))
    const told = { ...trigger, told: status, answer: typeof answer === 'string' ? answer : JSON.stringify(answer) }
    return eventType === 'DELETED' ? told : state.workflowTriggers.put(told)
  }

  function triggerAt(triggerId: string): WorkflowTrigger {
    const trigger = state.workflowTriggers.get(triggerId)
    if (trigger === undefined) throw missing(`Trigger with id ${triggerId} not found`)
    return trigger
  }

  return {
    listing,
    subscriptionBody,
    async addTrigger({ workflowId, key, filters = [] }) {
      const workflow = workflowAt(workflowId)
      const trigger = state.workflowTriggers.put({
        id: state.ids.uuid('trigger'), locationId: workflow.locationId, workflowId, key, version, filters: filtersOf(key, filters), createdAt: world.isoNow(), told: 0, answer: '',
      })
      return tell(trigger, 'CREATED')
    },
    async changeTrigger(triggerId, filters) {
      const trigger = triggerAt(triggerId)
      return tell(state.workflowTriggers.put({ ...trigger, filters: filtersOf(trigger.key, filters) }), 'UPDATED')
    },
    async removeTrigger(triggerId) {
      const trigger = triggerAt(triggerId)
      state.workflowTriggers.delete(triggerId)
      await tell(trigger, 'DELETED')
    },
    async runAction({ workflowId, contactId, key, data = {}, branches }) {
      const { locationId } = workflowAt(workflowId)
      const body = {
        data: { ...data, ...(branches === undefined ? {} : { branches }) },
        extras: { locationId, contactId, workflowId },
        meta: { key, version },
      }
      const { status, answer } = await call(`/webhooks/highlevel/actions/${key}`, body)
      return state.actionRuns.put({ id: state.ids.uuid('action-run'), locationId, workflowId, contactId, key, data: body.data, status, answer, at: world.isoNow() })
    },
    dynamic: async (path, locationId) => (await call(path, { data: {}, extras: { locationId, companyId: state.locations.get(locationId)?.companyId ?? '' }, meta: { version } })).answer,
    executions: (triggerId) => (triggerId === undefined ? state.triggerExecutions.values() : state.triggerExecutions.by('trigger', triggerId)),
  }
}
