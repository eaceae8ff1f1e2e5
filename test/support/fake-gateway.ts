import type {
  CompanyApi, CrmContact, CrmContactInput, CrmCustomField, CrmMessage, CrmOpportunity, CrmPipeline, HighLevelGateway, LocationApi,
} from '../../src/highlevel/index.ts'
import { PermanentError } from '../../src/kernel/errors.ts'
import type { Clock } from '../../src/kernel/clock.ts'

type CallName = keyof LocationApi

/** What the next call of a name does instead of succeeding. */
export type Fault =
  /** Throws before anything changes. */
  | { when: 'before'; error: Error }
  /** Changes everything, then throws: the answer is lost. */
  | { when: 'after'; error: Error }
  /** Changes everything and never answers: the caller's process dies here. */
  | { when: 'after'; hang: true }

/** A HighLevel in memory, behind the gateway's interface: contacts, cards, messages, with counted calls and chosen faults. */
export interface FakeGateway {
  gateway: HighLevelGateway
  /** Calls so far, in order, as `name`. */
  calls: { name: CallName; at: Date; args: unknown[] }[]
  /** How often a call was made; all calls without a name. */
  count(name?: CallName): number
  forgetCalls(): void
  /** Lets the next call of that name fail; several faults queue up. */
  failNext(name: CallName, fault: Fault): void
  contacts: Map<string, CrmContact>
  /** The contact after each change by a call: what HighLevel would send as webhooks. */
  snapshots: { contact: CrmContact; at: Date }[]
  opportunities: Map<string, CrmOpportunity>
  /** What the success location has, by name. */
  customFields: CrmCustomField[]
  pipelines: CrmPipeline[]
  messages: (CrmMessage & { contactId: string })[]
  tasks: { id: string; contactId: string; title: string; body: string; completed: boolean }[]
  notes: { id: string; contactId: string; body: string }[]
  /** Every entry of a contact into a workflow. */
  enrolments: { contactId: string; workflowId: string }[]
  /** Searches do not show what was made less than this ago. */
  searchLagMs: number
  /** Puts a contact there as a person would; returns it. */
  addContact(contact: Partial<CrmContact> & { email: string }): CrmContact
}

