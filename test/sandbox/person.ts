import { missing } from './api/api-error.ts'
import * as activity from './domain/activity.ts'
import * as contacts from './domain/contacts.ts'
import * as fields from './domain/fields.ts'
import * as opportunities from './domain/opportunities.ts'
import * as people from './domain/people.ts'
import { uninstall } from './install.ts'
import type { Contact, CustomField, Enrolment, FieldValue, Location, Message, Opportunity, OpportunityStatus, Pipeline, Task, User, Workflow } from './state/records.ts'
import type { World } from './world.ts'

/** What a person edits on a contact; `fields` by field id, key or name. */
export interface ContactEdit extends Omit<contacts.ContactInput, 'customFields'> {
  fields?: Record<string, FieldValue | null>
}

/** Acting as a person in the CRM: every verb changes the state and emits the platform's own webhooks. */
export interface Person {
  createUser(input: people.NewUser): User
  updateUser(userId: string, change: Parameters<typeof people.updateUser>[2]): User
  removeUser(userId: string): void
  createLocation(input: people.NewLocation): Location
  updateLocation(locationId: string, change: Parameters<typeof people.updateLocation>[2]): Location
  createContact(locationId: string, input: ContactEdit): Contact
  updateContact(contactId: string, edit: ContactEdit): Contact
  changeTags(contactId: string, change: { add?: string[]; remove?: string[] }): Contact
  deleteContact(contactId: string): void
  /** Merges two contacts: `keptId` stays, with its own values and cards and those of the other that it lacks; the other is deleted. */
  mergeContacts(keptId: string, goneId: string): Contact
  /** Takes a tag off the location's list, and so off all contacts, without an event. */
  deleteTag(locationId: string, name: string): void
  /** Renames a tag in the location's list and on all contacts, without an event. */
  renameTag(locationId: string, name: string, newName: string): void
  /** Hands the sub-account to another agency; the app stays with the former one. */
  moveLocation(locationId: string, companyId: string): Location
  /** Deletes a sub-account with all that is in it; the platform tells it as an uninstall. */
  deleteLocation(locationId: string): void
  /** The customer writes to the agency. */
  reply(contactId: string, text: string, channel?: Message['channel']): Message
  completeTask(taskId: string): Task
  createCard(locationId: string, input: { pipelineId: string; stageId?: string; contactId: string; name: string }): Opportunity
  /** @param stage id or name of a stage of the pipeline: the card's own, or another one to which it goes */
  moveCard(opportunityId: string, stage: string, pipelineId?: string): Opportunity
  setCardStatus(opportunityId: string, status: OpportunityStatus): Opportunity
  deleteCard(opportunityId: string): void
  createField(locationId: string, input: fields.FieldDefinition): CustomField
  renameField(fieldId: string, name: string): CustomField
  setFieldOptions(fieldId: string, options: string[]): CustomField
  deleteField(fieldId: string): void
  createPipeline(locationId: string, name: string, stageNames: string[]): Pipeline
  renamePipeline(pipelineId: string, name: string): Pipeline
  deletePipeline(pipelineId: string): void
  renameStage(pipelineId: string, stageId: string, name: string): Pipeline
  /** Cards on it fall to the lowest stage. */
  deleteStage(pipelineId: string, stageId: string): Pipeline
  createWorkflow(locationId: string, name: string, status?: Workflow['status'], options?: Pick<Workflow, 'endsAtOnce'>): Workflow
  deleteWorkflow(workflowId: string): void
  /** Contacts inside a workflow, and those that passed through one that ends at once. */
  enrolments(workflowId: string): Enrolment[]
}

