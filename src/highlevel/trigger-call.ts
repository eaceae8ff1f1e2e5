import { PermanentError } from '../kernel/errors.ts'
import type { Endpoint } from './endpoints.ts'
import { locationResource } from './resource.ts'
import { pathId, type Sender } from './sender.ts'

const prefix = '/workflows-marketplace/triggers/execute/'
const maxSegments = 6
const longestUrl = 1_000

/** Starts a workflow of a location by one of the app's own triggers. */
export interface TriggerCall {
  companyId: string
  /** The location that the workflow lives in. */
  locationId: string
  /** As `triggerTargetOf` read it. */
  target: readonly string[]
  /** JSON of the shape that was registered with the trigger. */
  body: Record<string, unknown>
}

/**
 * The ids behind the execute path of a target URL; null for anything but such an address at HighLevel itself.
 * The whole text is compared, so nothing that a URL parser would repair (encodings, backslashes, credentials, a port) gets through;
 * only the ids are kept, and the call goes to the configured API.
 * @param apiUrl the only host that is called, without a trailing slash
 */
export function triggerTargetOf(targetUrl: string, apiUrl: string): string[] | null {
  const start = `${apiUrl}${prefix}`
  if (targetUrl.length > longestUrl || !targetUrl.startsWith(start)) return null
  const segments = targetUrl.slice(start.length).split('/')
  if (segments.length > maxSegments || !segments.every((segment) => /^[\w-]{1,128}$/.test(segment))) return null
  return segments
}

/**
 * The call is on none of HighLevel's API files, so it is not among `endpoints`: it stands in the guide to custom triggers only.
 * Not idempotent: twice is two runs of the workflow.
 */
function endpointOf(target: readonly string[]): Endpoint {
  const path = `${prefix}${target.map((_, index) => `{id${index + 1}}`).join('/')}`
  return { name: 'fireTrigger', method: 'POST', path, version: '2021-07-28', scope: 'workflows.readonly', idempotent: false }
}

/** @throws what `Sender.send` throws; `PermanentError highlevel_not_found` if the trigger is in no workflow any more */
export async function fireTrigger(sender: Sender, { companyId, locationId, target, body }: TriggerCall): Promise<void> {
  if (target.length === 0) throw new PermanentError('highlevel_invalid', 'The trigger has no address.')
  const path = Object.fromEntries(target.map((segment, index) => [`id${index + 1}`, pathId(segment)]))
  await sender.send(locationResource(companyId, pathId(locationId)), 'webhook', { endpoint: endpointOf(target), outgoing: { via: 'plain', path, json: body } })
}
