/**
 * What the product needs of HighLevel, in its own words. Everything outside this folder speaks these types;
 * the SDK, HTTP shapes and API versions stay behind them.
 */

/** Interactive work (a person waits) goes before webhook-driven work, which goes before bulk work. */
export type Priority = 'interactive' | 'webhook' | 'bulk'

export interface CrmCustomField {
  id: string
  name: string
  fieldKey: string
  dataType: string
  /** Choices of a single- or multiple-option field, in order. */
  options: string[]
}

export interface NewCrmCustomField {
  name: string
  dataType: 'SINGLE_OPTIONS' | 'NUMERICAL' | 'DATE' | 'LARGE_TEXT' | 'TEXT'
  options?: string[]
}

export interface CrmStage {
  id: string
  name: string
  position: number
}

export interface CrmPipeline {
  id: string
  name: string
  stages: CrmStage[]
}

export interface CrmContact {
  id: string
  email: string | null
  firstName: string | null
  lastName: string | null
  name: string | null
  tags: string[]
  dnd: boolean
  /** Do-not-disturb per channel; left out where HighLevel's answer does not say. */
  dndSettings?: Record<string, { status: string | null }>
  customFields: { id: string; value: unknown }[]
  /** By HighLevel's clock; left out where its answer does not say. */
  changedAt?: Date
}

export interface CrmContactInput {
  email?: string
  firstName?: string
  lastName?: string
  phone?: string
  companyName?: string
  source?: string
  customFields?: { id: string; value: string | number }[]
}

export interface CrmOpportunity {
  id: string
  name: string
  contactId: string | null
  pipelineId: string
  stageId: string
  status: string
  /** When it came to its stage, by HighLevel's clock; left out where its answer does not say. */
  movedAt?: Date
  /** When it was made, by HighLevel's clock; left out where its answer does not say. */
  madeAt?: Date
}

export interface CrmMessageInput {
  kind: 'email' | 'sms'
  contactId: string
  subject?: string
  html?: string
  text: string
}

export interface CrmMessage {
  id: string
  direction: 'inbound' | 'outbound'
  /** Plain text or HTML as HighLevel gives it back. */
  body: string
  /** null for messages without one, and where HighLevel's list leaves it out. */
  subject: string | null
  createdAt: Date
}

export interface CrmLocation {
  id: string
  companyId: string | null
  name: string
  email: string | null
  timezone: string | null
}

export interface CrmUser {
  id: string
  name: string
  firstName: string | null
  lastName: string | null
  email: string | null
  phone: string | null
  /** `agency` users work for the agency, `account` users belong to customers. */
  type: 'agency' | 'account'
  role: 'admin' | 'user'
  locationIds: string[]
  deleted: boolean
}

export interface CrmTaskInput {
  title: string
  body: string
  dueAt: Date
  assignedTo?: string
}

/** A workflow that the agency built in HighLevel. A draft takes contacts and does nothing with them. */
export interface CrmWorkflow {
  id: string
  name: string
  published: boolean
}

