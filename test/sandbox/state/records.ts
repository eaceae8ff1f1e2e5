/** What the sandbox remembers. Dates are ISO strings, as they travel on the wire. */

export interface Company {
  id: string
  name: string
  email: string
  domain: string
  /** White-label address of the agency, if it has one. */
  whitelabelDomain?: string
  timezone: string
}

export interface Location {
  id: string
  companyId: string
  name: string
  email: string
  phone: string
  address: string
  city: string
  state: string
  country: string
  postalCode: string
  website: string
  timezone: string
  /** False: suspended; API calls answer 400 while its webhooks still flow. */
  active: boolean
  allowDuplicateContact: boolean
  allowDuplicateOpportunity: boolean
  dateAdded: string
}

export interface User {
  id: string
  companyId: string
  firstName: string
  lastName: string
  email: string
  phone: string
  /** `account`: a user of sub-accounts; `agency`: one of the agency's own people. */
  type: 'account' | 'agency'
  role: 'admin' | 'user'
  locationIds: string[]
  isAgencyOwner: boolean
  deleted: boolean
}

/** A custom field's value as people and apps write it. */
export type FieldValue = string | number | string[] | Record<string, unknown>

export interface CustomFieldValue {
  id: string
  value: FieldValue
}

export interface Contact {
  id: string
  locationId: string
  firstName: string
  lastName: string
  email: string
  /** Addresses taken over from contacts that were merged into this one. */
  additionalEmails?: string[]
  phone: string
  companyName: string
  address1: string
  city: string
  state: string
  country: string
  postalCode: string
  website: string
  timezone: string
  source: string
  type: string
  assignedTo: string
  dateOfBirth: string
  dnd: boolean
  dndSettings: Record<string, { status: string; message?: string; code?: string }>
  tags: string[]
  customFields: CustomFieldValue[]
  dateAdded: string
  dateUpdated: string
  lastActivity: string
}

export interface CustomField {
  id: string
  locationId: string
  model: 'contact' | 'opportunity'
  name: string
  fieldKey: string
  dataType: string
  placeholder: string
  position: number
  picklistOptions: string[]
}

export interface Tag {
  id: string
  locationId: string
  name: string
}

export interface Stage {
  id: string
  name: string
  position: number
  showInFunnel: boolean
  showInPieChart: boolean
}

export interface Pipeline {
  id: string
  locationId: string
  name: string
  stages: Stage[]
  showInFunnel: boolean
  showInPieChart: boolean
  colorRenderMode: 'dot' | 'bg-tint' | 'none'
  position: string
  dateAdded: string
  dateUpdated: string
}

export type OpportunityStatus = 'open' | 'won' | 'lost' | 'abandoned'

export interface Opportunity {
  id: string
  locationId: string
  pipelineId: string
  pipelineStageId: string
  contactId: string
  name: string
  status: OpportunityStatus
  monetaryValue: number
  assignedTo: string
  source: string
  customFields: CustomFieldValue[]
  createdAt: string
  updatedAt: string
  lastStatusChangeAt: string
  lastStageChangeAt: string
}

export interface Note {
  id: string
  locationId: string
  contactId: string
  body: string
  userId: string
  title: string
  dateAdded: string
}

export interface Task {
  id: string
  locationId: string
  contactId: string
  title: string
  body: string
  assignedTo: string
  dueDate: string
  completed: boolean
  dateAdded: string
}

export interface Conversation {
  id: string
  locationId: string
  contactId: string
  unreadCount: number
  lastMessageId: string
  dateUpdated: string
}

export interface Message {
  id: string
  locationId: string
  conversationId: string
  contactId: string
  channel: 'SMS' | 'Email' | 'Other'
  direction: 'inbound' | 'outbound'
  status: string
  body: string
  subject: string
  /** Addresses, for e-mail. */
  from: string
  to: string
  source: 'api' | 'app' | 'workflow'
  userId: string
  dateAdded: string
}

export interface Workflow {
  id: string
  locationId: string
  name: string
  status: 'draft' | 'published'
  version: number
  createdAt: string
  updatedAt: string
  /** It has no waits and lets contacts enter again: every call that adds a contact puts it through once more. */
  endsAtOnce?: boolean
}

/** A contact that was put into one of the CRM's own workflows. */
export interface Enrolment {
  id: string
  locationId: string
  workflowId: string
  contactId: string
  at: string
  /** When the contact had passed through; left out while it is inside. */
  leftAt?: string
}

/** A filter of the app's trigger, as it is sent to the app. */
export interface TriggerFilter {
  field: string
  id: string
  operator: string
  title: string
  type: string
  value: string | string[]
}

/** One of the app's own triggers in a workflow. */
export interface WorkflowTrigger {
  id: string
  locationId: string
  workflowId: string
  key: string
  version: string
  filters: TriggerFilter[]
  createdAt: string
  /** HTTP status of the app's answer to the newest event about it; 0 for none. */
  told: number
  /** What the app said. */
  answer: string
}

/** A workflow that the app started by one of its triggers. */
export interface TriggerExecution {
  id: string
  locationId: string
  workflowId: string
  triggerId: string
  key: string
  /** The contact that the payload bound; '' for a run without one. */
  contactId: string
  payload: Record<string, unknown>
  at: string
}

/** One of the app's actions that a workflow carried out. */
export interface ActionRun {
  id: string
  locationId: string
  workflowId: string
  contactId: string
  key: string
  data: Record<string, unknown>
  status: number
  answer: unknown
  at: string
}

export interface Installation {
  companyId: string
  /** Set for an installation by one sub-account. */
  singleLocationId?: string
  userId: string
  planId: string
  /** Location id → when the app was installed there. */
  locations: Record<string, string>
  approveAllLocations: boolean
  installToFutureLocations: boolean
  installedAt: string
}

export interface Code {
  code: string
  companyId: string
  locationId?: string
  scopes: string[]
  used: boolean
  expiresAtMs: number
}

/** One grant: an access token and the single-use refresh token issued with it. */
export interface Grant {
  id: string
  accessToken: string
  refreshToken: string
  refreshTokenId: string
  userType: 'Company' | 'Location'
  companyId: string
  locationId?: string
  userId: string
  scopes: string[]
  expiresAtMs: number
  refreshUsed: boolean
  /** Set by an uninstall or by a test: every call answers 401. */
  revoked: boolean
}
