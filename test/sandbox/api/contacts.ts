import { z } from 'zod'
import type {
  ContactsByIdSuccessfulResponseDto, CreateAddTagSuccessfulResponseDto, CreateDeleteTagSuccessfulResponseDto, DeleteContactsSuccessfulResponseDto, GetContectByIdSchema,
} from '@gohighlevel/api-client/dist/lib/code/contacts/models/contacts.js'
import { badRequest } from './api-error.ts'
import { created, endpoint, namedTenant, ok, type Endpoint, type RawCall, type Tenant } from './endpoint.ts'
import { changeTags, createContact, deleteContact, duplicateOf, getContact, nameOf, updateContact } from '../domain/contacts.ts'
import type { Contact, CustomFieldValue } from '../state/records.ts'
import type { World } from '../world.ts'

const text = z.string().nullish()
const fieldInput = z.strictObject({ id: z.string().optional(), key: z.string().optional(), field_value: z.unknown().optional() })
const dndSettings = z.record(z.string(), z.strictObject({ status: z.enum(['active', 'inactive', 'permanent']), message: z.string().optional(), code: z.string().optional() }))

const writable = {
  firstName: text, lastName: text, name: text, email: z.email({ error: 'must be an email' }).or(z.literal('')).nullish(), phone: text, address1: text, city: text, state: text, postalCode: text,
  website: text, timezone: text, dnd: z.boolean().optional(), dndSettings: dndSettings.optional(),
  inboundDndSettings: z.strictObject({ all: z.strictObject({ status: z.enum(['active', 'inactive']), message: z.string().optional() }) }).optional(),
  tags: z.array(z.string()).optional(), customFields: z.array(fieldInput).optional(), source: text, dateOfBirth: z.unknown().optional(), country: z.string().optional(),
  assignedTo: text,
}
const creatable = { ...writable, locationId: z.string(), gender: z.string().optional(), companyName: text }

const filter = z.strictObject({ field: z.string(), operator: z.string(), value: z.unknown().optional() })
const searchBody = z.strictObject({
  locationId: z.string(), page: z.number().int().optional(), pageLimit: z.number().int().max(500, 'must not be greater than 500'),
  searchAfter: z.array(z.unknown()).optional(), query: z.string().optional(), filters: z.array(filter).optional(),
  sort: z.array(z.strictObject({ field: z.string(), direction: z.enum(['asc', 'desc']) })).optional(),
})

/** The SDK types every value as text; real answers carry numbers, lists and objects too. */
type WireContact = Omit<GetContectByIdSchema, 'customFields' | 'dndSettings'> & { customFields: CustomFieldValue[]; dndSettings: Contact['dndSettings'] }

export function wireContact(contact: Contact): WireContact {
  return {
    id: contact.id, name: nameOf(contact), locationId: contact.locationId, firstName: contact.firstName, lastName: contact.lastName, email: contact.email,
    emailLowerCase: contact.email, timezone: contact.timezone, companyName: contact.companyName, phone: contact.phone, dnd: contact.dnd, dndSettings: contact.dndSettings,
    type: contact.type, source: contact.source, assignedTo: contact.assignedTo, address1: contact.address1, city: contact.city, state: contact.state,
    country: contact.country, postalCode: contact.postalCode, website: contact.website, tags: contact.tags,
    ...(contact.dateOfBirth === '' ? {} : { dateOfBirth: contact.dateOfBirth }), dateAdded: contact.dateAdded, dateUpdated: contact.dateUpdated,
    lastActivity: contact.lastActivity, firstNameLowerCase: contact.firstName.toLowerCase(), lastNameLowerCase: contact.lastName.toLowerCase(),
    fullNameLowerCase: nameOf(contact).toLowerCase(), customFields: contact.customFields,
    ...(contact.additionalEmails === undefined ? {} : { additionalEmails: contact.additionalEmails }),
  }
}

/** A new contact's answer leaves out what the others have. */
function wireNewContact(contact: Contact): Partial<WireContact> {
  const { name: _name, timezone: _timezone, lastActivity: _lastActivity, ...rest } = wireContact(contact)
  return rest
}

/** The tenant of a call about one contact: where that contact lives. */
export function tenantOfContact(world: World): (call: RawCall) => Tenant {
  return (call) => ({ locationId: world.state.contacts.get(call.params['contactId'] ?? '')?.locationId })
}

function valueAt(contact: Contact, field: string): unknown {
  if (field === 'id') return contact.id
  if (field.startsWith('customFields.')) return contact.customFields.find((value) => value.id === field.slice('customFields.'.length))?.value
  return (wireContact(contact) as Record<string, unknown>)[field]
}

function passes(contact: Contact, { field, operator, value }: z.infer<typeof filter>): boolean {
  const actual = valueAt(contact, field)
  const lower = (item: unknown): unknown => (typeof item === 'string' ? item.toLowerCase() : item)
  const wanted = [value].flat().map(lower)
  const held = [actual].flat().map(lower)
  switch (operator) {
    case 'eq':
      return held.some((item) => wanted.includes(item))
    case 'not_eq':
      return !held.some((item) => wanted.includes(item))
    case 'contains':
      return held.some((item) => wanted.some((part) => String(item).includes(String(part))))
    case 'not_contains':
      return !held.some((item) => wanted.some((part) => String(item).includes(String(part))))
    case 'exists':
      return actual !== undefined && actual !== ''
    case 'not_exists':
      return actual === undefined || actual === ''
    case 'range': {
      const { gt, gte, lt, lte } = (value ?? {}) as Record<string, unknown>
      const at = typeof actual === 'number' ? actual : Date.parse(String(actual))
      const bound = (limit: unknown): number => (typeof limit === 'number' ? limit : Date.parse(String(limit)))
      return (gt === undefined || at > bound(gt)) && (gte === undefined || at >= bound(gte)) && (lt === undefined || at < bound(lt)) && (lte === undefined || at <= bound(lte))
    }
    default:
      throw badRequest(`Invalid operator ${operator} for field ${field}`)
  }
}

