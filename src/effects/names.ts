import { minuteMs, type Clock } from '../kernel/clock.ts'
import { PermanentError } from '../kernel/errors.ts'
import type { HighLevelGateway } from '../highlevel/index.ts'
import type { ResourceMap } from './types.ts'

/** Names of the success location's own fields and stages, for what is told about them. */
export interface CrmNames {
  /** The field's name; its id where HighLevel does not know it (any more). @throws RetryAfterError while HighLevel cannot be asked */
  field(companyId: string, fieldId: string): Promise<string>
  /** Of a `<pipelineId>/<stageId>`. */
  place(companyId: string, place: string): Promise<PlaceNames>
}

export interface PlaceNames {
  pipelineId: string
  stageId: string
  pipelineName: string
  stageName: string
}

const rememberedMs = 10 * minuteMs
/** A name that is not on the list makes us ask again, but not more often than this. */
const askAgainMs = minuteMs
const maxCompanies = 200

/** A list of names of one company, asked for when it is needed and remembered for a while. */
function createList(clock: Clock, ask: (companyId: string) => Promise<Map<string, string>>) {
  const lists = new Map<string, { askedMs: number; names: Promise<Map<string, string>> }>()

  function fetch(companyId: string): Promise<Map<string, string>> {
    if (lists.size >= maxCompanies) lists.clear()
    const names = ask(companyId)
    const entry = { askedMs: clock.nowMs(), names }
    lists.set(companyId, entry)
    names.catch(() => {
      if (lists.get(companyId) === entry) lists.delete(companyId)
    })
    return names
  }

  return async (companyId: string, id: string): Promise<string | undefined> => {
    const kept = lists.get(companyId)
    const ageMs = kept === undefined ? Infinity : clock.nowMs() - kept.askedMs
    const names = await (kept === undefined || ageMs > rememberedMs ? fetch(companyId) : kept.names)
    return names.get(id) ?? (ageMs > askAgainMs && ageMs <= rememberedMs ? (await fetch(companyId)).get(id) : undefined)
  }
}

export function createNames(deps: { clock: Clock; gateway: Pick<HighLevelGateway, 'location'>; resources: (companyId: string) => Promise<ResourceMap | null> }): CrmNames {
  const { clock, gateway, resources } = deps

  /** Where HighLevel refuses for good, ids must do. */
  async function orIds<T>(companyId: string, list: (api: ReturnType<HighLevelGateway['location']>) => Promise<T[]>): Promise<T[]> {
    const map = await resources(companyId)
    if (map === null) return []
    try {
      return await list(gateway.location(companyId, map.locationId, 'webhook'))
    } catch (error) {
      if (error instanceof PermanentError) return []
      throw error
    }
  }

  const fields = createList(clock, async (companyId) => new Map((await orIds(companyId, (api) => api.listCustomFields())).map(({ id, name }) => [id, name])))
  const places = createList(clock, async (companyId) => {
    const pipelines = await orIds(companyId, (api) => api.listPipelines())
    return new Map(pipelines.flatMap(({ id, name, stages }) => [[id, name] as const, ...stages.map((stage) => [`${id}/${stage.id}`, stage.name] as const)]))
  })

  return {
    field: async (companyId, fieldId) => (await fields(companyId, fieldId)) ?? fieldId,
    async place(companyId, place) {
      const [pipelineId = '', stageId = ''] = place.split('/')
      const stageName = (await places(companyId, place)) ?? stageId
      return { pipelineId, stageId, pipelineName: (await places(companyId, pipelineId)) ?? pipelineId, stageName }
    },
  }
}
