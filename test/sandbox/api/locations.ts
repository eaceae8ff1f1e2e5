import { z } from 'zod'
import type { GetCompanyByIdSuccessfulResponseDto } from '@gohighlevel/api-client/dist/lib/code/companies/models/companies.js'
import type {
  CustomFieldSchema, CustomFieldSuccessfulResponseDto, CustomFieldsListSuccessfulResponseDto, GetLocationByIdSuccessfulResponseDto, LocationTagsSuccessfulResponseDto,
  SearchSuccessfulResponseDto,
} from '@gohighlevel/api-client/dist/lib/code/locations/models/locations.js'
import { badRequest, missing } from './api-error.ts'
import { countParam, created, endpoint, namedTenant, ok, toCount, type Endpoint } from './endpoint.ts'
import { createField, deleteField, updateField } from '../domain/fields.ts'
import { tagsOf } from '../domain/contacts.ts'
import type { CustomField, Location } from '../state/records.ts'
import type { World } from '../world.ts'

function settingsOf(location: Location) {
  return {
    allowDuplicateContact: location.allowDuplicateContact, allowDuplicateOpportunity: location.allowDuplicateOpportunity, allowFacebookNameMerge: false,
    disableContactTimezone: false,
  }
}

function addressOf(location: Location) {
  return {
    name: location.name, address: location.address, city: location.city, state: location.state, country: location.country, postalCode: location.postalCode,
    website: location.website, timezone: location.timezone,
  }
}

function wireField(field: CustomField): CustomFieldSchema {
  return {
    id: field.id, name: field.name, fieldKey: field.fieldKey, placeholder: field.placeholder, dataType: field.dataType, position: field.position,
    picklistOptions: field.picklistOptions, picklistImageOptions: [], isAllowedCustomOption: false, isMultiFileAllowed: false, maxFileLimit: 1,
    locationId: field.locationId, model: field.model,
  }
}

const fieldBody = {
  name: z.string().min(1, 'should not be empty'),
  placeholder: z.string().optional(),
  acceptedFormat: z.array(z.string()).optional(),
  isMultipleFile: z.boolean().optional(),
  maxNumberOfFiles: z.number().optional(),
  textBoxListOptions: z.array(z.unknown()).optional(),
  position: z.number().optional(),
  model: z.enum(['contact', 'opportunity']).optional(),
  // Not in the official file, yet what working clients send and read back.
  options: z.array(z.string()).optional(),
}

