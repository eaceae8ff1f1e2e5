import type { Model } from 'mongoose'
import type { Events } from '../../src/events/index.ts'
import type { WorkflowCopy } from '../../src/http/contract/workflows.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { RequestError } from '../../src/kernel/errors.ts'
import type { RunRecord } from '../engine/model.ts'
import type { LibraryIndex } from '../library/index.ts'
import type { WorkflowPorts } from '../ports.ts'
import type { AgencyWorkflow, WorkflowStates } from '../states.ts'
import { createDryRun, type DryRun } from './dry-run.ts'
import { createExchange, type Exchange } from './exchange.ts'
import { createSpeaking, type Speaking, type TestMail } from './speak.ts'
import { createVersions, type Versions } from './versions.ts'

/** What people do with workflows before and after they run: look, try, compare, copy, hand over. Nothing here reaches a customer. */
export interface Authoring {
  versions: Versions
  speaking: Speaking
  dryRun: DryRun
  exchange: Exchange
  /** A copy under a key of its own, as a draft. @throws RequestError 404; 409 `key_taken` */
  copy(companyId: string, key: string, request: WorkflowCopy, by: string): Promise<AgencyWorkflow>
}

export interface AuthoringDeps {
  states: WorkflowStates
  library: LibraryIndex
  runs: Model<RunRecord>
  ports: WorkflowPorts
  events: Pick<Events, 'since' | 'timeline'>
  clock: Clock
  sendMail?: (mail: TestMail) => Promise<void>
}

const maxKeyLength = 60

export function createAuthoring(deps: AuthoringDeps): Authoring {
  const { states } = deps
  return {
    versions: createVersions(deps),
    speaking: createSpeaking(deps),
    dryRun: createDryRun(deps),
    exchange: createExchange(deps),

    async copy(companyId, key, request, by) {
      const source = await states.get(companyId, key)
      const taken = new Set((await states.list(companyId)).map(({ shipped }) => shipped.key))
      const wanted = request.key ?? freeKey(request.name, taken)
      if (taken.has(wanted)) throw new RequestError(409, 'key_taken', `There is a workflow “${wanted}” already. Choose another key.`, { details: { path: 'key' } })
      return states.put(companyId, { ...(source.draft ?? source.definition), key: wanted, name: request.name }, by, key)
    },
  }
}

/** A key made from a name, with a number behind it if there is such a key already. */
function freeKey(name: string, taken: ReadonlySet<string>): string {
  const base = `own_${name.normalize('NFKD').toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/^_+|_+$/g, '')}`.slice(0, maxKeyLength - 5).replace(/_+$/, '')
  for (let number = 1; ; number += 1) {
    const key = number === 1 ? base : `${base}_${number}`
    if (!taken.has(key)) return key
  }
}

export type { TestMail } from './speak.ts'
