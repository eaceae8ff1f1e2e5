import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { timelineOnlyTypes } from '../../src/events/index.ts'
import type { ImportResult, WorkflowFile } from '../../src/http/contract/workflows.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { RequestError } from '../../src/kernel/errors.ts'
import { conditionFieldOf, conditionFields, contactFieldPrefix } from '../conditions.ts'
import { readDefinition, workflowDefinition, type Condition, type WorkflowDefinition } from '../definition.ts'
import type { LibraryIndex } from '../library/index.ts'
import type { AgencyWorkflow, WorkflowStates } from '../states.ts'
import { copyFaults, overrideBetween } from './changes.ts'

/** A fault in a file, at its exact place. */
interface FileFault {
  /** For example `workflows.2.definition.steps.1.subject`. */
  path: string
  message: string
  /** Place inside a template, counted from 1. */
  line?: number
  column?: number
}

/** One checked file with all workflows of an agency. */
export interface Exchange {
  /** @param keys only these; all if left out. @throws RequestError 404 for a key that is not there */
  exportAll(companyId: string, keys?: readonly string[]): Promise<WorkflowFile>
  /**
   * Looks at the whole file first; stores everything as drafts, or nothing.
   * @throws RequestError 422 `invalid_file` with the place of every fault
   */
  importAll(companyId: string, file: WorkflowFile, by: string, checkOnly: boolean): Promise<ImportResult>
}

/** Words that are paths of the API and so cannot be keys. */
const reservedKeys = new Set(['export', 'import', 'sending', 'runs', 'schema', 'choices'])
const maxFaults = 100

/** The published JSON schema of a file and of one definition in it. */
export function fileSchema(): unknown {
  const file = z.strictObject({
    format: z.literal('workflows'),
    formatVersion: z.literal(1),
    exportedAt: z.iso.datetime().optional(),
    workflows: z.array(z.strictObject({ definition: workflowDefinition, state: z.enum(['draft', 'published', 'paused', 'archived']).optional(), copyOf: z.string().nullable().optional() })).min(1).max(200),
  })
  return {
    ...z.toJSONSchema(file, { io: 'input', unrepresentable: 'any' }),
    $id: 'workflows.schema.json',
    title: 'Workflows of an agency',
    description: 'A file of GET /api/workflows/export. Keys are unique; step ids are unique in a workflow; jumps lead to later steps; words use the fields that GET /api/workflows/{key} lists.',
    'x-condition-fields': { ...Object.fromEntries([...conditionFields].map(([name, { label }]) => [name, label])), [`${contactFieldPrefix}<name>`]: 'Custom field of the contact by its name, now' },
  }
}

