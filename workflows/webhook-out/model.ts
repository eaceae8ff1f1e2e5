import { Schema, type Connection, type Model } from 'mongoose'

/** An agency's signing secrets, sealed. */
export interface WebhookSecretRecord {
  /** companyId */
  _id: string
  companyId: string
  sealed: string
  madeAt: Date
  /** Null while nobody was shown it: it was made for the first webhook. */
  shownAt: Date | null
  /** The one before it, which signs as well for a while. */
  previousSealed: string | null
  previousUntil: Date | null
}

/** A receiver that said it is gone: nothing is sent there until an agency admin takes it up again. */
export interface StoppedReceiverRecord {
  _id: string
  companyId: string
  url: string
  stoppedAt: Date
}

export interface WebhookModels {
  secrets: Model<WebhookSecretRecord>
  stopped: Model<StoppedReceiverRecord>
}

const options = { strict: true, autoIndex: false, minimize: false, versionKey: false } as const

export function webhookModels(connection: Connection): WebhookModels {
  const model = <T>(name: string, schema: () => Schema<T>): Model<T> => (connection.models[name] as unknown as Model<T> | undefined) ?? connection.model<T>(name, schema())
  return {
    secrets: model<WebhookSecretRecord>('WebhookSecret', () =>
      new Schema<WebhookSecretRecord>(
        { _id: String, companyId: String, sealed: String, madeAt: Date, shownAt: Date, previousSealed: String, previousUntil: Date },
        { ...options, collection: 'webhook_secrets' },
      )),
    stopped: model<StoppedReceiverRecord>('WebhookStopped', () => {
      const schema = new Schema<StoppedReceiverRecord>({ _id: String, companyId: String, url: String, stoppedAt: Date }, { ...options, collection: 'webhook_stopped' })
      schema.index({ companyId: 1, stoppedAt: -1 })
      return schema
    }),
  }
}
