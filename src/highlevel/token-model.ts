import { Schema, type Connection, type Model } from 'mongoose'
import { modelOn } from './resource.ts'

/** Tokens of one company, or of one location of it. */
export interface TokenRecord {
  /** Resource key; also the context under which both tokens are sealed. */
  _id: string
  companyId: string
  locationId: string | null
  /** `granted`: came with an installation and rotates by its own refresh token. `minted`: made from the company's token, renewed by minting again. */
  source: 'granted' | 'minted'
  sealedAccess: string
  sealedRefresh: string | null
  /** Key that sealed them, to find records to seal again after a rotation of `APP_SECRET`. */
  sealKeyId: string
  /** Counts every new pair; a writer that saw an older version loses. */
  version: number
  obtainedAt: Date
  expiresAt: Date
  /** When the token keeper renews it: 75 % of its life. */
  renewAt: Date
  status: 'ok' | 'needs_reconnect'
  /** One renewal at a time across processes. */
  leaseOwner: string | null
  leaseUntil: Date | null
}

const schema = new Schema<TokenRecord>(
  {
    _id: String,
    companyId: String,
    locationId: String,
    source: String,
    sealedAccess: String,
    sealedRefresh: String,
    sealKeyId: String,
    version: Number,
    obtainedAt: Date,
    expiresAt: Date,
    renewAt: Date,
    status: String,
    leaseOwner: String,
    leaseUntil: Date,
  },
  { collection: 'highlevel_tokens', strict: true, autoIndex: false, versionKey: false },
)
schema.index({ companyId: 1, locationId: 1 })
schema.index({ status: 1, source: 1, renewAt: 1 })
schema.index({ sealKeyId: 1 })

export function tokenModel(connection: Connection): Model<TokenRecord> {
  return modelOn<TokenRecord>(connection, 'HighLevelToken', schema, 'highlevel_tokens')
}