export function locationEndpoints(world: World): Endpoint[] {
  const { state } = world

  function fieldAt(locationId: string, idOrKey: string): CustomField {
    const field = state.fields.by('location', locationId).find((candidate) => candidate.id === idOrKey || candidate.fieldKey === idOrKey)
    if (field === undefined) throw missing(`Custom field with id ${idOrKey} not found`, 400)
    return field
  }
  const one = (field: CustomField): CustomFieldSuccessfulResponseDto => ({ customField: wireField(field) })

  return [
    endpoint({
      method: 'GET', path: '/locations/search', access: 'both', scope: 'locations.readonly',
      query: z.strictObject({ companyId: z.string().optional(), skip: countParam, limit: countParam, order: z.enum(['asc', 'desc']).optional(), email: z.string().optional() }),
      handle({ query, grant }) {
        const all = grant.locationId === undefined
          ? state.locations.by('company', grant.companyId)
          : state.locations.by('company', grant.companyId).filter((location) => location.id === grant.locationId)
        const matching = all.filter((location) => query.email === undefined || location.email === query.email)
        if (query.order === 'desc') matching.reverse()
        const skip = toCount(query.skip, 0, Infinity)
        const answer: SearchSuccessfulResponseDto = {
          locations: matching.slice(skip, skip + toCount(query.limit, 10, 1_000)).map((location) => ({
            id: location.id, email: location.email, phone: location.phone, ...addressOf(location), settings: settingsOf(location), social: {},
          })),
        }
        return ok(answer)
      },
    }),
    endpoint({
      method: 'GET', path: '/locations/{locationId}', access: 'both', scope: 'locations.readonly',
      handle({ params }) {
        const location = state.locations.get(params['locationId'] ?? '')
        if (location === undefined) throw badRequest('Location not found')
        const business = { ...addressOf(location), logoUrl: '' }
        const answer: GetLocationByIdSuccessfulResponseDto = {
          location: {
            id: location.id, companyId: location.companyId, email: location.email, phone: location.phone, domain: '', logoUrl: '', firstName: '', lastName: '',
            ...addressOf(location), business, social: {}, settings: settingsOf(location), reseller: {},
          },
        }
        return ok(answer)
      },
    }),
    endpoint({
      method: 'GET', path: '/companies/{companyId}', access: 'company', scope: 'companies.readonly',
      handle({ params }) {
        const company = state.companies.get(params['companyId'] ?? '')
        if (company === undefined) throw badRequest('Company not found')
        const answer: GetCompanyByIdSuccessfulResponseDto = {
          company: {
            id: company.id, name: company.name, email: company.email, domain: company.whitelabelDomain ?? company.domain, timezone: company.timezone, currency: 'USD',
            status: 'active', plan: 3, locationCount: state.locations.by('company', company.id).length,
          },
        }
        return ok(answer)
      },
    }),
    endpoint({
      method: 'GET', path: '/locations/{locationId}/customFields', scope: 'locations/customFields.readonly',
      query: z.strictObject({ model: z.enum(['contact', 'opportunity', 'all']).optional() }),
      handle({ params, query }) {
        const model = query.model ?? 'contact'
        const answer: CustomFieldsListSuccessfulResponseDto = {
          customFields: state.fields.by('location', params['locationId'] ?? '').filter((field) => model === 'all' || field.model === model).map(wireField),
        }
        return ok(answer)
      },
    }),
    endpoint({
      method: 'POST', path: '/locations/{locationId}/customFields', scope: 'locations/customFields.write',
      body: z.strictObject({ ...fieldBody, dataType: z.string() }),
      handle: ({ params, body }) => created(one(createField(world, params['locationId'] ?? '', body))),
    }),
    endpoint({
      method: 'GET', path: '/locations/{locationId}/customFields/{id}', scope: 'locations/customFields.readonly',
      handle: ({ params }) => ok(one(fieldAt(params['locationId'] ?? '', params['id'] ?? ''))),
    }),
    endpoint({
      method: 'PUT', path: '/locations/{locationId}/customFields/{id}', scope: 'locations/customFields.write', body: z.strictObject(fieldBody),
      handle: ({ params, body }) => ok(one(updateField(world, fieldAt(params['locationId'] ?? '', params['id'] ?? '').id, body))),
    }),
    endpoint({
      method: 'DELETE', path: '/locations/{locationId}/customFields/{id}', scope: 'locations/customFields.write',
      handle({ params }) {
        deleteField(world, fieldAt(params['locationId'] ?? '', params['id'] ?? '').id)
        return ok({ succeded: true })
      },
    }),
    endpoint({
      method: 'GET', path: '/locations/{locationId}/tags', scope: 'locations/tags.readonly',
      handle({ params }) {
        const answer: LocationTagsSuccessfulResponseDto = { tags: state.tags.by('location', params['locationId'] ?? '') }
        return ok(answer)
      },
    }),
    endpoint({
      method: 'POST', path: '/locations/{locationId}/tags', scope: 'locations/tags.write', body: z.strictObject({ name: z.string().min(1, 'should not be empty') }),
      handle({ params, body }) {
        const locationId = params['locationId'] ?? ''
        const [name = ''] = tagsOf([body.name])
        if (state.tags.by('name', `${locationId}/${name}`).length > 0) throw badRequest('The tag name is already exist.')
        return ok({ tag: state.tags.put({ id: state.ids.id20('tag'), locationId, name }) })
      },
    }),
    endpoint({
      method: 'POST', path: '/locations/{locationId}/tasks/search', scope: 'locations/tasks.readonly', tenant: namedTenant,
      body: z.strictObject({
        contactId: z.array(z.string()).optional(), completed: z.boolean().optional(), assignedTo: z.array(z.string()).optional(), query: z.string().optional(),
        limit: z.number().optional(), skip: z.number().optional(), businessId: z.string().optional(),
      }),
      handle({ params, body }) {
        const tasks = state.tasks.by('location', params['locationId'] ?? '').filter((task) =>
          (body.contactId === undefined || body.contactId.includes(task.contactId))
          && (body.completed === undefined || body.completed === task.completed)
          && (body.assignedTo === undefined || body.assignedTo.includes(task.assignedTo))
          && (body.query === undefined || task.title.toLowerCase().includes(body.query.toLowerCase())))
        const skip = body.skip ?? 0
        return ok({
          tasks: tasks.slice(skip, skip + (body.limit ?? 25)).map((task) => ({
            _id: task.id, id: task.id, title: task.title, body: task.body, assignedTo: task.assignedTo, dueDate: task.dueDate, completed: task.completed,
            contactId: task.contactId, locationId: task.locationId, dateAdded: task.dateAdded,
          })),
        })
      },
    }),
  ]
}