export function contactEndpoints(world: World): Endpoint[] {
  const { state } = world
  const tenant = tenantOfContact(world)
  const idOf = (params: Record<string, string>): string => params['contactId'] ?? ''

  return [
    endpoint({
      method: 'POST', path: '/contacts/', scope: 'contacts.write', body: z.strictObject(creatable), tenant: namedTenant,
      handle: ({ body }) => created({ contact: wireNewContact(createContact(world, body.locationId, body)) }),
    }),
    endpoint({
      method: 'POST', path: '/contacts/upsert', scope: 'contacts.write', body: z.strictObject({ ...creatable, createNewIfDuplicateAllowed: z.boolean().optional() }), tenant: namedTenant,
      handle({ body, traceId }) {
        const match = body.createNewIfDuplicateAllowed === true ? undefined : duplicateOf(world, body.locationId, body)
        const contact = match === undefined ? createContact(world, body.locationId, body) : updateContact(world, match.contact.id, body)
        return ok({ new: match === undefined, contact: wireContact(contact), traceId })
      },
    }),
    endpoint({
      method: 'POST', path: '/contacts/search', scope: 'contacts.readonly', body: searchBody, tenant: namedTenant,
      handle({ body, traceId }) {
        const wanted = body.query?.toLowerCase()
        const matching = state.contactSearch.visible(body.locationId)
          .filter((contact) => (body.filters ?? []).every((one) => passes(contact, one)))
          .filter((contact) => wanted === undefined || `${nameOf(contact)} ${contact.email} ${contact.phone}`.toLowerCase().includes(wanted))
        const [sort] = body.sort ?? []
        if (sort !== undefined) {
          const sign = sort.direction === 'asc' ? 1 : -1
          matching.sort((a, b) => sign * String(valueAt(a, sort.field)).localeCompare(String(valueAt(b, sort.field))))
        }
        const after = body.searchAfter?.at(-1)
        const from = after === undefined ? ((body.page ?? 1) - 1) * body.pageLimit : matching.findIndex((contact) => contact.id === after) + 1
        if (after === undefined && from + body.pageLimit > 10_000) throw badRequest('Only the first 10000 records can be read by page; use searchAfter')
        const contacts = matching.slice(from, from + body.pageLimit).map((contact) => ({ ...wireContact(contact), searchAfter: [Date.parse(contact.dateAdded), contact.id] }))
        return ok({ contacts, total: matching.length, traceId })
      },
    }),
    endpoint({
      method: 'GET', path: '/contacts/search/duplicate', scope: 'contacts.readonly', tenant: namedTenant,
      query: z.strictObject({ locationId: z.string(), email: z.string().optional(), number: z.string().optional() }),
      handle({ query }) {
        const match = duplicateOf(world, query.locationId, { email: query.email, phone: query.number })
        return ok({ contact: match === undefined ? null : wireContact(match.contact) })
      },
    }),
    endpoint({
      method: 'GET', path: '/contacts/{contactId}', scope: 'contacts.readonly', tenant,
      handle({ params }) {
        const answer = { contact: wireContact(getContact(world, idOf(params))) } satisfies Omit<ContactsByIdSuccessfulResponseDto, 'contact'> & Record<string, unknown>
        return ok(answer)
      },
    }),
    endpoint({
      method: 'PUT', path: '/contacts/{contactId}', scope: 'contacts.write', body: z.strictObject(writable), tenant,
      handle: ({ params, body }) => ok({ succeded: true, contact: wireContact(updateContact(world, idOf(params), body)) }),
    }),
    endpoint({
      method: 'DELETE', path: '/contacts/{contactId}', scope: 'contacts.write', tenant,
      handle({ params }) {
        deleteContact(world, idOf(params))
        const answer: DeleteContactsSuccessfulResponseDto = { succeded: true }
        return ok(answer)
      },
    }),
    endpoint({
      method: 'POST', path: '/contacts/{contactId}/tags', scope: 'contacts.write', body: z.strictObject({ tags: z.array(z.string()) }), tenant,
      handle({ params, body }) {
        const { contact, added } = changeTags(world, idOf(params), { add: body.tags })
        const answer: CreateAddTagSuccessfulResponseDto & Record<string, unknown> = { tags: contact.tags, tagsAdded: added }
        return created(answer)
      },
    }),
    endpoint({
      method: 'DELETE', path: '/contacts/{contactId}/tags', scope: 'contacts.write', body: z.strictObject({ tags: z.array(z.string()) }), tenant,
      handle({ params, body }) {
        const { contact, removed } = changeTags(world, idOf(params), { remove: body.tags })
        const answer: CreateDeleteTagSuccessfulResponseDto & Record<string, unknown> = { tags: contact.tags, tagsRemoved: removed }
        return ok(answer)
      },
    }),
  ]
}