/** Calls made with a location token. All methods throw the kernel's PermanentError, RetryAfterError or a transient CodedError. */
export interface LocationApi {
  readonly companyId: string
  readonly locationId: string
  listCustomFields(): Promise<CrmCustomField[]>
  createCustomField(input: NewCrmCustomField): Promise<CrmCustomField>
  updateCustomField(fieldId: string, input: NewCrmCustomField): Promise<CrmCustomField>
  listTags(): Promise<{ id: string; name: string }[]>
  createTag(name: string): Promise<void>
  listPipelines(): Promise<CrmPipeline[]>
  /** v3 only. @throws PermanentError `highlevel_scope` where the agency's app may not create pipelines. */
  createPipeline(name: string, stageNames: string[]): Promise<CrmPipeline>
  /** Adds missing stages; keeps every existing stage and its id (read, merge, write: a stage left out would be deleted). */
  addPipelineStages(pipelineId: string, stageNames: string[]): Promise<CrmPipeline>
  /** Exact match by e-mail (lower-cased). */
  findContactByEmail(email: string): Promise<CrmContact | null>
  /** @returns null if there is no such contact any more */
  getContact(contactId: string): Promise<CrmContact | null>
  /** An existing contact with the same e-mail is returned, not duplicated. */
  createContact(input: CrmContactInput): Promise<CrmContact>
  /** One PUT for all fields given; never sends tags. @throws PermanentError `highlevel_not_found` */
  updateContact(contactId: string, input: CrmContactInput): Promise<CrmContact>
  addTags(contactId: string, tags: string[]): Promise<void>
  removeTags(contactId: string, tags: string[]): Promise<void>
  /** Of a contact, in one pipeline or in all of them. */
  findOpportunities(filter: { contactId: string; pipelineId?: string }): Promise<CrmOpportunity[]>
  getOpportunity(opportunityId: string): Promise<CrmOpportunity | null>
  createOpportunity(input: { pipelineId: string; stageId: string; contactId: string; name: string; assignedTo?: string }): Promise<CrmOpportunity>
  /** Sends pipeline and stage together. @throws PermanentError `highlevel_not_found` */
  moveOpportunity(opportunityId: string, to: { pipelineId: string; stageId: string }): Promise<CrmOpportunity>
  sendMessage(input: CrmMessageInput): Promise<{ messageId: string; conversationId: string }>
  /** Newest first, of the contact's conversations, at most `limit`. */
  listMessages(contactId: string, limit: number): Promise<CrmMessage[]>
  createTask(contactId: string, input: CrmTaskInput): Promise<{ id: string }>
  /** Open and completed tasks of the contact, newest first. */
  listTasks(contactId: string): Promise<{ id: string; title: string; body: string; completed: boolean }[]>
  /** Completing a completed task changes nothing. @throws PermanentError `highlevel_not_found` */
  completeTask(contactId: string, taskId: string): Promise<void>
  createNote(contactId: string, body: string): Promise<{ id: string }>
  listNotes(contactId: string): Promise<{ id: string; body: string }[]>
  listWorkflows(): Promise<CrmWorkflow[]>
  /**
   * Not to be repeated: whether a contact is inside, or has passed through, cannot be read anywhere.
   * @throws PermanentError `highlevel_not_found` if there is no such workflow or contact
   */
  addToWorkflow(contactId: string, workflowId: string): Promise<void>
  /** Of a contact that is not inside: changes nothing. */
  removeFromWorkflow(contactId: string, workflowId: string): Promise<void>
  searchUsers(query: { ids?: string[]; skip?: number; limit?: number }): Promise<{ users: CrmUser[]; total: number }>
  getLocation(): Promise<CrmLocation>
}

/** Calls made with a company token. */
export interface CompanyApi {
  readonly companyId: string
  /** Locations that have the app installed, one page. */
  listInstalledLocations(page: { skip: number; limit: number }): Promise<{ locations: { id: string; name: string }[]; total: number }>
  /** All sub-accounts of the agency, one page. */
  searchLocations(page: { skip: number; limit: number }): Promise<{ locations: CrmLocation[] }>
  searchUsers(query: { locationId?: string; ids?: string[]; skip?: number; limit?: number }): Promise<{ users: CrmUser[]; total: number }>
  getCompany(): Promise<{ id: string; name: string; domain: string | null }>
  /** Removes the app from HighLevel (our own "Disconnect"). */
  uninstall(reason: string): Promise<void>
}

/** Tokens as HighLevel grants them. */
export interface TokenGrant {
  accessToken: string
  refreshToken: string | null
  expiresInSeconds: number
  userType: 'Company' | 'Location'
  companyId: string
  locationId: string | null
  userId: string | null
  scopes: string[]
  isBulkInstallation: boolean
  approvedLocationIds: string[]
  installToFutureLocations: boolean
}

/** The one seam to HighLevel. */
export interface HighLevelGateway {
  /** Exchanges an authorization code; once only. Does not store anything. */
  exchangeCode(code: string, redirectUri: string): Promise<TokenGrant>
  /** Stores the tokens of a fresh installation (encrypted); replaces older ones of the same company/location. */
  storeTokens(grant: TokenGrant): Promise<void>
  /** Removes every token of the company, or of one location of it. */
  purgeTokens(companyId: string, locationId?: string): Promise<void>
  location(companyId: string, locationId: string, priority: Priority): LocationApi
  company(companyId: string, priority: Priority): CompanyApi
  /** Refreshes tokens past 75 % of their life; for the token keeper's job. @returns how many were refreshed */
  refreshDueTokens(limit: number): Promise<number>
}
