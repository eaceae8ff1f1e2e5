import { z } from 'zod'

/**
 * That something changed, never what: the page that shows it reads it again with its own session.
 * `mine`: what a customer's user is shown about themselves · `runs`: runs of workflows went on · `workflow`: somebody changed one ·
 * `everything`: too much changed to say what.
 */
export const liveHint = z.discriminatedUnion('type', [
  z.object({ type: z.literal('account'), locationId: z.string() }),
  z.object({ type: z.literal('cases') }),
  z.object({ type: z.literal('notifications') }),
  z.object({ type: z.literal('runs') }),
  z.object({ type: z.literal('workflow'), key: z.string() }),
  z.object({ type: z.literal('setup') }),
  z.object({ type: z.literal('mine') }),
  z.object({ type: z.literal('everything') }),
])
export type LiveHint = z.infer<typeof liveHint>

export const liveQuery = z.object({
  /** Id of the last message that arrived, where a header cannot be sent: what happened since comes first. */
  lastEventId: z.string().regex(/^\d{1,16}$/, 'must be the id of a message of this stream').optional(),
})
