import type {
  CompanyApi, CrmCustomField, CrmLocation, CrmPipeline, CrmUser, HighLevelGateway, LocationApi, NewCrmCustomField, TokenGrant,
} from '../../src/highlevel/index.ts'
import { PermanentError } from '../../src/kernel/errors.ts'

/** What one sub-account holds. */
export interface FakePlace {
  location: CrmLocation
  fields: CrmCustomField[]
  tags: { id: string; name: string }[]
  pipelines: CrmPipeline[]
}

/** Agencies, their sub-accounts and people, behind the gateway's interface, with counted calls and chosen crashes. */
export interface FakeCompanies {
  gateway: HighLevelGateway
  calls: string[]
  count(name: string): number
  /** Sub-account id → what it holds; its agency is `location.companyId`. */
  places: Map<string, FakePlace>
  installed: Set<string>
  users: { companyId: string; user: CrmUser }[]
  /** Code → what it grants; a code works once. */
  grants: Map<string, TokenGrant>
  /** Companies, or `company:location`, whose tokens are stored. */
  tokens: Set<string>
  /** Called before every call; throw to fail it. */
  before: (name: string, call: number) => void
  /** Called after a call changed something, before its answer arrives; throw to lose the answer. */
  after: (name: string, call: number) => void
  /** How created fields treat their choices. */
  optionsAre: 'kept' | 'dropped' | 'kept_on_update'
  mayCreatePipelines: boolean
  addPlace(companyId: string, locationId: string, name: string): FakePlace
  addUser(companyId: string, user: Partial<CrmUser> & { id: string }): CrmUser
}

