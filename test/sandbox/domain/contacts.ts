import { badRequest, missing } from '../api/api-error.ts'
import type { Contact, CustomFieldValue, FieldValue } from '../state/records.ts'
import type { World } from '../world.ts'

/** One custom field as a caller writes it: by id, or by key with or without its model's prefix. */
export interface FieldInput {
  id?: string | undefined
  key?: string | undefined
  field_value?: unknown
}

/** What may be written to a contact; null clears a text. */
export interface ContactInput {
  firstName?: string | null | undefined
  lastName?: string | null | undefined
  name?: string | null | undefined
  email?: string | null | undefined
  phone?: string | null | undefined
  companyName?: string | null | undefined
  address1?: string | null | undefined
  city?: string | null | undefined
  state?: string | null | undefined
  postalCode?: string | null | undefined
  country?: string | null | undefined
  website?: string | null | undefined
  timezone?: string | null | undefined
  source?: string | null | undefined
  assignedTo?: string | null | undefined
  dateOfBirth?: unknown
  dnd?: boolean | undefined
  dndSettings?: unknown
  tags?: string[] | undefined
  customFields?: FieldInput[] | undefined
}

const texts = ['companyName', 'address1', 'city', 'state', 'postalCode', 'country', 'website', 'timezone', 'source', 'assignedTo'] as const

function phoneOf(text: string): string {
  const digits = text.replace(/[^\d+]/g, '')
  if (digits === '' || digits.startsWith('+')) return digits
  return digits.length === 10 ? `+1${digits}` : `+${digits}`
}

export function tagsOf(tags: string[]): string[] {
  return [...new Set(tags.map((tag) => tag.trim().toLowerCase()).filter((tag) => tag !== ''))]
}

/** Merges written custom fields into what is there. An empty string clears; unknown fields and options follow the settings. */
export function mergeFields(world: World, locationId: string, model: 'contact' | 'opportunity', before: CustomFieldValue[], written: FieldInput[]): CustomFieldValue[] {
  const { state, settings } = world
  const values = new Map(before.map((field) => [field.id, field.value]))
  const catalogue = state.fields.by('location', locationId).filter((field) => field.model === model)
  for (const input of written) {
    const field = catalogue.find(
      (candidate) => candidate.id === input.id || (input.key !== undefined && (candidate.fieldKey === input.key || candidate.fieldKey === `${model}.${input.key}`)),
    )
    if (field === undefined) {
      if (settings.unknownField === 'reject') throw badRequest(`Custom field with id ${input.id ?? input.key ?? ''} not found`)
      continue
    }
    const value = input.field_value as FieldValue | null | undefined
    if (value === undefined) continue
    if (value === null || value === '') {
      values.delete(field.id)
      continue
    }
    const closed = field.dataType === 'SINGLE_OPTIONS' || field.dataType === 'RADIO'
    if (closed && settings.unknownOption === 'drop' && !(typeof value === 'string' && field.picklistOptions.includes(value))) continue
    values.set(field.id, field.dataType === 'NUMERICAL' && !Number.isNaN(Number(value)) ? Number(value) : value)
  }
  return [...values].map(([id, value]) => ({ id, value }))
}

/** The contact as webhooks carry it: everything, with all custom fields, and nothing about what changed. */
export function contactSnapshot(contact: Contact): Record<string, unknown> {
  return {
    id: contact.id, address1: contact.address1, city: contact.city, state: contact.state, companyName: contact.companyName, country: contact.country,
    source: contact.source, dateAdded: contact.dateAdded, ...(contact.dateOfBirth === '' ? {} : { dateOfBirth: contact.dateOfBirth }),
    dnd: contact.dnd, email: contact.email, name: nameOf(contact), firstName: contact.firstName, lastName: contact.lastName, phone: contact.phone,
    postalCode: contact.postalCode, tags: contact.tags, website: contact.website, attachments: [], assignedTo: contact.assignedTo,
    customFields: contact.customFields,
  }
}

export function nameOf(contact: Pick<Contact, 'firstName' | 'lastName'>): string {
  return `${contact.firstName} ${contact.lastName}`.trim()
}

