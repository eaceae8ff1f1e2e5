import { badRequest, missing } from '../api/api-error.ts'
import type { CustomField } from '../state/records.ts'
import type { World } from '../world.ts'

export interface FieldDefinition {
  name: string
  dataType: string
  model?: 'contact' | 'opportunity' | undefined
  placeholder?: string | undefined
  position?: number | undefined
  options?: string[] | undefined
}

function keyOf(model: string, name: string): string {
  return `${model}.${name.trim().toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/^_+|_+$/g, '')}`
}

/** @throws ApiError 400 when a field of that name exists already */
export function createField(world: World, locationId: string, input: FieldDefinition): CustomField {
  const model = input.model ?? 'contact'
  const fieldKey = keyOf(model, input.name)
  const there = world.state.fields.by('location', locationId)
  if (there.some((field) => field.fieldKey === fieldKey)) throw badRequest(`Custom field with name ${input.name} already exists`)
  return world.state.fields.put({
    id: world.state.ids.id20('field'), locationId, model, name: input.name, fieldKey, dataType: input.dataType, placeholder: input.placeholder ?? '',
    position: input.position ?? there.length * 50, picklistOptions: world.settings.fieldOptionsHonoured ? (input.options ?? []) : [],
  })
}

/** Renaming keeps id and key, as the platform does. */
export function updateField(world: World, fieldId: string, change: { name?: string | undefined; placeholder?: string | undefined; position?: number | undefined; options?: string[] | undefined }): CustomField {
  const before = world.state.fields.get(fieldId)
  if (before === undefined) throw missing(`Custom field with id ${fieldId} not found`, 400)
  return world.state.fields.put({
    ...before, name: change.name ?? before.name, placeholder: change.placeholder ?? before.placeholder, position: change.position ?? before.position,
    picklistOptions: change.options !== undefined && world.settings.fieldOptionsHonoured ? change.options : before.picklistOptions,
  })
}

/** Deletes a field; contacts lose its value without an event. */
export function deleteField(world: World, fieldId: string): void {
  const field = world.state.fields.get(fieldId)
  if (field === undefined) throw missing(`Custom field with id ${fieldId} not found`, 400)
  world.state.fields.delete(fieldId)
  for (const contact of world.state.contacts.by('location', field.locationId)) {
    if (contact.customFields.some((value) => value.id === fieldId)) {
      world.state.contacts.put({ ...contact, customFields: contact.customFields.filter((value) => value.id !== fieldId) })
    }
  }
}
