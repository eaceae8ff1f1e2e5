import { z } from 'zod'

const instant = z.iso.datetime()

export const billingFact = z
  .strictObject({
    fact: z.enum(['payment_failed', 'payment_recovered', 'renewal_at']),
    /** When it happened; default: now. Not in the future. */
    at: instant.optional(),
    /** For `renewal_at`: when the contract renews; null: not known any more. */
    renewalAt: instant.nullish(),
    /** One sentence for the timeline, for example the amount. */
    note: z.string().trim().max(300).optional(),
    /** The same key is the same fact, for ever. */
    idempotencyKey: z.string().min(8).max(100),
  })
  .superRefine((body, context) => {
    if (body.fact === 'renewal_at' && body.renewalAt === undefined) context.addIssue({ code: 'custom', path: ['renewalAt'], message: 'must be an instant, or null if it is not known any more' })
    if (body.fact !== 'renewal_at' && body.renewalAt !== undefined) context.addIssue({ code: 'custom', path: ['renewalAt'], message: 'goes with the fact renewal_at only' })
  })
export type BillingFact = z.output<typeof billingFact>

/** What is known of an account's payments. */
export const billingView = z.object({
  /** `unknown`: nobody told of a payment yet. */
  payment: z.enum(['unknown', 'failed', 'recovered']),
  paymentAt: instant.nullable(),
  renewalAt: instant.nullable(),
})
export type BillingView = z.output<typeof billingView>
