/** One HighLevel operation: everything about a call that is not its data. */
export interface Endpoint {
  /** Name for metrics and errors. */
  name: string
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Path template with `{name}` parameters; trailing slashes matter to HighLevel. */
  path: string
  /** Value of the `Version` header; null where the operation has none. */
  version: '2021-07-28' | '2021-04-15' | 'v3' | null
  /** Scope that the app needs for it. */
  scope: string | null
  /** True if the same call twice has the effect of one: only these are ever repeated inside the gateway. */
  idempotent: boolean
}

function endpoint(name: string, method: Endpoint['method'], path: string, scope: string | null, options: { version?: Endpoint['version']; idempotent?: boolean } = {}): Endpoint {
  const { version = '2021-07-28', idempotent = method !== 'POST' } = options
  return { name, method, path, version, scope, idempotent }
}

const conversations = { version: '2021-04-15' } as const
const read = { idempotent: true } as const

/** The only list of HighLevel operations that the product uses. Never mix versions and paths: v3 renames both. */
export const endpoints = {
  token: endpoint('token', 'POST', '/oauth/token', null, { version: null }),
  // Minting twice is harmless: the older token stays valid.
  locationToken: endpoint('locationToken', 'POST', '/oauth/locationToken', 'oauth.write', read),
  installedLocations: endpoint('installedLocations', 'GET', '/oauth/installedLocations', 'oauth.readonly'),
  uninstall: endpoint('uninstall', 'DELETE', '/marketplace/app/{appId}/installations', 'oauth.write'),

  listCustomFields: endpoint('listCustomFields', 'GET', '/locations/{locationId}/customFields', 'locations/customFields.readonly'),
  createCustomField: endpoint('createCustomField', 'POST', '/locations/{locationId}/customFields', 'locations/customFields.write'),
  updateCustomField: endpoint('updateCustomField', 'PUT', '/locations/{locationId}/customFields/{id}', 'locations/customFields.write'),
  listTags: endpoint('listTags', 'GET', '/locations/{locationId}/tags', 'locations/tags.readonly'),
  createTag: endpoint('createTag', 'POST', '/locations/{locationId}/tags', 'locations/tags.write'),
  getLocation: endpoint('getLocation', 'GET', '/locations/{locationId}', 'locations.readonly'),
  searchLocations: endpoint('searchLocations', 'GET', '/locations/search', 'locations.readonly'),

  listPipelines: endpoint('listPipelines', 'GET', '/opportunities/pipelines', 'opportunities.readonly'),
  createPipeline: endpoint('createPipeline', 'POST', '/opportunities/pipelines', 'pipelines.create', { version: 'v3' }),
  getPipeline: endpoint('getPipeline', 'GET', '/opportunities/pipelines/{id}', 'opportunities.readonly', { version: 'v3' }),
  updatePipeline: endpoint('updatePipeline', 'PUT', '/opportunities/pipelines/{id}', 'pipelines.create', { version: 'v3' }),

  findDuplicateContact: endpoint('findDuplicateContact', 'GET', '/contacts/search/duplicate', 'contacts.readonly'),
  getContact: endpoint('getContact', 'GET', '/contacts/{contactId}', 'contacts.readonly'),
  createContact: endpoint('createContact', 'POST', '/contacts/', 'contacts.write'),
  updateContact: endpoint('updateContact', 'PUT', '/contacts/{contactId}', 'contacts.write'),
  // Adding a tag that is there, or removing one that is not, changes nothing.
  addTags: endpoint('addTags', 'POST', '/contacts/{contactId}/tags', 'contacts.write', { idempotent: true }),
  removeTags: endpoint('removeTags', 'DELETE', '/contacts/{contactId}/tags', 'contacts.write'),
  createTask: endpoint('createTask', 'POST', '/contacts/{contactId}/tasks', 'contacts.write'),
  listTasks: endpoint('listTasks', 'GET', '/contacts/{contactId}/tasks', 'contacts.readonly'),
  completeTask: endpoint('completeTask', 'PUT', '/contacts/{contactId}/tasks/{taskId}/completed', 'contacts.write'),
  createNote: endpoint('createNote', 'POST', '/contacts/{contactId}/notes', 'contacts.write'),
  // Adding a contact twice can put it through the workflow twice; removing it twice changes nothing.
  addToWorkflow: endpoint('addToWorkflow', 'POST', '/contacts/{contactId}/workflow/{workflowId}', 'contacts.write'),
  removeFromWorkflow: endpoint('removeFromWorkflow', 'DELETE', '/contacts/{contactId}/workflow/{workflowId}', 'contacts.write'),
  listWorkflows: endpoint('listWorkflows', 'GET', '/workflows/', 'workflows.readonly'),
  listNotes: endpoint('listNotes', 'GET', '/contacts/{contactId}/notes', 'contacts.readonly'),

  searchOpportunities: endpoint('searchOpportunities', 'GET', '/opportunities/search', 'opportunities.readonly'),
  getOpportunity: endpoint('getOpportunity', 'GET', '/opportunities/{id}', 'opportunities.readonly'),
  createOpportunity: endpoint('createOpportunity', 'POST', '/opportunities/', 'opportunities.write'),
  updateOpportunity: endpoint('updateOpportunity', 'PUT', '/opportunities/{id}', 'opportunities.write'),

  searchConversations: endpoint('searchConversations', 'GET', '/conversations/search', 'conversations.readonly', conversations),
  listMessages: endpoint('listMessages', 'GET', '/conversations/{conversationId}/messages', 'conversations/message.readonly', conversations),
  getEmail: endpoint('getEmail', 'GET', '/conversations/messages/email/{id}', 'conversations/message.readonly', conversations),
  sendMessage: endpoint('sendMessage', 'POST', '/conversations/messages', 'conversations/message.write', conversations),

  searchUsers: endpoint('searchUsers', 'GET', '/users/search', 'users.readonly'),
  getCompany: endpoint('getCompany', 'GET', '/companies/{companyId}', 'companies.readonly'),
} as const satisfies Record<string, Endpoint>
