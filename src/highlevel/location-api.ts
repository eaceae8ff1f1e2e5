import { PermanentError } from '../kernel/errors.ts'
import { createAsk } from './ask.ts'
import { endpoints, type Endpoint } from './endpoints.ts'
import { locationResource } from './resource.ts'
import { pathId, type Sender } from './sender.ts'
import { conversationsOf } from './conversations.ts'
import { pipelinesOf } from './pipelines.ts'
import type { Outgoing } from './transport.ts'
import type { CrmContactInput, LocationApi, NewCrmCustomField, Priority } from './types.ts'
import * as wire from './wire.ts'
import { workflowsOf } from './workflows.ts'

/** An opportunity search holds at most this many; a contact has far fewer cards on one pipeline. */
const opportunityPage = 100

/** Calls with the location's token, in the product's words. */
export function createLocationApi(sender: Sender, companyId: string, locationId: string, priority: Priority): LocationApi {
  const resource = locationResource(companyId, pathId(locationId))
  const ask = createAsk(sender, resource, priority)
  const tell = async (endpoint: Endpoint, outgoing: Outgoing): Promise<void> => {
    await sender.send(resource, priority, { endpoint, outgoing })
  }

  const api: LocationApi = {
    companyId,
    locationId,

    listCustomFields: () =>
      ask(endpoints.listCustomFields, { via: 'sdk', call: (sdk, options) => sdk.locations.getCustomFields({ locationId, model: 'contact' }, options) }, wire.customFieldsAnswer),

    // Plain requests: the SDK's types do not know `options`, which single-option fields need.
    createCustomField: (input) =>
      ask(endpoints.createCustomField, { via: 'plain', path: { locationId }, json: { ...fieldBody(input), dataType: input.dataType, model: 'contact' } }, wire.customFieldAnswer),
    updateCustomField: async (fieldId, input) =>
      ask(endpoints.updateCustomField, { via: 'plain', path: { locationId, id: pathId(fieldId) }, json: { ...fieldBody(input), model: 'contact' } }, wire.customFieldAnswer),

    listTags: () => ask(endpoints.listTags, { via: 'sdk', call: (sdk, options) => sdk.locations.getLocationTags({ locationId }, options) }, wire.tagsAnswer),
    createTag: (name) => tell(endpoints.createTag, { via: 'sdk', call: (sdk, options) => sdk.locations.createTag({ locationId }, { name }, options) }),

    ...pipelinesOf(ask, locationId),

    async findContactByEmail(email) {
      const wanted = email.trim().toLowerCase()
      const found = await ask(endpoints.findDuplicateContact, { via: 'sdk', call: (sdk, options) => sdk.contacts.getDuplicateContact({ locationId, email: wanted }, options) }, wire.duplicateAnswer)
      // HighLevel may match by its own rules; only the same address is the same person.
      return found !== null && found.emails.includes(wanted) ? found.contact : null
    },

    getContact: (contactId) =>
      orNull(async () => ask(endpoints.getContact, { via: 'sdk', call: (sdk, options) => sdk.contacts.getContact({ contactId: pathId(contactId) }, options) }, wire.contactAnswer)),

    async createContact(input) {
      const body = { ...contactBody(input), ...(input.companyName === undefined ? {} : { companyName: input.companyName }), locationId }
      try {
        return await ask(endpoints.createContact, { via: 'sdk', call: (sdk, options) => sdk.contacts.createContact(body, options) }, wire.contactAnswer)
      } catch (error) {
        const existing = await existingContact(error, input)
        if (existing === null) throw error
        return existing
      }
    },

    // `companyName` can be set when a contact is created only: HighLevel refuses unknown members of an update.
    updateContact: async (contactId, input) =>
      ask(endpoints.updateContact, { via: 'sdk', call: (sdk, options) => sdk.contacts.updateContact({ contactId: pathId(contactId) }, contactBody(input), options) }, wire.contactAnswer),

    addTags: (contactId, tags) => tell(endpoints.addTags, { via: 'sdk', call: async (sdk, options) => sdk.contacts.addTags({ contactId: pathId(contactId) }, { tags }, options) }),
    removeTags: (contactId, tags) => tell(endpoints.removeTags, { via: 'sdk', call: async (sdk, options) => sdk.contacts.removeTags({ contactId: pathId(contactId) }, { tags }, options) }),

    findOpportunities: ({ pipelineId, contactId }) =>
      ask(
        endpoints.searchOpportunities,
        { via: 'plain', query: { location_id: locationId, ...(pipelineId === undefined ? {} : { pipeline_id: pipelineId }), contact_id: contactId, limit: String(opportunityPage) } },
        wire.opportunitiesAnswer.transform((found) => found.filter((card) => (pipelineId === undefined || card.pipelineId === pipelineId) && (card.contactId === null || card.contactId === contactId))),
      ),
    getOpportunity: (opportunityId) =>
      orNull(async () => ask(endpoints.getOpportunity, { via: 'sdk', call: (sdk, options) => sdk.opportunities.getOpportunity({ id: pathId(opportunityId) }, options) }, wire.opportunityAnswer)),
    createOpportunity: ({ pipelineId, stageId, contactId, name, assignedTo }) => {
      const body = { pipelineId, pipelineStageId: stageId, contactId, name, locationId, status: 'open', ...(assignedTo === undefined ? {} : { assignedTo }) }
      return ask(endpoints.createOpportunity, { via: 'sdk', call: (sdk, options) => sdk.opportunities.createOpportunity(body, options) }, wire.opportunityAnswer)
    },
    moveOpportunity: async (opportunityId, { pipelineId, stageId }) =>
      ask(
        endpoints.updateOpportunity,
        { via: 'sdk', call: (sdk, options) => sdk.opportunities.updateOpportunity({ id: pathId(opportunityId) }, { pipelineId, pipelineStageId: stageId }, options) },
        wire.opportunityAnswer,
      ),

    ...conversationsOf(ask, locationId),

    createTask: (contactId, { title, body, dueAt, assignedTo }) => {
      const task = { title, body, dueDate: dueAt.toISOString(), completed: false, ...(assignedTo === undefined ? {} : { assignedTo }) }
      return ask(endpoints.createTask, { via: 'sdk', call: async (sdk, options) => sdk.contacts.createTask({ contactId: pathId(contactId) }, task, options) }, wire.taskAnswer)
    },
    listTasks: (contactId) => ask(endpoints.listTasks, { via: 'sdk', call: async (sdk, options) => sdk.contacts.getAllTasks({ contactId: pathId(contactId) }, options) }, wire.tasksAnswer),
    completeTask: (contactId, taskId) => {
      const ids = { contactId: pathId(contactId), taskId: pathId(taskId) }
      return tell(endpoints.completeTask, { via: 'sdk', call: async (sdk, options) => sdk.contacts.updateTaskCompleted(ids, { completed: true }, options) })
    },
    createNote: (contactId, body) =>
      ask(endpoints.createNote, { via: 'plain', path: { contactId: pathId(contactId) }, json: { body } }, wire.noteAnswer),
    listNotes: (contactId) => ask(endpoints.listNotes, { via: 'sdk', call: async (sdk, options) => sdk.contacts.getAllNotes({ contactId: pathId(contactId) }, options) }, wire.notesAnswer),

    ...workflowsOf(ask, locationId),

    searchUsers: (query) =>
      ask(endpoints.searchUsers, { via: 'sdk', call: (sdk, options) => sdk.users.searchUsers({ companyId, locationId, ...userQuery(query) }, options) }, wire.usersAnswer),
    getLocation: () => ask(endpoints.getLocation, { via: 'sdk', call: (sdk, options) => sdk.locations.getLocation({ locationId }, options) }, wire.locationAnswer),
  }
  return api

  /** The contact that stands in the way of a new one, if HighLevel refused it as a duplicate. */
  async function existingContact(error: unknown, input: CrmContactInput) {
    if (!(error instanceof PermanentError)) return null
    const named = error.details?.['existingContactId']
    if (typeof named === 'string') return api.getContact(named)
    return error.code === 'highlevel_duplicate' && input.email !== undefined ? api.findContactByEmail(input.email) : null
  }
}

/** Skip and limit travel as texts. */
export function userQuery({ ids, skip, limit }: { ids?: string[]; skip?: number; limit?: number }): { ids?: string; skip?: string; limit?: string } {
  return { ...(ids === undefined ? {} : { ids: ids.join(',') }), ...(skip === undefined ? {} : { skip: String(skip) }), ...(limit === undefined ? {} : { limit: String(limit) }) }
}

function fieldBody({ name, options }: NewCrmCustomField): { name: string; options?: string[] } {
  return options === undefined ? { name } : { name, options }
}

/** Members that both create and update take. Never tags: an update would replace all of them. */
function contactBody({ email, firstName, lastName, phone, source, customFields }: CrmContactInput) {
  return {
    ...(email === undefined ? {} : { email }),
    ...(firstName === undefined ? {} : { firstName }),
    ...(lastName === undefined ? {} : { lastName }),
    ...(phone === undefined ? {} : { phone }),
    ...(source === undefined ? {} : { source }),
    ...(customFields === undefined ? {} : { customFields: customFields.map(({ id, value }) => ({ id, field_value: value })) }),
  }
}

/** null where HighLevel says that the record is gone. */
async function orNull<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof PermanentError && error.code === 'highlevel_not_found') return null
    throw error
  }
}
