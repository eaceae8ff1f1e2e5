import type { CrmCustomField, CrmPipeline, CrmWorkflow, LocationApi } from '../../src/highlevel/index.ts'
import { minuteMs, type Clock } from '../../src/kernel/clock.ts'
import { RequestError } from '../../src/kernel/errors.ts'

/** What steps can name in an agency's success location. What the product computes itself is left out. */
export interface CrmChoices {
  workflows: { id: string; name: string; draft: boolean }[]
  fields: { id: string; name: string; dataType: string; options: string[] }[]
  pipelines: { id: string; name: string; stages: { id: string; name: string }[] }[]
  tags: string[]
  /** Ids of fields and pipelines, and tags, that stand for readings: steps may not touch them. */
  own: { fields: string[]; pipelines: string[]; tags: string[] }
  readAt: Date
}

/** Fields whose values a sentence can hold. Lists of choices, files and signatures need more than that. */
export const writableTypes: ReadonlySet<string> = new Set(['TEXT', 'LARGE_TEXT', 'NUMERICAL', 'MONETORY', 'PHONE', 'EMAIL', 'DATE', 'SINGLE_OPTIONS', 'RADIO'])
export const numericTypes: ReadonlySet<string> = new Set(['NUMERICAL', 'MONETORY'])

/** Reads what there is to pick, at most once a minute per agency. */
export interface CrmChoiceReader {
  /** @param fresh asks HighLevel now @throws RequestError 409 `setup_incomplete` while no success location is chosen; the gateway's errors */
  read(companyId: string, fresh?: boolean): Promise<CrmChoices>
}

interface CrmChoicesDeps {
  clock: Clock
  /** The success location; null until one is chosen. */
  location(companyId: string): Promise<Pick<LocationApi, 'listWorkflows' | 'listCustomFields' | 'listPipelines' | 'listTags'> | null>
  /** What the product keeps there for its readings. */
  own(companyId: string): Promise<CrmChoices['own']>
}

const keptMs = minuteMs
const maxKept = 500
const readingTag = /^(happiness|health): ?\S/

export function createCrmChoices({ clock, location, own }: CrmChoicesDeps): CrmChoiceReader {
  const kept = new Map<string, CrmChoices>()
  const asked = new Map<string, Promise<CrmChoices>>()

  async function ask(companyId: string): Promise<CrmChoices> {
    const api = await location(companyId)
    if (api === null) throw new RequestError(409, 'setup_incomplete', 'Choose the account where your team works first: what steps can pick is read there.')
    const [workflows, fields, pipelines, tags, ours] = await Promise.all([api.listWorkflows(), api.listCustomFields(), api.listPipelines(), api.listTags(), own(companyId)])
    const choices: CrmChoices = {
      workflows: workflows.map(({ id, name, published }: CrmWorkflow) => ({ id, name, draft: !published })).sort(byName),
      fields: fields.filter(({ id, dataType }: CrmCustomField) => !ours.fields.includes(id) && writableTypes.has(dataType)).map(({ id, name, dataType, options }) => ({ id, name, dataType, options })).sort(byName),
      pipelines: pipelines.filter(({ id }: CrmPipeline) => !ours.pipelines.includes(id)).map(({ id, name, stages }) => ({ id, name, stages: stages.map((stage) => ({ id: stage.id, name: stage.name })) })).sort(byName),
      tags: tags.map(({ name }) => name).filter((name) => !isOwnTag(name, ours.tags)).sort((left, right) => left.localeCompare(right)),
      own: ours,
      readAt: clock.now(),
    }
    if (kept.size >= maxKept) kept.clear()
    kept.set(companyId, choices)
    return choices
  }

  return {
    async read(companyId, fresh = false) {
      const known = kept.get(companyId)
      if (!fresh && known !== undefined && clock.nowMs() - known.readAt.getTime() < keptMs) return known
      // Several who ask at once wait for one answer.
      const under = asked.get(companyId) ?? ask(companyId).finally(() => asked.delete(companyId))
      asked.set(companyId, under)
      return under
    },
  }
}

/** True for tags of the readings, by the agency's names for them and by the shipped ones. */
export function isOwnTag(tag: string, own: readonly string[]): boolean {
  const name = tag.trim().toLowerCase()
  return readingTag.test(name) || own.some((one) => one.trim().toLowerCase() === name)
}

function byName(left: { name: string }, right: { name: string }): number {
  return left.name.localeCompare(right.name)
}