function emitContact(world: World, type: string, contact: Contact): void {
  const settings = type === 'ContactDndUpdate' ? { dndSettings: contact.dndSettings } : {}
  world.emit(type, { locationId: contact.locationId }, { ...contactSnapshot(contact), ...settings })
}

function rememberTags(world: World, locationId: string, names: string[]): void {
  for (const name of names) {
    if (world.state.tags.by('name', `${locationId}/${name}`).length === 0) world.state.tags.put({ id: world.state.ids.id20('tag'), locationId, name })
  }
}

function apply(world: World, contact: Contact, input: ContactInput): Contact {
  const next: Contact = { ...contact, dateUpdated: world.isoNow() }
  if (typeof input.name === 'string' && input.firstName === undefined && input.lastName === undefined) {
    const [first = '', ...rest] = input.name.trim().split(/\s+/)
    next.firstName = first
    next.lastName = rest.join(' ')
  }
  if (input.firstName !== undefined) next.firstName = input.firstName ?? ''
  if (input.lastName !== undefined) next.lastName = input.lastName ?? ''
  if (input.email !== undefined) next.email = (input.email ?? '').trim().toLowerCase()
  if (input.phone !== undefined) next.phone = phoneOf(input.phone ?? '')
  for (const key of texts) {
    const value = input[key]
    if (value !== undefined) next[key] = value ?? ''
  }
  if (typeof input.dateOfBirth === 'string') next.dateOfBirth = input.dateOfBirth
  if (input.dnd !== undefined) next.dnd = input.dnd
  if (typeof input.dndSettings === 'object' && input.dndSettings !== null) next.dndSettings = { ...next.dndSettings, ...(input.dndSettings as Contact['dndSettings']) }
  if (input.tags !== undefined) next.tags = tagsOf(input.tags)
  if (input.customFields !== undefined) next.customFields = mergeFields(world, contact.locationId, 'contact', contact.customFields, input.customFields)
  return next
}

export function getContact(world: World, contactId: string): Contact {
  const contact = world.state.contacts.get(contactId)
  if (contact === undefined) throw missing(`Contact with id ${contactId} not found`, world.settings.missingContactStatus)
  return contact
}

/** Another contact with the same e-mail or phone, by the platform's priority: e-mail first. */
export function duplicateOf(world: World, locationId: string, input: { email?: string | null | undefined; phone?: string | null | undefined }): { contact: Contact; by: 'email' | 'phone' } | undefined {
  const email = (input.email ?? '').trim().toLowerCase()
  const byEmail = email === '' ? undefined : world.state.contacts.by('email', `${locationId}/${email}`)[0]
    ?? world.state.contacts.by('formerEmail', `${locationId}/${email}`)[0]
  if (byEmail !== undefined) return { contact: byEmail, by: 'email' }
  const phone = phoneOf(input.phone ?? '')
  const byPhone = phone === '' ? undefined : world.state.contacts.by('phone', `${locationId}/${phone}`)[0]
  return byPhone === undefined ? undefined : { contact: byPhone, by: 'phone' }
}

/** @throws ApiError 400 naming the existing contact when the location allows no duplicates */
export function createContact(world: World, locationId: string, input: ContactInput, allowDuplicate = false): Contact {
  const duplicate = duplicateOf(world, locationId, input)
  const allowed = allowDuplicate || (world.state.locations.get(locationId)?.allowDuplicateContact ?? false)
  if (duplicate !== undefined && !allowed) {
    throw badRequest('This location does not allow duplicated contacts.', {
      meta: { contactName: nameOf(duplicate.contact), contactId: duplicate.contact.id, matchingField: duplicate.by },
    })
  }
  const now = world.isoNow()
  const empty: Contact = {
    id: world.state.ids.id20('contact'), locationId, firstName: '', lastName: '', email: '', phone: '', companyName: '', address1: '', city: '', state: '',
    country: 'US', postalCode: '', website: '', timezone: '', source: '', type: 'lead', assignedTo: '', dateOfBirth: '', dnd: false, dndSettings: {}, tags: [],
    customFields: [], dateAdded: now, dateUpdated: now, lastActivity: now,
  }
  const contact = apply(world, empty, input)
  rememberTags(world, locationId, contact.tags)
  world.state.contacts.put(contact)
  emitContact(world, 'ContactCreate', contact)
  return contact
}

