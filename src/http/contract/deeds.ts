import { z } from 'zod'
import { happinessLevels } from '../../kernel/levels.ts'

const instant = z.iso.datetime()
const id = z.string().min(1).max(64)

export const maxDeedLength = 280

/** One short sentence, in one line. */
const sentence = z
  .string()
  .trim()
  .overwrite((text) => text.replaceAll(/\s+/g, ' '))
  .min(1, 'say in a sentence what was done')
  .max(maxDeedLength, `must be at most ${maxDeedLength} characters`)

/** What was done about it, and whether the customer reads it. */
export const deedWords = z.strictObject({
  text: sentence,
  /** Only if somebody says so. */
  shown: z.boolean().default(false),
})
export type DeedWords = z.output<typeof deedWords>

export const newDeed = deedWords.extend({
  /** The answer that it is about; left out, it is about the account. */
  answerId: id.optional(),
  /** Chosen by the client; the same key is the same deed. */
  idempotencyKey: z.string().trim().min(8).max(128).optional(),
})
export type NewDeed = z.output<typeof newDeed>

export const deedChange = z
  .strictObject({ text: sentence.optional(), shown: z.boolean().optional() })
  .refine((body) => body.text !== undefined || body.shown !== undefined, { path: ['text'], message: 'give a text, whether it is shown, or both' })
export type DeedChange = z.output<typeof deedChange>

const saying = z.object({
  answerId: z.string(),
  userId: z.string(),
  userName: z.string(),
  level: z.enum(happinessLevels),
  comment: z.string().nullable(),
  at: instant,
})
const person = z.object({ userId: z.string(), name: z.string() })

/** What the team did, as the team sees it. */
export const deedView = z.object({
  deedId: z.string(),
  locationId: z.string(),
  text: z.string(),
  shown: z.boolean(),
  /** Since when the customer reads it. */
  shownAt: instant.nullable(),
  /** The answer that it is about. */
  said: saying.nullable(),
  by: person,
  at: instant,
  changedBy: person.nullable(),
  changedAt: instant.nullable(),
})
export type DeedView = z.output<typeof deedView>

export const deedList = z.object({
  items: z.array(deedView),
  page: z.number().int(),
  pageSize: z.number().int(),
  total: z.number().int(),
  /** The newest answers with words, to say something about. */
  sayings: z.array(saying),
})
export type DeedList = z.output<typeof deedList>

export const deedQuery = z.object({ page: z.coerce.number().int().min(1).max(10_000).default(1), pageSize: z.coerce.number().int().min(1).max(50).default(10) })
export const accountDeeds = z.object({ locationId: id })
export const oneDeed = z.object({ locationId: id, id })

/** What a customer's user reads: what was done, and what they themselves had said; never who else said what. */
export const myDeed = z.object({
  deedId: z.string(),
  did: z.string(),
  at: instant,
  said: z.object({ comment: z.string(), at: instant }).nullable(),
})
export type MyDeed = z.output<typeof myDeed>

export const seenDeed = z.strictObject({ deedId: id })
