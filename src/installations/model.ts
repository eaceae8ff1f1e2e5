import { Schema, type Connection, type Model } from 'mongoose'

export type InstallationStatus = 'pending' | 'active' | 'needs_reconnect' | 'uninstalled'

/** The app in one agency. The four instants are facts, each the newest of its kind; the status is derived from them. */
export interface InstallationRecord {
  /** companyId */
  _id: string
  companyId: string
  kind: 'agency' | 'location'
  status: InstallationStatus
  /** Newest sign that the agency wants the app: an INSTALL event or an authorization. */
  installedAt: Date | null
  uninstalledAt: Date | null
  /** Newest authorization with tokens stored. */
  authorizedAt: Date | null
  /** HighLevel refused our tokens. */
  reconnectAt: Date | null
  companyName: string | null
  /** Domain under which the agency's people see the app; may frame our pages. */
  whitelabelDomain: string | null
  planId: string | null
  versionId: string | null
  /** Of each member above: order of the newest INSTALL, UPDATE or PLAN_CHANGE that said something about it. */
  memberFacts: Partial<Record<'companyName' | 'whitelabelDomain' | 'planId' | 'versionId', string>>
  installedBy: string | null
  /** Sub-accounts of single-location installations. */
  locationIds: string[]
  installToFutureLocations: boolean
  /** Work of completing: to be done if wanted is later than done. */
  completionWantedAt: Date | null
  completionDoneAt: Date | null
  completionDueAt: Date | null
  completionAttempts: number
  /** The last complete reading of accounts and users. */
  mirroredAt: Date | null
  /** From here on the agency's data may be deleted; null while the app is installed. */
  purgeAfter: Date | null
  lastError: { code: string; message: string; at: Date } | null
}

/** An INSTALL of a sub-account whose agency is not known yet. */
export interface ParkedInstallRecord {
  /** locationId */
  _id: string
  locationId: string
  at: Date
  eventId: string
  attempts: number
  dueAt: Date
  expireAt: Date
}

/** An authorization code that was presented, so that a reload exchanges nothing twice. */
export interface OauthCodeRecord {
  /** Hash of the code; the code itself is never stored. */
  _id: string
  state: 'exchanging' | 'done'
  companyId: string | null
  at: Date
  expireAt: Date
}

export interface InstallationModels {
  installations: Model<InstallationRecord>
  parked: Model<ParkedInstallRecord>
  codes: Model<OauthCodeRecord>
}

const options = { strict: true, autoIndex: false, versionKey: false, minimize: false } as const

function defined<T>(connection: Connection, name: string, collection: string, build: () => Schema<T>): Model<T> {
  const existing = connection.models[name] as Model<T> | undefined
  return existing ?? (connection.model<T>(name, build(), collection))
}

export function installationModels(connection: Connection): InstallationModels {
  return {
    installations: defined<InstallationRecord>(connection, 'Installation', 'installations', () => {
      const schema = new Schema<InstallationRecord>(
        {
          _id: String, companyId: String, kind: String, status: String, installedAt: Date, uninstalledAt: Date, authorizedAt: Date, reconnectAt: Date,
          companyName: String, whitelabelDomain: String, planId: String, versionId: String, memberFacts: Schema.Types.Mixed, installedBy: String, locationIds: [String],
          installToFutureLocations: Boolean, completionWantedAt: Date, completionDoneAt: Date, completionDueAt: Date, completionAttempts: Number, mirroredAt: Date,
          purgeAfter: Date, lastError: Schema.Types.Mixed,
        },
        { ...options, collection: 'installations' },
      )
      schema.index({ status: 1, completionDueAt: 1 })
      schema.index({ status: 1, mirroredAt: 1 })
      schema.index({ status: 1, purgeAfter: 1 })
      return schema
    }),
    parked: defined<ParkedInstallRecord>(connection, 'ParkedInstall', 'parked_installs', () => {
      const schema = new Schema<ParkedInstallRecord>(
        { _id: String, locationId: String, at: Date, eventId: String, attempts: Number, dueAt: Date, expireAt: Date },
        { ...options, collection: 'parked_installs' },
      )
      schema.index({ dueAt: 1 })
      schema.index({ expireAt: 1 }, { expireAfterSeconds: 0 })
      return schema
    }),
    codes: defined<OauthCodeRecord>(connection, 'OauthCode', 'oauth_codes', () => {
      const schema = new Schema<OauthCodeRecord>(
        { _id: String, state: String, companyId: String, at: Date, expireAt: Date },
        { ...options, collection: 'oauth_codes' },
      )
      schema.index({ expireAt: 1 }, { expireAfterSeconds: 0 })
      return schema
    }),
  }
}
