import { z } from 'zod'
import { missing, unprocessable, wrongTenant } from './api-error.ts'
import { endpoint, ok, type Endpoint } from './endpoint.ts'
import type { World } from '../world.ts'

/** The address under which the app starts a workflow. */
export function targetPath(trigger: { id: string; workflowId: string }): string {
  return `/workflows-marketplace/triggers/execute/${trigger.workflowId}/${trigger.id}`
}

/** Starting workflows by the app's own triggers: not in the official files, but in the guide to custom triggers. */
export function workflowTriggerEndpoints(world: World): Endpoint[] {
  const { state } = world

  /** Whom the payload means: by id, else by e-mail, else by phone. */
  function contactOf(locationId: string, payload: Record<string, unknown>): string {
    const text = (name: string): string => (typeof payload[name] === 'string' ? payload[name] : '')
    const byId = state.contacts.get(text('contactId'))
    if (byId !== undefined && byId.locationId === locationId) return byId.id
    const byEmail = text('email') === '' ? undefined : state.contacts.by('email', `${locationId}/${text('email').toLowerCase()}`)[0]
    const byPhone = text('phone') === '' ? undefined : state.contacts.by('phone', `${locationId}/${text('phone')}`)[0]
    return (byEmail ?? byPhone)?.id ?? ''
  }

  return [
    endpoint({
      method: 'POST', path: '/workflows-marketplace/triggers/execute/{workflowId}/{triggerId}', scope: 'workflows.readonly', body: z.looseObject({}), tenant: () => ({}),
      handle({ params, body, grant, traceId }) {
        const trigger = state.workflowTriggers.get(params['triggerId'] ?? '')
        if (trigger === undefined || trigger.workflowId !== params['workflowId']) throw missing('Trigger not found')
        if (trigger.locationId !== grant.locationId) throw wrongTenant()
        if (Object.keys(body).length === 0) throw unprocessable(['body should not be empty'], traceId)
        state.triggerExecutions.put({
          id: state.ids.uuid('execution'), locationId: trigger.locationId, workflowId: trigger.workflowId, triggerId: trigger.id, key: trigger.key,
          contactId: contactOf(trigger.locationId, body), payload: body, at: world.isoNow(),
        })
        return ok({ success: true })
      },
    }),
  ]
}
