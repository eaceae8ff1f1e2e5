import { z } from 'zod'

const instant = z.iso.datetime()
const id = z.string().min(1).max(64)

export const exportQuery = z.strictObject({
  /** One account; the whole agency if left out. */
  locationId: id.optional(),
  /** `json`: everything that is kept; `csv`: the answers alone, for a spreadsheet. */
  format: z.enum(['json', 'csv']).default('json'),
})

export const eraseRequest = z.strictObject({ locationId: id, userId: id })

/** Somebody who was forgotten. Who it was cannot be read from it. */
export const erasure = z.object({
  erasureId: z.string(),
  /** `working`: not everything is gone yet · `checking`: all is gone, and what was under way meanwhile is looked through once more · `done`. */
  state: z.enum(['working', 'checking', 'done']),
  requestedAt: instant,
  /** User id of the admin who asked for it. */
  requestedBy: z.string(),
  /** Accounts that the person was in. */
  locationIds: z.array(z.string()),
  doneAt: instant.nullable(),
})
export type Erasure = z.output<typeof erasure>
export const erasureList = z.object({ items: z.array(erasure) })