export function createFakeCompanies(): FakeCompanies {
  let lastId = 0
  const newId = (kind: string): string => `${kind}${(lastId += 1)}`

  const fake: FakeCompanies = {
    gateway: undefined as unknown as HighLevelGateway,
    calls: [],
    count: (name) => fake.calls.filter((call) => call === name).length,
    places: new Map(),
    installed: new Set(),
    users: [],
    grants: new Map(),
    tokens: new Set(),
    before: () => undefined,
    after: () => undefined,
    optionsAre: 'kept',
    mayCreatePipelines: true,
    addPlace(companyId, locationId, name) {
      const place: FakePlace = { location: { id: locationId, companyId, name, email: `${locationId}@example.com`, timezone: 'Europe/Berlin' }, fields: [], tags: [], pipelines: [] }
      fake.places.set(locationId, place)
      fake.installed.add(locationId)
      return place
    },
    addUser(companyId, given) {
      const user: CrmUser = { name: `User ${given.id}`, firstName: 'User', lastName: given.id, email: `${given.id}@example.com`, phone: null, type: 'account', role: 'user', locationIds: [], deleted: false, ...given }
      fake.users.push({ companyId, user })
      return user
    },
  }

  /** Runs one counted call. */
  function called<T>(name: string, work: () => T): Promise<T> {
    return Promise.resolve().then(() => {
      fake.calls.push(name)
      const call = fake.calls.length
      fake.before(name, call)
      const value = work()
      fake.after(name, call)
      return structuredClone(value)
    })
  }

  function searchUsers(companyId: string, query: { locationId?: string; ids?: string[]; skip?: number; limit?: number }, staffToo: boolean): { users: CrmUser[]; total: number } {
    const fitting = fake.users
      .filter((entry) => entry.companyId === companyId)
      .map((entry) => entry.user)
      .filter((user) => !user.deleted && (staffToo || user.type === 'account'))
      .filter((user) => query.locationId === undefined || user.locationIds.includes(query.locationId))
      .filter((user) => query.ids === undefined || query.ids.includes(user.id))
    const skip = query.skip ?? 0
    return { users: fitting.slice(skip, skip + (query.limit ?? 25)), total: fitting.length }
  }

  const unavailable = (name: string) => (): never => {
    throw new Error(`The fake does not have ${name}`)
  }

  function keptOptions(input: NewCrmCustomField, write: 'create' | 'update'): string[] {
    return fake.optionsAre === 'kept' || (write === 'update' && fake.optionsAre === 'kept_on_update') ? [...(input.options ?? [])] : []
  }

  function place(companyId: string, locationId: string): FakePlace {
    const found = fake.places.get(locationId)
    if (found === undefined || !fake.installed.has(locationId) || (found.location.companyId !== companyId && !fake.tokens.has(`${companyId}:${locationId}`))) {
      throw new PermanentError('highlevel_not_found', 'There is no such location')
    }
    return found
  }

  const missing = {
    findContactByEmail: unavailable('findContactByEmail'), getContact: unavailable('getContact'), createContact: unavailable('createContact'), updateContact: unavailable('updateContact'),
    addTags: unavailable('addTags'), removeTags: unavailable('removeTags'), findOpportunities: unavailable('findOpportunities'), getOpportunity: unavailable('getOpportunity'),
    createOpportunity: unavailable('createOpportunity'), moveOpportunity: unavailable('moveOpportunity'), sendMessage: unavailable('sendMessage'), listMessages: unavailable('listMessages'),
    createTask: unavailable('createTask'), completeTask: unavailable('completeTask'), listTasks: unavailable('listTasks'), createNote: unavailable('createNote'), listNotes: unavailable('listNotes'),
    listWorkflows: unavailable('listWorkflows'), addToWorkflow: unavailable('addToWorkflow'), removeFromWorkflow: unavailable('removeFromWorkflow'),
  }

  function locationApi(companyId: string, locationId: string): LocationApi {
    const here = (): FakePlace => place(companyId, locationId)
    return {
      ...missing,
      companyId,
      locationId,
      listCustomFields: () => called('listCustomFields', () => here().fields),
      createCustomField: (input) => called('createCustomField', () => {
        const slug = input.name.toLowerCase().replaceAll(' ', '_')
        if (here().fields.some((field) => field.name.toLowerCase() === input.name.toLowerCase())) throw new PermanentError('highlevel_invalid', 'The name is taken')
        const field: CrmCustomField = { id: newId('field'), name: input.name, fieldKey: `contact.${slug}`, dataType: input.dataType, options: keptOptions(input, 'create') }
        here().fields.push(field)
        return field
      }),
      updateCustomField: (fieldId, input) => called('updateCustomField', () => {
        const field = here().fields.find((candidate) => candidate.id === fieldId)
        if (field === undefined) throw new PermanentError('highlevel_not_found', 'There is no such field')
        field.name = input.name
        if (input.options !== undefined) field.options = keptOptions(input, 'update')
        return field
      }),
      listTags: () => called('listTags', () => here().tags),
      createTag: (name) => called('createTag', () => void here().tags.push({ id: newId('tag'), name: name.toLowerCase() })),
      listPipelines: () => called('listPipelines', () => here().pipelines),
      createPipeline: (name, stageNames) => called('createPipeline', () => {
        if (!fake.mayCreatePipelines) throw new PermanentError('highlevel_scope', 'Pipelines may not be created')
        const pipeline: CrmPipeline = { id: newId('pipeline'), name, stages: stageNames.map((stage, position) => ({ id: newId('stage'), name: stage, position })) }
        here().pipelines.push(pipeline)
        return pipeline
      }),
      addPipelineStages: (pipelineId, stageNames) => called('addPipelineStages', () => {
        if (!fake.mayCreatePipelines) throw new PermanentError('highlevel_scope', 'Pipelines may not be changed')
        const pipeline = here().pipelines.find((candidate) => candidate.id === pipelineId)
        if (pipeline === undefined) throw new PermanentError('highlevel_not_found', 'There is no such pipeline')
        for (const name of stageNames) pipeline.stages.push({ id: newId('stage'), name, position: pipeline.stages.length })
        return pipeline
      }),
      searchUsers: (query) => called('location.searchUsers', () => searchUsers(here().location.companyId ?? companyId, { ...query, locationId }, false)),
      getLocation: () => called('getLocation', () => here().location),
    }
  }

  function companyApi(companyId: string): CompanyApi {
    const mine = (): CrmLocation[] => [...fake.places.values()].map((entry) => entry.location).filter((location) => location.companyId === companyId)
    return {
      companyId,
      listInstalledLocations: ({ skip, limit }) => called('listInstalledLocations', () => {
        const all = mine().filter((location) => fake.installed.has(location.id))
        return { locations: all.slice(skip, skip + limit).map(({ id, name }) => ({ id, name })), total: all.length }
      }),
      searchLocations: ({ skip, limit }) => called('searchLocations', () => ({ locations: mine().slice(skip, skip + limit) })),
      searchUsers: (query) => called('company.searchUsers', () => searchUsers(companyId, query, true)),
      getCompany: () => called('getCompany', () => ({ id: companyId, name: `Agency ${companyId}`, domain: `${companyId}.example.com` })),
      uninstall: () => called('uninstall', () => undefined),
    }
  }

  fake.gateway = {
    exchangeCode: (code) => called('exchangeCode', () => {
      const grant = fake.grants.get(code)
      if (grant === undefined) throw new PermanentError('highlevel_code', 'Authorization code not found')
      fake.grants.delete(code)
      return grant
    }),
    storeTokens: (grant) => called('storeTokens', () => void fake.tokens.add(grant.locationId === null ? grant.companyId : `${grant.companyId}:${grant.locationId}`)),
    purgeTokens: (companyId, locationId) => called('purgeTokens', () => {
      for (const token of [...fake.tokens]) {
        if (locationId === undefined ? token === companyId || token.startsWith(`${companyId}:`) : token === `${companyId}:${locationId}`) fake.tokens.delete(token)
      }
    }),
    location: (companyId, locationId) => locationApi(companyId, locationId),
    company: (companyId) => companyApi(companyId),
    refreshDueTokens: () => Promise.resolve(0),
  }
  return fake
}

/** A grant as HighLevel gives it for an agency, or for one sub-account. */
export function fakeGrant(companyId: string, locationId: string | null = null): TokenGrant {
  return {
    accessToken: 'access', refreshToken: 'refresh', expiresInSeconds: 86_399, userType: locationId === null ? 'Company' : 'Location', companyId, locationId, userId: 'installer',
    scopes: [], isBulkInstallation: locationId === null, approvedLocationIds: [], installToFutureLocations: true,
  }
}
