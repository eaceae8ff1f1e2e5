import { z } from 'zod'
import { healthLevels } from '../../kernel/levels.ts'
import { accountHealth, healthSources } from './accounts.ts'

const instant = z.iso.datetime()
const note = z.string().trim().max(1_000)
const reasonCodes = z.array(z.string().min(1).max(40)).max(10)

/** Sets an account's status. The agency's settings say how short a note may be and how many reasons fit. */
export const healthRequest = z.strictObject({
  level: z.enum(healthLevels),
  note,
  reasonCodes: reasonCodes.optional(),
  /** The change the person was looking at (`health.changeId`, null for none): refused with 409 if somebody changed the status since. */
  ifChangeId: z.string().max(100).nullable().optional(),
  /** The same key is carried out once; a repeat gives the same answer. */
  idempotencyKey: z.string().min(8).max(100).optional(),
})
export type HealthRequest = z.output<typeof healthRequest>

/** "Still true": the clock of staleness starts again, nothing else changes. */
export const healthConfirmRequest = z.strictObject({ note: note.optional(), ifChangeId: z.string().max(100).nullable().optional() })
export type HealthConfirmRequest = z.output<typeof healthConfirmRequest>

/** Takes the newest change back by a compensating one. `changeId` makes sure that it is the change which the person saw; left out, it is the one that stands. */
export const healthUndoRequest = z.strictObject({ changeId: z.string().min(1).max(100).optional(), note: note.optional() })
export type HealthUndoRequest = z.output<typeof healthUndoRequest>

/** The note that a change made in the CRM still lacks. */
export const healthNoteRequest = z.strictObject({ note, reasonCodes: reasonCodes.optional() })
export type HealthNoteRequest = z.output<typeof healthNoteRequest>

/** What Barometer did about a change. */
export const healthAct = z.object({
  kind: z.enum(['contacts_written', 'card_moved', 'follow_up', 'task', 'message', 'notification', 'restored']),
  /** One plain sentence. */
  summary: z.string(),
  /** Path inside the workspace. */
  link: z.string().nullable(),
})
export type HealthAct = z.output<typeof healthAct>

/** One change of the status, newest first in lists. */
export const healthChange = z.object({
  changeId: z.string(),
  locationId: z.string(),
  at: instant,
  level: z.enum(healthLevels),
  before: z.enum(healthLevels).nullable(),
  source: z.enum(healthSources),
  actor: z.object({ kind: z.string(), id: z.string().nullable(), name: z.string().nullable() }),
  note: z.string().nullable(),
  reasonCodes: z.array(z.string()),
  /** The note is still asked for. */
  noteWanted: z.boolean(),
  /** Confirmations of this level, newest first. */
  confirmations: z.array(z.object({ at: instant, actor: z.object({ id: z.string().nullable(), name: z.string().nullable() }), note: z.string().nullable(), reasonCodes: z.array(z.string()).optional() })),
  /** The change that this one takes back. */
  undoes: z.string().nullable(),
  /** The change that took this one back. */
  undoneBy: z.string().nullable(),
  /** It came to light after a later change and never was the account's status. */
  overtaken: z.boolean(),
  acts: z.array(healthAct),
})
export type HealthChange = z.output<typeof healthChange>

export const healthHistory = z.object({ items: z.array(healthChange), page: z.number().int(), pageSize: z.number().int(), total: z.number().int() })
export type HealthHistory = z.output<typeof healthHistory>

export const healthHistoryQuery = z.strictObject({
  page: z.coerce.number().int().min(1).max(10_000).default(1),
  pageSize: z.coerce.number().int().min(1).max(200).default(25),
  format: z.enum(['json', 'csv']).default('json'),
})

/** Changes made in the CRM whose note is missing. */
export const openHealthItems = z.object({
  items: z.array(z.object({ locationId: z.string(), accountName: z.string(), csm: z.object({ userId: z.string(), name: z.string() }).nullable(), change: healthChange })),
  page: z.number().int(),
  pageSize: z.number().int(),
  total: z.number().int(),
})
export type OpenHealthItems = z.output<typeof openHealthItems>

export const openHealthItemsQuery = z.strictObject({
  /** User id of the CSM, `none`, or `me`. */
  csm: z.string().min(1).max(64).optional(),
  page: z.coerce.number().int().min(1).max(10_000).default(1),
  pageSize: z.coerce.number().int().min(1).max(200).default(25),
})

export const healthAnswer = accountHealth
