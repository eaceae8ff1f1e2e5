import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'

/** Any JSON; the official files are read tolerantly, member by member. */
export type Json = null | boolean | number | string | Json[] | { [member: string]: Json }
export type JsonObject = { [member: string]: Json }

/** The official files by their path below the folder, such as `openapi/apps/contacts.json`. */
export type Documents = ReadonlyMap<string, JsonObject>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Members of an object; none for anything else. */
export function membersOf(value: Json | undefined): [string, Json][] {
  return isObject(value) ? Object.entries(value) : []
}

/** `HIGHLEVEL_OPENAPI_DIR`, else `../shared/highlevel` beside the repository. @returns undefined when there is no such folder */
export function officialFolder(): string | undefined {
  const named = process.env['HIGHLEVEL_OPENAPI_DIR']
  const folder = named === undefined || named === '' ? join(import.meta.dirname, '../../../../shared/highlevel') : named
  return existsSync(join(folder, 'openapi/apps')) ? folder : undefined
}

/** True when a missing folder is a failure. */
export const officialFilesRequired = process.env['CONTRACT_REQUIRED'] === '1'

function filesBelow(folder: string, below: string): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(below, entry.name)
    if (entry.isDirectory()) return filesBelow(folder, path)
    return entry.name.endsWith('.json') ? [path] : []
  })
}

/** Reads every official file once. */
export function readDocuments(folder: string): Documents {
  const paths = [...filesBelow(folder, 'openapi'), ...filesBelow(folder, 'webhooks')].sort()
  return new Map(paths.map((path) => [path, JSON.parse(readFileSync(join(folder, path), 'utf8')) as JsonObject]))
}

/** The document and pointer that a `$ref` means. The v3 files name a folder that does not exist from where they are; theirs is beside them. */
export function targetOf(documents: Documents, file: string, reference: string): { file: string; pointer: string } {
  const [path = '', pointer = ''] = reference.split('#')
  if (path === '') return { file, pointer }
  const asWritten = posix.normalize(posix.join(dirname(file), path))
  if (documents.has(asWritten)) return { file: asWritten, pointer }
  const beside = posix.join(dirname(file), 'common', posix.basename(path))
  if (documents.has(beside)) return { file: beside, pointer }
  throw new Error(`${file}: ${reference} names a file that is not there`)
}

/** Steps of a JSON pointer. */
export function stepsOf(pointer: string): string[] {
  return pointer.split('/').slice(1).map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** What a JSON pointer means, or undefined. */
export function valueAt(document: Json, pointer: string): Json | undefined {
  let value: Json | undefined = document
  for (const step of stepsOf(pointer)) {
    if (Array.isArray(value)) value = value[Number(step)]
    else if (isObject(value) && Object.hasOwn(value, step)) value = value[step]
    else return undefined
  }
  return value
}

/** Every `$ref` of a document. */
export function referencesOf(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(referencesOf)
  return membersOf(value).flatMap(([name, member]) => (name === '$ref' && typeof member === 'string' ? [member] : referencesOf(member)))
}
