/** What can happen in the product. A new type is one line here. */
export const domainEventTypes = [
  'installation.installed', 'installation.uninstalled', 'installation.needs_reconnect',
  'account.created', 'account.removed', 'user.added', 'user.removed',
  'setup.completed', 'setup.drift_found', 'setup.repaired',
  'feedback.enabled', 'feedback.disabled', 'feedback.requested', 'feedback.received', 'feedback.changed',
  'happiness.user_level_changed', 'happiness.account_level_changed',
  'health.changed', 'health.confirmed', 'health.note_added', 'health.value_refused', 'health.stale',
  'csm.assigned', 'account.premium_changed', 'account.group_changed', 'person.primary_changed', 'person.key_changed', 'hours.logged', 'hours.removed', 'note.added',
  'account.silent', 'person.email_changed', 'contact.deleted', 'contact.merged', 'account.renamed',
  'case.opened', 'case.assigned', 'case.closed', 'case.overdue', 'case.escalated', 'case.acknowledged',
  'deed.noted', 'deed.shown', 'deed.hidden', 'deed.changed', 'deed.withdrawn',
  'message.sent', 'message.failed', 'message.received', 'task.created', 'task.completed',
  'contact.field_changed', 'contact.tag_added', 'contact.tag_removed', 'card.moved', 'card.deleted',
  'contact.custom_field_changed', 'contact.opted_out', 'contact.opted_in', 'card.stage_changed',
  'account.churned', 'account.unanswered', 'user.inactive', 'user.returned', 'score.milestone',
  'privacy.person_forgotten',
  'billing.payment_failed', 'billing.payment_recovered', 'billing.renewal_set', 'billing.renewal_ahead',
] as const
export type DomainEventType = (typeof domainEventTypes)[number]

/** Told by timelines only: no workflow and no observer reads these, so they are stored as worked through. */
export const timelineOnlyTypes: ReadonlySet<DomainEventType> = new Set(['billing.renewal_set', 'privacy.person_forgotten'])

/** Who caused it. */
export interface Actor {
  kind: 'account_user' | 'agency_user' | 'system' | 'crm'
  id: string | null
  name: string | null
}

/** Where it came from. */
export type EventSource = 'widget' | 'button' | 'link' | 'page' | 'api' | 'webhook' | 'field' | 'card' | 'bulk' | 'undo' | 'schedule' | 'workflow' | 'install'

/** What an event came from, so that one can look there: a webhook delivery, a run of a workflow, an answer, a status change, a case, another event. */
export interface EventCause {
  kind: 'delivery' | 'run' | 'answer' | 'change' | 'case' | 'event'
  id: string
}

/** One fact about an account or agency. Appended once under its unique key; read by the timeline and by workflows. */
export interface DomainEvent {
  /** Deterministic and unique, so that deriving twice appends once; for example `feedback.received:<answerId>`. */
  key: string
  companyId: string
  /** The account it is about; null for the agency as a whole. */
  locationId: string | null
  /** The account user it is about, if any. */
  userId: string | null
  type: DomainEventType
  /** When it happened, by the fact's own clock. */
  at: Date
  actor: Actor
  source: EventSource
  /** One plain sentence for the timeline. */
  summary: string
  before?: unknown
  after?: unknown
  /** Where to look for the reason; left out where the actor is the whole reason. */
  cause?: EventCause
  /** Ids and values that workflows' conditions and templates may use. */
  data: Record<string, unknown>
}
