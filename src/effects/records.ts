import type { Collection } from 'mongodb'
import { Schema, type Connection } from 'mongoose'
import type { Known } from './observation.ts'
import type { ToldLook } from './personal-rules.ts'
import type { ContactIdentity, FieldKey, PipelineKey, TagGroup, WishSource } from './types.ts'
import type { FieldValue } from './values.ts'
import type { WantedRecord } from './wanted-record.ts'
import type { ExpectedWrite, SeenContact } from './watched-rules.ts'

/** A field, or the one tag of a group. */
export type WishKey = FieldKey | `tag:${TagGroup}`

/** What a contact of the success location shall be, and what we know of it. People with one e-mail address share one. */
export interface ContactRecord extends WantedRecord {
  /** Who it stands for: `user:<locationId>:<userId>`. */
  subjects: string[]
  email: string | null
  identity: ContactIdentity
  /** The success location in which `contactId` lives. */
  crmLocationId: string | null
  contactId: string | null
  /** A create was begun and not yet recorded. */
  createBegunAt: Date | null
  wantedFields: Partial<Record<FieldKey, FieldValue>>
  wantedTags: Partial<Record<TagGroup, string | null>>
  /** What each wanted value was derived from, if its wish said so. */
  wantedAsOf?: Partial<Record<WishKey, WishSource>>
  /** Values wanted so far, newest last: their echoes may still come. */
  ownValues: Partial<Record<FieldKey, FieldValue[]>>
  ownTags: Partial<Record<TagGroup, string[]>>
  known: Partial<Record<FieldKey, Known<FieldValue> & { fieldId: string }>>
  knownTags: { value: string[]; at: Date; own: boolean } | null
  /** What else was seen on the contact last; left out until it was. */
  seen?: SeenContact | null
  /** Writes of steps that are under way. */
  expected?: ExpectedWrite[]
  /** News was unclear: the next reconcile reads the contact first. */
  verify: boolean
  /** Looks at Health Status that were stored and not told yet. */
  untold?: ToldLook<string>[]
  /** The contact that people deleted, while it is not known whether it was merged into another one. */
  goneId?: string | null
  goneAt?: Date | null
  /** The record's version by that alone: a newer one was wanted since. */
  goneVersion?: number
  /** Address of the contact in HighLevel when it was seen last; it may differ from the person's. */
  crmEmail?: string | null
  crmEmailAt?: Date
}

/** Where a card shall be, and what we know of it. */
export interface CardRecord extends WantedRecord {
  pipeline: PipelineKey
  subjectId: string
  /** Key of the ContactRecord on whose contact the card hangs. */
  contactKey: string
  identity: ContactIdentity
  name: string
  crmLocationId: string | null
  opportunityId: string | null
  createBegunAt: Date | null
  wantedLevel: string
  ownLevels: string[]
  /** Value: `<pipelineId>/<stageId>`. */
  known: Known<string> | null
  /** When a person deleted it, and in which pipeline. */
  deletedAt: Date | null
  deletedFrom: string | null
  verify: boolean
  /** Looks at the place of a health card that were stored and not told yet. */
  untold?: ToldLook<string>[]
  /** Health cards of this record that are gone: late news of them still counts. */
  goneIds?: string[]
  goneAt?: Date
}

/** A message, task or note that HighLevel took, by its id there: tells our own apart when looking before a re-send. */
export interface SentRecord {
  _id: string
  companyId: string
  contactId: string
  externalId: string
  kind: string
  /** Of a card that a step placed: its pipeline. */
  place?: string
  sentAt: Date
}

/** An entry into a workflow that was asked for and is not known to have happened: written before the call, so that no crash asks twice. */
export interface BegunRecord {
  _id: string
  companyId: string
  begunAt: Date
  /** Since when a person must look; null while the call is under way. */
  givenUpAt: Date | null
}

/** Key of a message in the outbox and among what was sent. */
export function sentKeyOf(companyId: string, key: string): string {
  return `${companyId}:${key}`
}

const queueMembers = {
  _id: String,
  companyId: String,
  state: String,
  dueAt: Date,
  version: Number,
  rev: Number,
  token: String,
  leaseUntil: Date,
  attempts: Number,
  failures: Number,
  lastWriteAt: Date,
  reason: String,
  error: Schema.Types.Mixed,
  createdAt: Date,
}
const schemaOptions = { strict: true, autoIndex: false, minimize: false, versionKey: false } as const

function declare(connection: Connection, collection: string, schema: Schema): Collection<never> {
  if (connection.models[collection] === undefined) connection.model(collection, schema, collection)
  return connection.collection(collection) as unknown as Collection<never>
}

/** Declares the collections of this room and their indexes. */
export function effectCollections(connection: Connection): { contacts: Collection<WantedRecord>; cards: Collection<WantedRecord>; sent: Collection<SentRecord>; begun: Collection<BegunRecord> } {
  const { Mixed } = Schema.Types
  const contact = new Schema(
    {
      ...queueMembers,
      subjects: [String],
      email: String,
      identity: Mixed,
      crmLocationId: String,
      contactId: String,
      createBegunAt: Date,
      wantedFields: Mixed,
      wantedTags: Mixed,
      wantedAsOf: Mixed,
      ownValues: Mixed,
      ownTags: Mixed,
      known: Mixed,
      knownTags: Mixed,
      seen: Mixed,
      expected: Mixed,
      verify: Boolean,
      untold: Mixed,
      goneId: String,
      goneAt: Date,
      goneVersion: Number,
      crmEmail: String,
      crmEmailAt: Date,
    },
    schemaOptions,
  )
  contact.index({ companyId: 1, subjects: 1 })
  contact.index({ companyId: 1, email: 1 })
  contact.index({ companyId: 1, contactId: 1 })
  const card = new Schema(
    {
      ...queueMembers,
      pipeline: String,
      subjectId: String,
      contactKey: String,
      identity: Mixed,
      name: String,
      crmLocationId: String,
      opportunityId: String,
      createBegunAt: Date,
      wantedLevel: String,
      ownLevels: [String],
      known: Mixed,
      deletedAt: Date,
      deletedFrom: String,
      verify: Boolean,
      untold: Mixed,
      goneIds: [String],
      goneAt: Date,
    },
    schemaOptions,
  )
  card.index({ companyId: 1, opportunityId: 1 })
  card.index({ companyId: 1, contactKey: 1 })
  card.index({ companyId: 1, goneIds: 1 })
  for (const schema of [contact, card]) {
    schema.index({ state: 1, dueAt: 1 })
    schema.index({ companyId: 1, state: 1, dueAt: 1 })
  }
  const sent = new Schema({ _id: String, companyId: String, contactId: String, externalId: String, kind: String, place: String, sentAt: Date }, schemaOptions)
  sent.index({ companyId: 1, contactId: 1 })
  sent.index({ sentAt: 1 }, { expireAfterSeconds: 90 * 24 * 60 * 60 })
  const begun = new Schema({ _id: String, companyId: String, begunAt: Date, givenUpAt: Date }, schemaOptions)
  begun.index({ companyId: 1 })
  begun.index({ begunAt: 1 }, { expireAfterSeconds: 90 * 24 * 60 * 60 })
  return {
    begun: declare(connection, 'effect_begun', begun) as unknown as Collection<BegunRecord>,
    contacts: declare(connection, 'effect_contacts', contact) as unknown as Collection<WantedRecord>,
    cards: declare(connection, 'effect_cards', card) as unknown as Collection<WantedRecord>,
    sent: declare(connection, 'effect_sent', sent) as unknown as Collection<SentRecord>,
  }
}
