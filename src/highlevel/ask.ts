import type { z } from 'zod'
import type { Endpoint } from './endpoints.ts'
import type { Resource } from './resource.ts'
import type { Sender } from './sender.ts'
import type { Outgoing } from './transport.ts'
import type { Priority } from './types.ts'
import { parse } from './wire.ts'

/** Sends one call of a location or company and reads its answer. */
export type Ask = <S extends z.ZodType>(endpoint: Endpoint, outgoing: Outgoing, answer: S) => Promise<z.output<S>>

export function createAsk(sender: Sender, resource: Resource, priority: Priority): Ask {
  return async (endpoint, outgoing, answer) => parse(answer, await sender.send(resource, priority, { endpoint, outgoing }), endpoint.name)
}
