import { isObject, membersOf, type Documents, type Json, type JsonObject } from './documents.ts'
import { createSchemas } from './schemas.ts'

/** One event as its page describes it. */
export interface EventPage {
  file: string
  type: string
  samples: JsonObject[]
}

const envelopeFile = 'webhooks/supplement/_envelope.json'

/** Schema of a page that lists type names instead: `{ id: 'string', locations: ['string'] }`. */
function schemaOfShape(shape: Json | undefined): Json {
  if (typeof shape === 'string') return { type: shape }
  if (Array.isArray(shape)) return { type: 'array', items: schemaOfShape(shape[0]) }
  return { type: 'object', properties: Object.fromEntries(membersOf(shape).map(([name, member]) => [name, schemaOfShape(member)])) }
}

/** A body that a page without samples would show: every member with a value of its type. */
function sampleOfShape(shape: Json | undefined, name = ''): Json {
  if (Array.isArray(shape)) return [sampleOfShape(shape[0], name)]
  if (isObject(shape)) return Object.fromEntries(membersOf(shape).map(([member, inner]) => [member, sampleOfShape(inner, member)]))
  if (shape === 'boolean') return true
  if (shape === 'number') return 1
  return name === 'email' ? 'sample@example.com' : 'otg8dTQqGLh3Q6iQI55w'
}

/** Schemas of a page, one per form of the event. */
function schemasOf(page: JsonObject): JsonObject[] {
  const listed = Array.isArray(page['schemas']) ? page['schemas'].filter(isObject) : []
  return listed.map((schema) => (isObject(schema['shape']) ? schemaOfShape(schema['shape']) : schema)).filter(isObject)
}

export function eventPagesOf(documents: Documents): EventPage[] {
  return [...documents].flatMap(([file, page]) => {
    const type = page['wireType']
    if (!file.startsWith('webhooks/') || typeof type !== 'string') return []
    const listed = Array.isArray(page['samples']) ? page['samples'] : []
    const samples = listed.flatMap((sample) => (isObject(sample) && isObject(sample['body']) ? [sample['body']] : []))
    const shape = Array.isArray(page['schemas']) && isObject(page['schemas'][0]) ? page['schemas'][0]['shape'] : undefined
    const made = samples.length === 0 && isObject(shape) ? [sampleOfShape(shape)].filter(isObject).map((body) => ({ ...body, type })) : []
    return [{ file, type, samples: [...samples, ...made] }]
  })
}

/** Compares an event's body with its page and the common envelope, strictly: members that neither names are refused. */
export function createWebhookChecker(documents: Documents): (body: JsonObject) => string[] {
  const schemas = createSchemas(documents)
  const envelope = documents.get(envelopeFile)?.['schema']
  const around = Object.fromEntries(membersOf(isObject(envelope) ? envelope['properties'] : undefined).map(([name, member]) => [name, member]))
  const pages = new Map<string, { file: string; schemas: JsonObject[] }>()
  for (const { file, type } of eventPagesOf(documents)) {
    const closed = schemasOf(documents.get(file) ?? {}).map((schema) => ({
      ...schema, properties: { ...around, ...Object.fromEntries(membersOf(schema['properties'])) }, required: isObject(envelope) ? (envelope['required'] ?? []) : [],
    }))
    pages.set(type, { file, schemas: closed })
  }
  return (body) => {
    const type = typeof body['type'] === 'string' ? body['type'] : 'an event without a type'
    const page = pages.get(type)
    if (page === undefined) return [`${type}: no page describes this event`]
    const verdicts = page.schemas.map((schema) => schemas.check(page.file, schema)(body))
    if (verdicts.length === 0 || verdicts.some((problems) => problems.length === 0)) return []
    return verdicts.flat().map((problem) => `${type}: ${problem}`)
  }
}
