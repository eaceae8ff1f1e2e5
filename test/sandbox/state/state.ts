import type { Clock } from '../../../src/kernel/clock.ts'
import { createIdMaker, type IdMaker } from './make-ids.ts'
import { createSearchIndex, type SearchIndex } from './search-index.ts'
import { createTable, type Table } from './table.ts'
import type * as r from './records.ts'

/** Everything the sandbox knows, in memory. Tests may read it freely; changing it goes through the sandbox's own verbs. */
export interface State {
  companies: Table<r.Company>
  locations: Table<r.Location>
  users: Table<r.User>
  contacts: Table<r.Contact>
  fields: Table<r.CustomField>
  tags: Table<r.Tag>
  pipelines: Table<r.Pipeline>
  opportunities: Table<r.Opportunity>
  notes: Table<r.Note>
  tasks: Table<r.Task>
  conversations: Table<r.Conversation>
  messages: Table<r.Message>
  workflows: Table<r.Workflow>
  enrolments: Table<r.Enrolment>
  workflowTriggers: Table<r.WorkflowTrigger>
  triggerExecutions: Table<r.TriggerExecution>
  actionRuns: Table<r.ActionRun>
  /** Keyed by company id, or by company id and location id for an installation by one sub-account. */
  installations: Table<r.Installation>
  codes: Table<r.Code>
  grants: Table<r.Grant>
  ids: IdMaker
  contactSearch: SearchIndex<r.Contact>
  opportunitySearch: SearchIndex<r.Opportunity>
}

export const tableNames = [
  'companies', 'locations', 'users', 'contacts', 'fields', 'tags', 'pipelines', 'opportunities', 'notes', 'tasks',
  'conversations', 'messages', 'workflows', 'enrolments', 'workflowTriggers', 'triggerExecutions', 'actionRuns', 'installations', 'codes', 'grants',
] as const

export interface StateOptions {
  seed: string
  clock: Clock
  searchLagMs: () => number
  onChange: () => void
  /** After a token was issued, used or revoked. */
  onGrantChange: () => void
}

/** Key of an installation in the table. */
export function installationKey(installation: Pick<r.Installation, 'companyId' | 'singleLocationId'>): string {
  return installation.singleLocationId === undefined ? installation.companyId : `${installation.companyId}/${installation.singleLocationId}`
}

export function createState(options: StateOptions): State {
  const { onChange } = options
  const contactSearch = createSearchIndex<r.Contact>(options.clock, options.searchLagMs, (contact) => contact.locationId)
  const opportunitySearch = createSearchIndex<r.Opportunity>(options.clock, options.searchLagMs, (card) => card.locationId)
  const byLocation = { location: (record: { locationId: string }) => record.locationId }
  const byContact = { ...byLocation, contact: (record: { locationId: string; contactId: string }) => record.contactId }
  const byId = (record: { id: string }): string => record.id
  return {
    companies: createTable<r.Company>(byId, {}, onChange),
    locations: createTable<r.Location>(byId, { company: (location) => location.companyId }, onChange),
    users: createTable<r.User>(
      byId,
      {
        company: (user) => user.companyId,
        home: (user) => (user.type === 'account' && user.locationIds.length === 1 ? (user.locationIds[0] ?? '') : ''),
      },
      onChange,
    ),
    contacts: createTable<r.Contact>(
      byId,
      {
        ...byLocation,
        email: (contact) => `${contact.locationId}/${contact.email}`,
        formerEmail: (contact) => `${contact.locationId}/${contact.additionalEmails?.[0] ?? ''}`,
        phone: (contact) => `${contact.locationId}/${contact.phone}`,
      },
      (id, contact) => {
        contactSearch.record(id, contact)
        onChange()
      },
    ),
    fields: createTable<r.CustomField>(byId, byLocation, onChange),
    tags: createTable<r.Tag>(byId, { ...byLocation, name: (tag) => `${tag.locationId}/${tag.name}` }, onChange),
    pipelines: createTable<r.Pipeline>(byId, byLocation, onChange),
    opportunities: createTable<r.Opportunity>(
      byId,
      { ...byContact, pipeline: (card) => card.pipelineId },
      (id, card) => {
        opportunitySearch.record(id, card)
        onChange()
      },
    ),
    notes: createTable<r.Note>(byId, byContact, onChange),
    tasks: createTable<r.Task>(byId, byContact, onChange),
    conversations: createTable<r.Conversation>(byId, byContact, onChange),
    messages: createTable<r.Message>(byId, { ...byContact, conversation: (message) => message.conversationId }, onChange),
    workflows: createTable<r.Workflow>(byId, byLocation, onChange),
    enrolments: createTable<r.Enrolment>(byId, byContact, onChange),
    workflowTriggers: createTable<r.WorkflowTrigger>(byId, byLocation, onChange),
    triggerExecutions: createTable<r.TriggerExecution>(byId, { ...byLocation, trigger: (execution) => execution.triggerId }, onChange),
    actionRuns: createTable<r.ActionRun>(byId, byLocation, onChange),
    installations: createTable<r.Installation>(installationKey, { company: (installation) => installation.companyId }, onChange),
    codes: createTable<r.Code>((code) => code.code, {}, onChange),
    grants: createTable<r.Grant>(
      (grant) => grant.id,
      {
        access: (grant) => grant.accessToken,
        refresh: (grant) => grant.refreshToken,
        company: (grant) => grant.companyId,
      },
      () => {
        onChange()
        options.onGrantChange()
      },
    ),
    ids: createIdMaker(options.seed),
    contactSearch,
    opportunitySearch,
  }
}

/** Users a location shows: its own, and agency people who may work in it. */
export function usersOfLocation(state: State, locationId: string): r.User[] {
  const location = state.locations.get(locationId)
  if (location === undefined) return []
  const own = state.users.by('home', locationId).filter((user) => !user.deleted)
  const others = state.users.by('home', '').filter((user) => !user.deleted && user.companyId === location.companyId && user.locationIds.includes(locationId))
  return [...own, ...others]
}

/** The installation through which the app works in a location, if there is one. */
export function installationAt(state: State, locationId: string): r.Installation | undefined {
  const location = state.locations.get(locationId)
  if (location === undefined) return undefined
  return state.installations.by('company', location.companyId).find((installation) => installation.locations[locationId] !== undefined)
}
