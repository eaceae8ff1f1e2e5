import type { HappinessLevel, HealthLevel } from '../kernel/levels.ts'

/** The custom fields that the product keeps on contacts of the success location. */
export const fieldKeys = ['happinessLevel', 'healthStatus', 'happinessScore', 'companyHappinessLevel', 'lastFeedback', 'lastFeedbackComment'] as const
export type FieldKey = (typeof fieldKeys)[number]
export type PipelineKey = 'happiness' | 'health'
export type TagGroup = 'happiness' | 'health'

/** Ids in the success location, remembered at set-up. A part that is missing is null: work that needs it waits. */
export interface ResourceMap {
  companyId: string
  /** The success location. */
  locationId: string
  fields: Record<FieldKey, string | null>
  pipelines: {
    happiness: { id: string; stages: Record<HappinessLevel, string> } | null
    /** `lowest`: the stage into which HighLevel drops the cards of a stage that is deleted. */
    health: { id: string; stages: Record<HealthLevel, string>; lowest?: string } | null
  }
}

/** Who a contact is; used to find or create it. `subjectId` is stable: `user:<locationId>:<userId>`. */
export interface ContactIdentity {
  subjectId: string
  locationId: string
  email: string | null
  firstName: string | null
  lastName: string | null
  phone: string | null
  companyName: string
}

/** Wanted state of one contact; members left out stay as they were wanted before. */
export interface WantedContact {
  companyId: string
  identity: ContactIdentity
  /** Values as HighLevel stores them: labels, numbers, ISO dates; '' clears. */
  fields?: Partial<Record<FieldKey, string | number>>
  /** At most one tag per group, for example { happiness: 'happiness: very happy' }; null removes the group's tag. */
  tags?: Partial<Record<TagGroup, string | null>>
  /** All tags of a group: whichever of them the contact has besides the wanted one is taken away, whoever added it. */
  tagChoices?: Partial<Record<TagGroup, readonly string[]>>
  /** Which state of which record the wish was derived from: one that is older than what was wanted from the same source is passed over. */
  asOf?: WishSource
}

/** A record with a version that grows by every change. */
export interface WishSource {
  source: string
  version: number
}

/** Wanted stage of one card. `subjectId` is the contact's subject for happiness, `account:<locationId>` for health. */
export interface WantedCard {
  companyId: string
  pipeline: PipelineKey
  subjectId: string
  /** The contact that the card hangs on. */
  contact: ContactIdentity
  name: string
  /** Level whose stage is wanted. */
  level: HappinessLevel | HealthLevel
}

/** A tag, field or card of the agency's own, or one of its workflows, as a step of an automation writes it: once, and nothing of the product's own. */
export type CrmContent =
  | { kind: 'tags'; add: string[]; remove: string[] }
  /** `label`: the field's name, for words about it. */
  | { kind: 'field'; fieldId: string; value: string | number; label?: string }
  /** The contact's card in that pipeline goes to the stage; made, under `name`, if there is none. `label`: of pipeline and stage. */
  | { kind: 'card'; pipelineId: string; stageId: string; name: string; label?: string }
  | { kind: 'crm_workflow'; action: 'add' | 'remove'; workflowId: string; label?: string }

/** A message, task or note, or what a step writes to a contact: must leave exactly once. */
export interface OutboxMessage {
  /** Idempotency key: the same key is never sent twice. */
  key: string
  companyId: string
  contact: ContactIdentity
  /** Not sent before this instant. */
  dueAt: Date
  /** The status change that it is about: the events of this message name it. */
  changeId?: string
  content:
    | { kind: 'email'; subject: string; html: string; text: string }
    | { kind: 'sms'; text: string }
    | { kind: 'task'; title: string; body: string; dueAt: Date; assignedTo: string | null }
    | { kind: 'note'; body: string }
    | CrmContent
}

/** A task of ours whose matter is settled: it need not be done any more. */
export interface SettledTask {
  companyId: string
  /** Idempotency key with which the task was, or would have been, sent. */
  key: string
  /** Who the task's contact stands for. */
  subjectId: string
  locationId: string
  /** Why, as a code. */
  reason: string
}

/** What the outbox holds. */
export type OutboxItem = OutboxMessage | SettledTask

/** A value in HighLevel that is not what we last wrote: a person's edit. */
export type PersonEdit =
  | { kind: 'field'; contactId: string; subjectId: string; field: FieldKey; before: string | number | null; after: string | number | null }
  | { kind: 'tag_added' | 'tag_removed'; contactId: string; subjectId: string; stamp: string; tag: string }
  /** A custom field that is not ours; long values are shortened. null: empty. */
  | { kind: 'custom_field'; contactId: string; subjectId: string; stamp: string; fieldId: string; before: string | null; after: string | null }
  /** Do-not-disturb: `all` or single channels. */
  | { kind: 'opted_out' | 'opted_in'; contactId: string; subjectId: string; stamp: string; channels: string[] }
  /** A card of ours; `before` and `after` are levels, `fromPlace` and `toPlace` are `<pipelineId>/<stageId>`. */
  | { kind: 'card_moved'; opportunityId: string; subjectId: string; pipeline: PipelineKey; before: string | null; after: string | null; fromPlace: string | null; toPlace: string }
  /** Any other opportunity of a contact that is ours; `fromPlace` is null if it was never seen before. */
  | { kind: 'stage_changed'; opportunityId: string; subjectId: string; stamp: string; fromPlace: string | null; toPlace: string }
  | { kind: 'card_deleted'; opportunityId: string; subjectId: string; pipeline: PipelineKey }