export function createExchange(deps: { states: WorkflowStates; library: LibraryIndex; clock: Clock }): Exchange {
  const { states, library, clock } = deps

  /** Everything that is wrong with one definition but can only be seen beside the rest of the product. */
  function meaningFaults(definition: WorkflowDefinition): FileFault[] {
    const faults: FileFault[] = []
    const conditions: [path: string, Condition][] = [
      ...definition.trigger.where.map((condition, index): [string, Condition] => [`trigger.where.${index}`, condition]),
      ...definition.conditions.map((condition, index): [string, Condition] => [`conditions.${index}`, condition]),
      ...definition.steps.flatMap((step, at) => (step.kind === 'if' ? step.when.map((condition, index): [string, Condition] => [`steps.${at}.when.${index}`, condition]) : [])),
    ]
    for (const [path, { field }] of conditions) {
      if (conditionFieldOf(field) === undefined) faults.push({ path: `${path}.field`, message: `There is no field “${field}” to compare. Use one of: ${[...conditionFields.keys()].join(', ')}, or ${contactFieldPrefix} and the name of a custom field.` })
    }
    for (const [index, type] of definition.trigger.events.entries()) {
      if (timelineOnlyTypes.has(type)) faults.push({ path: `trigger.events.${index}`, message: `“${type}” is shown in timelines only and starts nothing.` })
    }
    for (const { path, line, column, message } of copyFaults(definition)) faults.push({ path: placeOf(definition, path), line, column, message })
    if (reservedKeys.has(definition.key)) faults.push({ path: 'key', message: `“${definition.key}” cannot be a key. Choose another one.` })
    const shipped = library.byKey.get(definition.key)
    if (shipped !== undefined && overrideBetween(shipped, definition) === null) {
      faults.push({ path: 'key', message: `“${definition.key}” is shipped with the product: only its words and delays can be others. Give it a key of its own to change more.` })
    }
    return faults
  }

  function check(file: WorkflowFile): WorkflowDefinition[] {
    const faults: FileFault[] = []
    const definitions: WorkflowDefinition[] = []
    const seen = new Map<string, number>()
    for (const [index, { definition }] of file.workflows.entries()) {
      const at = `workflows.${index}.definition`
      const read = parsed(definition)
      if (!read.success) {
        faults.push(...read.faults.map((fault) => ({ ...fault, path: fault.path === '' ? at : `${at}.${fault.path}` })))
        continue
      }
      const earlier = seen.get(read.definition.key)
      if (earlier !== undefined) faults.push({ path: `${at}.key`, message: `“${read.definition.key}” is the key of workflow ${earlier} of this file, too.` })
      seen.set(read.definition.key, index)
      faults.push(...meaningFaults(read.definition).map((fault) => ({ ...fault, path: `${at}.${fault.path}` })))
      definitions.push(read.definition)
    }
    const [first] = faults
    if (first === undefined) return definitions
    const where = first.line === undefined ? first.path : `${first.path}, line ${first.line}, column ${String(first.column)}`
    const more = faults.length === 1 ? '' : ` There ${faults.length === 2 ? 'is 1 more fault' : `are ${faults.length - 1} more faults`}; nothing was changed.`
    throw new RequestError(422, 'invalid_file', `${where}: ${first.message}${more}`, { details: { faults: faults.slice(0, maxFaults), count: faults.length } })
  }

  function changeOf(existing: AgencyWorkflow | undefined, definition: WorkflowDefinition): 'new' | 'changed' | 'unchanged' {
    if (existing === undefined) return 'new'
    return isDeepStrictEqual(existing.draft ?? existing.definition, definition) ? 'unchanged' : 'changed'
  }

  return {
    async exportAll(companyId, keys) {
      const all = await states.list(companyId)
      const wanted = keys === undefined ? all : keys.map((key) => all.find(({ shipped }) => shipped.key === key) ?? missing(key))
      return {
        format: 'workflows',
        formatVersion: 1,
        exportedAt: clock.now().toISOString(),
        workflows: wanted.map(({ definition, draft, state, copyOf }) => ({ definition: draft ?? definition, state, copyOf })),
      }
    },

    async importAll(companyId, file, by, checkOnly) {
      const definitions = check(file)
      const existing = new Map((await states.list(companyId)).map((workflow) => [workflow.shipped.key, workflow]))
      const items = definitions.map((definition) => ({ key: definition.key, name: definition.name, change: changeOf(existing.get(definition.key), definition) }))
      if (checkOnly) return { stored: false, items }
      for (const [index, definition] of definitions.entries()) {
        // What says the same stays as it is: importing one's own export again stops nothing.
        if (items[index]?.change !== 'unchanged') await states.put(companyId, definition, by, file.workflows[index]?.copyOf ?? null)
      }
      return { stored: true, items }
    },
  }
}

function missing(key: string): never {
  throw new RequestError(404, 'not_found', `There is no workflow “${key}”.`, { details: { key } })
}

/** Steps are named by their place in a file, not by their id. */
function placeOf(definition: WorkflowDefinition, path: string): string {
  const [, stepId = '', ...rest] = path.split('.')
  return ['steps', definition.steps.findIndex(({ id }) => id === stepId), ...rest].join('.')
}

function parsed(value: unknown): { success: true; definition: WorkflowDefinition } | { success: false; faults: FileFault[] } {
  try {
    return { success: true, definition: readDefinition(value) }
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error
    return { success: false, faults: error.issues.map((issue) => ({ path: issue.path.join('.'), message: sentence(issue.message) })) }
  }
}

function sentence(message: string): string {
  const capital = message.charAt(0).toUpperCase() + message.slice(1)
  return /[.?]$/.test(capital) ? capital : `${capital}.`
}
