import { z, type ZodType, type output } from 'zod'
import type { Accounts } from '../src/accounts/index.ts'
import type { Effects } from '../src/effects/index.ts'
import type { Installations } from '../src/installations/index.ts'

/** What the events may call. */
export interface WebhookFeatures {
  installations: Pick<Installations, 'handleInstall' | 'handleUninstall' | 'handleUpdate' | 'handlePlanChange' | 'companyOf'>
  accounts: Pick<Accounts, 'applyLocationEvent' | 'applyUserEvent'>
  effects: Pick<Effects, 'observeContact' | 'observeOpportunity'>
  /** People's replies and finished tasks, for whoever stops or closes something by them. */
  replies?: {
    messageSeen(message: SeenMessage): Promise<void>
    taskCompleted(task: CompletedTask): Promise<void>
  }
}

/** A task of the success location that was ticked off. */
export interface CompletedTask {
  companyId: string
  locationId: string
  taskId: string
  contactId: string | null
  at: Date
}

/** A message in a conversation of the success location. */
export interface SeenMessage {
  companyId: string
  locationId: string
  contactId: string
  messageId: string | null
  direction: 'inbound' | 'outbound'
  /** `workflow`, `campaign`, `app`, `api` …: tells a person's touch from an automation's; only on outbound messages. */
  source: string | null
  at: Date
}

/** An event with its payload read by its schema. */
export interface WebhookContext<P> {
  payload: P
  companyId: string | null
  locationId: string | null
  /** The event's own time: states fold by it, so the order of arrival does not matter. */
  at: Date
  eventId: string
}

/** The thing that an event is about; events of one thing are worked through in order. */
export type EntityFamily = 'installation' | 'location' | 'user' | 'contact' | 'opportunity' | 'conversation' | 'task'

/** One HighLevel event: its name, what its body must hold, and what it means. */
export interface WebhookEvent<P = never> {
  type: string
  family: EntityFamily
  /** Accepted for companies that are not known yet, or no longer. */
  lifecycle?: true
  schema: ZodType<P>
  handle(context: WebhookContext<P>, features: WebhookFeatures): Promise<'done' | 'ignored'>
}

/** Declares an event with its handler typed by its schema. */
export function defineWebhookEvent<S extends ZodType>(event: Omit<WebhookEvent, 'schema' | 'handle'> & { schema: S; handle: WebhookEvent<output<S>>['handle'] }): WebhookEvent {
  return event as unknown as WebhookEvent
}

/** An id that HighLevel made. */
export const crmId = z.string().min(1).max(100)
/** A text that may be missing or null. */
export const optionalText = z.string().nullish().transform((text) => (text === undefined || text === null || text === '' ? null : text))
