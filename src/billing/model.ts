import { Schema, type Connection, type Model } from 'mongoose'

export interface BillingFactRecord {
  /** `<companyId>:<idempotency key>` */
  _id: string
  companyId: string
  locationId: string
  fact: 'payment_failed' | 'payment_recovered' | 'renewal_at'
  at: Date
  renewalAt: Date | null
  note: string | null
}

/** What the facts of an account come to. */
export interface BillingRecord {
  /** `<companyId>:<locationId>` */
  _id: string
  companyId: string
  locationId: string
  payment: 'failed' | 'recovered' | null
  paymentAt: Date | null
  renewalAt: Date | null
  /** Time of the fact that named the renewal. */
  renewalFactAt: Date | null
  /** The smallest number of days ahead of this renewal that was told; 0 for none. */
  toldDays: number
  /** When the renewal is to be told of next; null for never. */
  dueAt: Date | null
  version: number
}

export function billingModels(connection: Connection): { facts: Model<BillingFactRecord>; accounts: Model<BillingRecord> } {
  const options = { strict: true, autoIndex: false, versionKey: false } as const
  const make = <R>(name: string, collection: string, members: object, indexes: Record<string, 1>[]): Model<R> => {
    const existing = connection.models[name] as Model<R> | undefined
    if (existing !== undefined) return existing
    const schema = new Schema<R>(members as never, { ...options, collection })
    for (const index of indexes) schema.index(index)
    return connection.model<R>(name, schema, collection)
  }
  return {
    facts: make<BillingFactRecord>('BillingFact', 'billing_facts', { _id: String, companyId: String, locationId: String, fact: String, at: Date, renewalAt: Date, note: String }, [{ companyId: 1, locationId: 1 }]),
    accounts: make<BillingRecord>(
      'BillingAccount', 'billing_accounts',
      { _id: String, companyId: String, locationId: String, payment: String, paymentAt: Date, renewalAt: Date, renewalFactAt: Date, toldDays: Number, dueAt: Date, version: Number },
      [{ dueAt: 1 }, { companyId: 1 }, { companyId: 1, payment: 1, paymentAt: 1 }],
    ),
  }
}