/** Writes to a contact. `tags` replaces all tags. Emits the update, and the specific events beside it. */
export function updateContact(world: World, contactId: string, input: ContactInput): Contact {
  const before = getContact(world, contactId)
  const after = apply(world, before, input)
  rememberTags(world, after.locationId, after.tags)
  world.state.contacts.put(after)
  emitContact(world, 'ContactUpdate', after)
  if (after.tags.join('\0') !== before.tags.join('\0')) emitContact(world, 'ContactTagUpdate', after)
  if (after.dnd !== before.dnd || JSON.stringify(after.dndSettings) !== JSON.stringify(before.dndSettings)) emitContact(world, 'ContactDndUpdate', after)
  return after
}

/** Adds and removes tags without touching the others. */
export function changeTags(world: World, contactId: string, change: { add?: string[]; remove?: string[] }): { contact: Contact; added: string[]; removed: string[] } {
  const before = getContact(world, contactId)
  const added = tagsOf(change.add ?? []).filter((tag) => !before.tags.includes(tag))
  const removed = tagsOf(change.remove ?? []).filter((tag) => before.tags.includes(tag))
  const after: Contact = { ...before, tags: [...before.tags.filter((tag) => !removed.includes(tag)), ...added], dateUpdated: world.isoNow() }
  rememberTags(world, after.locationId, added)
  world.state.contacts.put(after)
  if (added.length > 0 || removed.length > 0) emitContact(world, 'ContactTagUpdate', after)
  return { contact: after, added, removed }
}

/** Deletes the one and keeps the other, which takes over cards, further addresses, tags, and values that it lacks. */
export function mergeContacts(world: World, keptId: string, goneId: string): Contact {
  const kept = getContact(world, keptId)
  const gone = getContact(world, goneId)
  const { state } = world
  for (const card of state.opportunities.by('contact', goneId)) state.opportunities.put({ ...card, contactId: keptId })
  const more = [gone.email, ...(gone.additionalEmails ?? [])].filter((email) => email !== '' && email !== kept.email)
  const fields = [...kept.customFields, ...gone.customFields.filter(({ id }) => !kept.customFields.some((field) => field.id === id))]
  deleteContact(world, goneId)
  const merged = state.contacts.put({
    ...kept, email: kept.email === '' ? gone.email : kept.email, additionalEmails: [...new Set([...more, ...(kept.additionalEmails ?? [])])],
    tags: tagsOf([...kept.tags, ...gone.tags]), customFields: fields, dateUpdated: world.isoNow(),
  })
  emitContact(world, 'ContactUpdate', merged)
  return merged
}

/** Renames a tag of the list, or deletes it (`null`), there and on all contacts. No event tells it. */
export function replaceTag(world: World, locationId: string, name: string, newName: string | null): void {
  const { state } = world
  const tag = state.tags.by('name', `${locationId}/${name}`)[0]
  if (tag === undefined) throw missing(`No tag ${name} in location ${locationId}`)
  if (newName === null) state.tags.delete(tag.id)
  else state.tags.put({ ...tag, name: newName })
  for (const contact of state.contacts.by('location', locationId)) {
    if (contact.tags.includes(name)) state.contacts.put({ ...contact, tags: contact.tags.flatMap((each) => (each !== name ? [each] : newName === null ? [] : [newName])) })
  }
}

/** Deletes a contact and, as the platform does, its cards, notes and tasks. */
export function deleteContact(world: World, contactId: string): void {
  const contact = getContact(world, contactId)
  const { state } = world
  state.contacts.delete(contactId)
  emitContact(world, 'ContactDelete', contact)
  for (const card of state.opportunities.by('contact', contactId)) state.opportunities.delete(card.id)
  for (const note of state.notes.by('contact', contactId)) state.notes.delete(note.id)
  for (const task of state.tasks.by('contact', contactId)) state.tasks.delete(task.id)
}
