import { PermanentError } from '../kernel/errors.ts'
import type { Ask } from './ask.ts'
import { endpoints, type Endpoint } from './endpoints.ts'
import { pathId } from './sender.ts'
import type { LocationApi } from './types.ts'
import * as wire from './wire.ts'

/** The agency's own workflows: listed, entered and left by contacts; HighLevel lets nobody read who is inside. */
export function workflowsOf(ask: Ask, locationId: string): Pick<LocationApi, 'listWorkflows' | 'addToWorkflow' | 'removeFromWorkflow'> {
  async function enrol(endpoint: Endpoint, contactId: string, workflowId: string): Promise<void> {
    // A plain request: the SDK demands the time of an event that only appointment workflows know.
    const path = { contactId: pathId(contactId), workflowId: pathId(workflowId) }
    if (!(await ask(endpoint, { via: 'plain', path, json: {} }, wire.enrolledAnswer))) {
      throw new PermanentError('highlevel_invalid', `HighLevel refused ${endpoint.name}: the workflow did not take the contact.`, { details: { endpoint: endpoint.name } })
    }
  }

  return {
    listWorkflows: () => ask(endpoints.listWorkflows, { via: 'sdk', call: (sdk, options) => sdk.workflows.getWorkflow({ locationId }, options) }, wire.workflowsAnswer),
    addToWorkflow: (contactId, workflowId) => enrol(endpoints.addToWorkflow, contactId, workflowId),
    removeFromWorkflow: (contactId, workflowId) => enrol(endpoints.removeFromWorkflow, contactId, workflowId),
  }
}
