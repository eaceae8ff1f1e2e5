/** What can happen in the product. A new type is one line here. */
export const domainEventTypes = [
  'installation.installed', 'installation.uninstalled', 'installation.needs_reconnect',
  'account.created', 'account.removed', 'user.added', 'user.removed',
  'setup.completed', 'setup.drift_found', 'setup.repaired',
  'feedback.enabled', 'feedback.disabled', 'feedback.requested', 'feedback.received', 'feedback.changed',
  'happiness.user_level_changed', 'happiness.account_level_changed',
  'case.opened', 'case.closed', 'case.overdue',
  'message.sent', 'message.failed', 'message.received', 'task.created', 'task.completed',
  'contact.field_changed', 'contact.tag_added', 'contact.tag_removed', 'card.moved', 'card.deleted',
] as const
export type DomainEventType = (typeof domainEventTypes)[number]

/** Who caused it. */
export interface Actor {
  kind: 'account_user' | 'agency_user' | 'system' | 'crm'
  id: string | null
  name: string | null
}

/** Where it came from. */
export type EventSource = 'widget' | 'button' | 'link' | 'page' | 'api' | 'webhook' | 'field' | 'card' | 'schedule' | 'workflow' | 'install'

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
  /** Ids and values that workflows' conditions and templates may use. */
  data: Record<string, unknown>
}