export function createFakeGateway(clock: Clock): FakeGateway {
  const calls: FakeGateway['calls'] = []
  const faults = new Map<CallName, Fault[]>()
  const contacts = new Map<string, CrmContact>()
  const opportunities = new Map<string, CrmOpportunity>()
  const messages: FakeGateway['messages'] = []
  const tasks: FakeGateway['tasks'] = []
  const notes: FakeGateway['notes'] = []
  const enrolments: FakeGateway['enrolments'] = []
  const madeAt = new Map<string, number>()
  let lastNumber = 0

  const fake: FakeGateway = {
    gateway: undefined as unknown as HighLevelGateway,
    calls,
    count: (name) => calls.filter((call) => name === undefined || call.name === name).length,
    forgetCalls: () => void calls.splice(0),
    failNext: (name, fault) => void faults.set(name, [...(faults.get(name) ?? []), fault]),
    contacts,
    snapshots: [],
    opportunities,
    customFields: [],
    pipelines: [],
    messages,
    tasks,
    notes,
    enrolments,
    searchLagMs: 0,
    addContact(contact) {
      const made = { firstName: null, lastName: null, name: null, tags: [], dnd: false, customFields: [], ...contact, id: contact.id ?? newId('contact') }
      contacts.set(made.id, made)
      return made
    },
  }

  function newId(kind: string): string {
    lastNumber += 1
    const id = `${kind}${lastNumber}`
    madeAt.set(id, clock.nowMs())
    return id
  }
  const searchable = (id: string): boolean => clock.nowMs() - (madeAt.get(id) ?? Number.NEGATIVE_INFINITY) >= fake.searchLagMs
  const missing = (what: string): PermanentError => new PermanentError('highlevel_not_found', `There is no such ${what}.`)

  /** Counts the call, obeys a chosen fault, else does it. */
  async function call<R>(name: CallName, args: unknown[], effect: () => R): Promise<R> {
    calls.push({ name, at: clock.now(), args })
    await new Promise((resolve) => setImmediate(resolve))
    const [fault, ...rest] = faults.get(name) ?? []
    if (fault === undefined) return structuredClone(effect())
    faults.set(name, rest)
    if (fault.when === 'after') effect()
    if ('hang' in fault) return new Promise<never>(() => undefined)
    throw fault.error
  }

  function contactOf(id: string): CrmContact {
    const contact = contacts.get(id)
    if (contact === undefined) throw missing('contact')
    return contact
  }

  function changed(contact: CrmContact): CrmContact {
    fake.snapshots.push({ contact: structuredClone(contact), at: clock.now() })
    return contact
  }

  function apply(contact: CrmContact, input: CrmContactInput): CrmContact {
    for (const { id, value } of input.customFields ?? []) {
      contact.customFields = [...contact.customFields.filter((field) => field.id !== id), ...(value === '' ? [] : [{ id, value }])]
    }
    return contact
  }

  function location(companyId: string, locationId: string): LocationApi {
    const refuse = (name: CallName) => () => call(name, [], (): never => {
      throw new PermanentError('highlevel_unsupported', `The double does not know ${name}.`)
    })
    return {
      companyId,
      locationId,
      listCustomFields: () => call('listCustomFields', [], () => fake.customFields),
      createCustomField: refuse('createCustomField'),
      updateCustomField: refuse('updateCustomField'),
      listTags: refuse('listTags'),
      createTag: refuse('createTag'),
      listPipelines: () => call('listPipelines', [], () => fake.pipelines),
      listWorkflows: refuse('listWorkflows'),
      addToWorkflow: (contactId, workflowId) => call('addToWorkflow', [contactId, workflowId], () => void enrolments.push({ contactId: contactOf(contactId).id, workflowId })),
      removeFromWorkflow: (contactId, workflowId) =>
        call('removeFromWorkflow', [contactId, workflowId], () => {
          const inside = enrolments.findIndex((one) => one.contactId === contactOf(contactId).id && one.workflowId === workflowId)
          if (inside >= 0) enrolments.splice(inside, 1)
        }),
      createPipeline: refuse('createPipeline'),
      addPipelineStages: refuse('addPipelineStages'),
      searchUsers: refuse('searchUsers'),
      getLocation: refuse('getLocation'),
      findContactByEmail: (email) => call('findContactByEmail', [email], () => [...contacts.values()].find((contact) => contact.email === email && searchable(contact.id)) ?? null),
      getContact: (id) => call('getContact', [id], () => contacts.get(id) ?? null),
      createContact: (input) =>
        call('createContact', [input], () => {
          const existing = [...contacts.values()].find((contact) => contact.email !== null && contact.email === input.email)
          return existing ?? apply(fake.addContact({ email: input.email ?? '', firstName: input.firstName ?? null, lastName: input.lastName ?? null }), input)
        }),
      updateContact: (id, input) => call('updateContact', [id, input], () => changed(apply(contactOf(id), input))),
      addTags: (id, tags) =>
        call('addTags', [id, tags], () => {
          const contact = contactOf(id)
          contact.tags = [...new Set([...contact.tags, ...tags.map((tag) => tag.toLowerCase())])]
          changed(contact)
        }),
      removeTags: (id, tags) =>
        call('removeTags', [id, tags], () => {
          const contact = contactOf(id)
          contact.tags = contact.tags.filter((tag) => !tags.includes(tag))
          changed(contact)
        }),
      findOpportunities: ({ pipelineId, contactId }) =>
        call('findOpportunities', [pipelineId ?? null, contactId], () =>
          [...opportunities.values()].filter((card) => (pipelineId === undefined || card.pipelineId === pipelineId) && card.contactId === contactId && searchable(card.id)),
        ),
      getOpportunity: (id) => call('getOpportunity', [id], () => opportunities.get(id) ?? null),
      createOpportunity: (input) =>
        call('createOpportunity', [input], () => {
          const { name, contactId, pipelineId, stageId } = input
          const card = { id: newId('card'), name, contactId, pipelineId, stageId, status: 'open', madeAt: clock.now() }
          opportunities.set(card.id, card)
          return card
        }),
      moveOpportunity: (id, to) =>
        call('moveOpportunity', [id, to], () => {
          const card = opportunities.get(id)
          if (card === undefined) throw missing('opportunity')
          return Object.assign(card, to)
        }),
      sendMessage: (input) =>
        call('sendMessage', [input], () => {
          const id = newId('message')
          messages.unshift({ id, contactId: input.contactId, direction: 'outbound', subject: input.subject ?? null, body: input.html ?? input.text, createdAt: clock.now() })
          return { messageId: id, conversationId: `conversation-${input.contactId}` }
        }),
      listMessages: (contactId, limit) => call('listMessages', [contactId], () => messages.filter((message) => message.contactId === contactId).slice(0, limit)),
      createTask: (contactId, { title, body }) =>
        call('createTask', [contactId, title], () => {
          const task = { id: newId('task'), contactId, title, body, completed: false }
          tasks.unshift(task)
          return { id: task.id }
        }),
      listTasks: (contactId) => call('listTasks', [contactId], () => tasks.filter((task) => task.contactId === contactId)),
      completeTask: (contactId, taskId) =>
        call('completeTask', [contactId, taskId], () => {
          const task = tasks.find((one) => one.id === taskId && one.contactId === contactId)
          if (task === undefined) throw missing('task')
          task.completed = true
        }),
      createNote: (contactId, body) =>
        call('createNote', [contactId], () => {
          const note = { id: newId('note'), contactId, body }
          notes.unshift(note)
          return { id: note.id }
        }),
      listNotes: (contactId) => call('listNotes', [contactId], () => notes.filter((note) => note.contactId === contactId)),
    }
  }

  const refused = (): Promise<never> => Promise.reject(new PermanentError('highlevel_unsupported', 'The double only knows locations.'))
  fake.gateway = {
    location,
    company: (companyId): CompanyApi => ({
      companyId, listInstalledLocations: refused, searchLocations: refused, searchUsers: refused, getCompany: refused, uninstall: refused,
    }),
    exchangeCode: refused,
    storeTokens: refused,
    purgeTokens: refused,
    refreshDueTokens: () => Promise.resolve(0),
  }
  return fake
}
