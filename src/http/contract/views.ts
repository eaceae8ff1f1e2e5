import { z } from 'zod'
import { accountQuery } from './accounts.ts'

/** Columns of the list of accounts that one may leave out; the name always stays. */
export const accountColumnNames = ['owner', 'health', 'happiness', 'trend', 'users', 'feedback'] as const
export type AccountColumn = (typeof accountColumnNames)[number]

const filter = z.string().min(1).max(100)

/** How a list is narrowed, ordered and shown, in the words of the page's address. */
export const viewLook = z.strictObject({
  filters: z.strictObject({
    q: filter.optional(), group: filter.optional(), health: filter.optional(), happiness: filter.optional(), csm: filter.optional(), feedback: filter.optional(),
    stale: filter.optional(), noteWanted: filter.optional(), disagreement: filter.optional(), dissent: filter.optional(),
  }),
  sort: accountQuery.shape.sort.unwrap().optional(),
  /** Left out: all columns. */
  columns: z.array(z.enum(accountColumnNames)).max(accountColumnNames.length).optional(),
})
export type ViewLook = z.output<typeof viewLook>

export const savedView = z.object({
  viewId: z.string(),
  name: z.string(),
  look: viewLook,
  /** Everybody on the team has it. */
  shared: z.boolean(),
  /** The person who asks may change and delete it. */
  editable: z.boolean(),
})
export type SavedView = z.output<typeof savedView>

export const savedViews = z.object({ items: z.array(savedView) })
export const viewParams = z.strictObject({ viewId: z.string().regex(/^[A-Za-z0-9_-]{8,40}$/, 'must be 8 to 40 letters, digits, - or _') })
export const viewRequest = z.strictObject({
  name: z.string().trim().min(1, 'give it a name').max(40),
  look: viewLook,
  /** For everybody on the team; agency admins only. */
  shared: z.boolean().default(false),
})
export type ViewRequest = z.output<typeof viewRequest>
