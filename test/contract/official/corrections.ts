import { isDeepStrictEqual } from 'node:util'
import { isObject, membersOf, stepsOf, valueAt, type Documents, type Json, type JsonObject } from './documents.ts'

/** One thing that the official files have wrong, or leave out. */
export interface Correction {
  /** Short name, unique. */
  name: string
  /** What is wrong. */
  reason: string
  /** How we know. */
  evidence: string
  /** File below the official folder. */
  file: string
  /** Value at each JSON pointer after the correction. */
  set?: Record<string, Json>
  /** An answer that the file does not document, at the operations named (`METHOD /path`), or at all of the file. */
  answer?: { status: number; operations: readonly string[] | 'all'; schema: Json }
}

const methods = ['get', 'post', 'put', 'delete', 'patch']

/** Puts a value at a pointer. @throws Error when the place around it does not exist or the file says so already */
function setAt(document: JsonObject, pointer: string, value: Json, name: string): void {
  const steps = stepsOf(pointer)
  const last = steps.pop()
  const parent = valueAt(document, steps.length === 0 ? '' : `/${steps.map((step) => step.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`)
  if (last === undefined || (!isObject(parent) && !Array.isArray(parent))) throw new Error(`Correction "${name}": nothing at ${pointer}`)
  if (Array.isArray(parent)) {
    const index = last === '-' ? parent.length : Number(last)
    parent[index] = value
    return
  }
  const before = Object.hasOwn(parent, last) ? parent[last] : undefined
  if (isDeepStrictEqual(before, value)) throw new Error(`Correction "${name}": the file agrees already at ${pointer}`)
  parent[last] = value
}

function addAnswer(document: JsonObject, { name, answer }: Correction): void {
  if (answer === undefined) return
  let added = 0
  for (const [path, item] of membersOf(document['paths'])) {
    for (const [method, operation] of membersOf(item)) {
      if (!methods.includes(method) || !isObject(operation)) continue
      const chosen = answer.operations === 'all' || answer.operations.includes(`${method.toUpperCase()} ${path}`)
      const responses = operation['responses']
      if (!chosen || !isObject(responses) || Object.hasOwn(responses, String(answer.status))) continue
      responses[String(answer.status)] = { description: name, content: { 'application/json': { schema: answer.schema } } }
      added += 1
    }
  }
  if (added === 0) throw new Error(`Correction "${name}": every operation documents ${answer.status} already`)
}

/** The documents with the corrections in them; the official ones stay as they are. @throws Error naming a correction that changes nothing */
export function correct(documents: Documents, corrections: readonly Correction[]): Documents {
  const corrected = new Map(documents)
  const copied = new Set<string>()
  for (const correction of corrections) {
    const official = corrected.get(correction.file)
    if (official === undefined) throw new Error(`Correction "${correction.name}": there is no file ${correction.file}`)
    const document = copied.has(correction.file) ? official : structuredClone(official)
    copied.add(correction.file)
    corrected.set(correction.file, document)
    for (const [pointer, value] of Object.entries(correction.set ?? {})) setAt(document, pointer, value, correction.name)
    addAnswer(document, correction)
  }
  return corrected
}
