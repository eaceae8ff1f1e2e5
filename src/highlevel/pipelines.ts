import { PermanentError } from '../kernel/errors.ts'
import type { Ask } from './ask.ts'
import { endpoints } from './endpoints.ts'
import { pathId } from './sender.ts'
import type { LocationApi } from './types.ts'
import * as wire from './wire.ts'

/** Pipelines. Reading is in the SDK; creating and changing exist in v3 only, which it does not have. There is no delete: it would take the cards along. */
export function pipelinesOf(ask: Ask, locationId: string): Pick<LocationApi, 'listPipelines' | 'createPipeline' | 'addPipelineStages'> {
  return {
    listPipelines: () => ask(endpoints.listPipelines, { via: 'sdk', call: (sdk, options) => sdk.opportunities.getPipelines({ locationId }, options) }, wire.pipelinesAnswer),

    createPipeline: (name, stageNames) =>
      allowed(() => {
        const stages = stageNames.map((stage, position) => newStage(stage, position))
        const json = { name, locationId, stages, showInFunnel: true, showInPieChart: true }
        return ask(endpoints.createPipeline, { via: 'plain', json }, wire.pipelineAnswer)
      }),

    addPipelineStages: (pipelineId, stageNames) =>
      allowed(async () => {
        const path = { id: pathId(pipelineId) }
        const current = await ask(endpoints.getPipeline, { via: 'plain', path }, wire.rawPipelineAnswer)
        const known = new Set(current.stages.map((stage) => stage.name.trim().toLowerCase()))
        const missing = stageNames.filter((stage) => !known.has(stage.trim().toLowerCase()))
        if (missing.length === 0) return wire.parse(wire.pipelineAnswer, current, endpoints.getPipeline.name)
        // Every existing stage goes back as it came: one left out would be deleted and its cards moved.
        const kept = current.stages.map((stage, position) => ({ position, ...stage }))
        const last = kept.reduce((highest, stage) => Math.max(highest, stage.position), -1)
        const stages = [...kept, ...missing.map((stage, index) => newStage(stage, last + 1 + index))]
        return ask(endpoints.updatePipeline, { via: 'plain', path, json: { name: current.name, stages } }, wire.pipelineAnswer)
      }),
  }
}

function newStage(name: string, position: number) {
  return { name, position, showInFunnel: true, showInPieChart: true }
}

/** Where the API or the installation has no pipeline calls, the answer is the same for the agency: map existing pipelines by hand. */
async function allowed<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof PermanentError && (error.code === 'highlevel_unsupported' || error.code === 'highlevel_forbidden')) {
      throw new PermanentError('highlevel_scope', 'HighLevel does not let the app create or change pipelines here. Choose an existing pipeline instead.', { cause: error, ...(error.details === undefined ? {} : { details: error.details }) })
    }
    throw error
  }
}
