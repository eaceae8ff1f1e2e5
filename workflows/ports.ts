import type { OutboxMessage } from '../src/effects/index.ts'
import type { AgencySettings } from '../src/http/contract/settings.ts'
import type { WebhookDelivery } from './webhook-out/index.ts'
import type { HappinessLevel, HealthLevel } from '../src/kernel/levels.ts'

/** What workflows know about one account. */
export interface WorkflowAccount {
  name: string
  group: string
  premium: boolean
  /** HighLevel user id of the account's owner (its CSM); null → nobody yet. */
  ownerId: string | null
  /** IANA zone; null → UTC. */
  timezone: string | null
  /** Health Status; null → nobody set one. */
  healthLevel: HealthLevel | null
  /** Happiness Level; null → no current reading. */
  happinessLevel: HappinessLevel | null
}

/** A person's contact in the success location, as it was seen last. */
export interface WorkflowContact {
  tags: string[]
  /** Values by the field's name in lower case; a field without a value is not there. */
  fields: Record<string, string>
}

/** What is read for one event, once for everybody who works on it. */
export interface EventScene {
  /** The event's account; null if it is not there, or the event is about none. */
  account(): Promise<WorkflowAccount | null>
}

/** What workflows know about a person: an account user, or a member of the agency's team. */
export interface WorkflowPerson {
  id: string
  name: string | null
  firstName: string | null
  lastName: string | null
  email: string | null
  phone: string | null
}

/** A message of a workflow to the agency's team. */
export interface TeamNotice {
  /** Unique; the same key tells once. */
  key: string
  companyId: string
  locationId: string | null
  audience: 'owner' | 'everyone' | 'leads'
  /** Owner of the matter, where it is not the account's owner. */
  ownerId: string | null
  /** The account's owner, as just read. */
  accountOwnerId: string | null
  /** What preferences and grouping go by. */
  kind: string
  title: string
  body: string
  /** Path inside the workspace; null for none. */
  link: string | null
  /** The workflow says that this is worth an e-mail; a person's preferences may say otherwise. */
  email: boolean
  /** All ways that the workflow suggests. */
  channels: readonly ('in_app' | 'email' | 'task' | 'chat')[]
  at: Date
}

/** The rest of the product as workflows need it. Wired up in the composition root. */
export interface WorkflowPorts {
  settings(companyId: string): Promise<Pick<AgencySettings, 'messages' | 'brand'>>
  /** The agency's switch for all messages to customers. */
  pauseSending(companyId: string, paused: boolean, by: string): Promise<void>
  /** False once the app was uninstalled. */
  isLive(companyId: string): Promise<boolean>
  account(companyId: string, locationId: string): Promise<WorkflowAccount | null>
  /** @returns null once the user was removed */
  person(companyId: string, locationId: string, userId: string): Promise<WorkflowPerson | null>
  /** Role of an account user in their sub-account; null once they left. */
  userRole(companyId: string, locationId: string, userId: string): Promise<string | null>
  /** The user's contact; null → there is none yet. */
  contact(companyId: string, locationId: string, userId: string): Promise<WorkflowContact | null>
  teamMember(companyId: string, userId: string): Promise<WorkflowPerson | null>
  /** The user's newest valid answer; null → no current reading. */
  userLevel(companyId: string, locationId: string, userId: string): Promise<HappinessLevel | null>
  /** The account's Health Status; null → nobody set one. */
  healthLevel(companyId: string, locationId: string): Promise<HealthLevel | null>
  /** User id of the person to write to when something is about the account as a whole; null → there is nobody. */
  primaryPerson(companyId: string, locationId: string): Promise<string | null>
  hasOpenCase(companyId: string, locationId: string): Promise<boolean>
  /** A signed link with which the user answers by one tap. */
  feedbackLink(companyId: string, locationId: string, userId: string): Promise<string>
  send(message: OutboxMessage): Promise<'queued' | 'duplicate'>
  /** Takes a message back before it left. */
  cancel(companyId: string, key: string, reason: string): Promise<boolean>
  /** Has the outbox try a message again that it gave up. @returns false if it did not give it up */
  sendAgain(companyId: string, key: string): Promise<boolean>
  /** The accounts that workflows on a schedule go through, in a fixed order. */
  locationIds(companyId: string): Promise<string[]>
  /** IANA zone of the agency; null → UTC. */
  agencyZone(companyId: string): Promise<string | null>
  /** The task need not be done any more: it never leaves, or is completed. Idempotent, also before the task was sent. */
  settleTask(task: { companyId: string; key: string; locationId: string; userId: string; reason: string }): Promise<void>
  notify(notice: TeamNotice): Promise<void>
  /** Sends a signed webhook, at least once under one id. @throws PermanentError if webhooks cannot go there */
  webhook(delivery: WebhookDelivery): Promise<'queued' | 'duplicate'>
  /** True if HighLevel keeps this custom field as a number. */
  fieldIsNumber(companyId: string, fieldId: string): Promise<boolean>
}