export function createPerson(world: World): Person {
  const { state } = world

  function fieldInputs(locationId: string, fields: Record<string, FieldValue | null>): contacts.FieldInput[] {
    const catalogue = state.fields.by('location', locationId)
    return Object.entries(fields).map(([key, value]) => {
      const field = catalogue.find((candidate) => [candidate.id, candidate.fieldKey, candidate.name].includes(key))
      if (field === undefined) throw missing(`No custom field ${key} in location ${locationId}`)
      return { id: field.id, field_value: value }
    })
  }

  function inputOf(locationId: string, { fields, ...rest }: ContactEdit): contacts.ContactInput {
    return fields === undefined ? rest : { ...rest, customFields: fieldInputs(locationId, fields) }
  }

  function pipelineAt(id: string): Pipeline {
    const pipeline = state.pipelines.get(id)
    if (pipeline === undefined) throw missing(`Pipeline with id ${id} not found`)
    return pipeline
  }

  return {
    createUser: (input) => people.createUser(world, input),
    updateUser: (userId, change) => people.updateUser(world, userId, change),
    removeUser: (userId) => people.removeUser(world, userId),
    createLocation: (input) => people.createLocation(world, input),
    updateLocation: (locationId, change) => people.updateLocation(world, locationId, change),
    createContact: (locationId, input) => contacts.createContact(world, locationId, inputOf(locationId, input)),
    updateContact: (contactId, edit) => contacts.updateContact(world, contactId, inputOf(contacts.getContact(world, contactId).locationId, edit)),
    changeTags: (contactId, change) => contacts.changeTags(world, contactId, change).contact,
    deleteContact: (contactId) => contacts.deleteContact(world, contactId),
    mergeContacts: (keptId, goneId) => contacts.mergeContacts(world, keptId, goneId),
    deleteTag: (locationId, name) => contacts.replaceTag(world, locationId, name, null),
    renameTag: (locationId, name, newName) => contacts.replaceTag(world, locationId, name, newName),
    moveLocation: (locationId, companyId) => people.moveLocation(world, locationId, companyId),
    deleteLocation(locationId) {
      if (people.isInstalled(world, { locationId })) uninstall(world, { locationId })
      people.deleteLocation(world, locationId)
    },
    reply: (contactId, text, channel = 'SMS') => activity.addMessage(world, contactId, { channel, direction: 'inbound', body: text }),
    completeTask: (taskId) => activity.updateTask(world, taskId, { completed: true }),
    createCard: (locationId, input) => opportunities.createCard(world, locationId, { ...input, pipelineStageId: input.stageId, status: 'open' }),
    moveCard(opportunityId, stage, pipelineId) {
      const pipeline = pipelineAt(pipelineId ?? opportunities.getCard(world, opportunityId).pipelineId)
      const target = pipeline.stages.find((candidate) => candidate.id === stage || candidate.name === stage)
      if (target === undefined) throw missing(`No stage ${stage} in pipeline ${pipeline.name}`)
      return opportunities.updateCard(world, opportunityId, { pipelineStageId: target.id, ...(pipelineId === undefined ? {} : { pipelineId }) })
    },
    setCardStatus: (opportunityId, status) => opportunities.updateCard(world, opportunityId, { status }),
    deleteCard: (opportunityId) => opportunities.deleteCard(world, opportunityId),
    createField: (locationId, input) => fields.createField(world, locationId, input),
    renameField: (fieldId, name) => fields.updateField(world, fieldId, { name }),
    setFieldOptions: (fieldId, options) => fields.updateField(world, fieldId, { options }),
    deleteField: (fieldId) => fields.deleteField(world, fieldId),
    createPipeline: (locationId, name, stageNames) =>
      opportunities.createPipeline(world, locationId, { name, stages: stageNames.map((stage, position) => ({ name: stage, position })) }),
    renamePipeline: (pipelineId, name) => opportunities.updatePipeline(world, pipelineId, { name }),
    deletePipeline: (pipelineId) => opportunities.deletePipeline(world, pipelineId),
    renameStage: (pipelineId, stageId, name) =>
      opportunities.updatePipeline(world, pipelineId, { stages: pipelineAt(pipelineId).stages.map((stage) => (stage.id === stageId ? { ...stage, name } : stage)) }),
    deleteStage: (pipelineId, stageId) =>
      opportunities.updatePipeline(world, pipelineId, { stages: pipelineAt(pipelineId).stages.filter((stage) => stage.id !== stageId) }),
    createWorkflow(locationId, name, status = 'published', options = {}) {
      const now = world.isoNow()
      return state.workflows.put({ id: state.ids.uuid('workflow'), locationId, name, status, version: 1, createdAt: now, updatedAt: now, ...options })
    },
    deleteWorkflow: (workflowId) => void state.workflows.delete(workflowId),
    enrolments: (workflowId) => state.enrolments.values().filter((enrolment) => enrolment.workflowId === workflowId),
  }
}
