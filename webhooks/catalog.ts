import { hashOf } from '../src/kernel/ids.ts'
import type { WebhookEvent } from './define.ts'
import { contactCreate } from './events/contact-create.ts'
import { contactDelete } from './events/contact-delete.ts'
import { contactDndUpdate } from './events/contact-dnd-update.ts'
import { contactTagUpdate } from './events/contact-tag-update.ts'
import { contactUpdate } from './events/contact-update.ts'
import { inboundMessage } from './events/inbound-message.ts'
import { install } from './events/install.ts'
import { locationCreate } from './events/location-create.ts'
import { locationUpdate } from './events/location-update.ts'
import { opportunityCreate } from './events/opportunity-create.ts'
import { opportunityDelete } from './events/opportunity-delete.ts'
import { opportunityStageUpdate } from './events/opportunity-stage-update.ts'
import { opportunityStatusUpdate } from './events/opportunity-status-update.ts'
import { opportunityUpdate } from './events/opportunity-update.ts'
import { outboundMessage } from './events/outbound-message.ts'
import { planChange } from './events/plan-change.ts'
import { taskComplete } from './events/task-complete.ts'
import { uninstall } from './events/uninstall.ts'
import { update } from './events/update.ts'
import { userCreate } from './events/user-create.ts'
import { userDelete } from './events/user-delete.ts'
import { userUpdate } from './events/user-update.ts'

/** Every event that the app subscribes to, by the `type` in its body. */
export const webhookCatalog = {
  INSTALL: install,
  UNINSTALL: uninstall,
  UPDATE: update,
  PLAN_CHANGE: planChange,
  LocationCreate: locationCreate,
  LocationUpdate: locationUpdate,
  UserCreate: userCreate,
  UserUpdate: userUpdate,
  UserDelete: userDelete,
  ContactCreate: contactCreate,
  ContactUpdate: contactUpdate,
  ContactDelete: contactDelete,
  ContactTagUpdate: contactTagUpdate,
  ContactDndUpdate: contactDndUpdate,
  OpportunityCreate: opportunityCreate,
  OpportunityUpdate: opportunityUpdate,
  OpportunityDelete: opportunityDelete,
  OpportunityStageUpdate: opportunityStageUpdate,
  OpportunityStatusUpdate: opportunityStatusUpdate,
  InboundMessage: inboundMessage,
  OutboundMessage: outboundMessage,
  TaskComplete: taskComplete,
} as const satisfies Record<string, WebhookEvent>

export type WebhookType = keyof typeof webhookCatalog

export const webhookTypes = Object.keys(webhookCatalog) as WebhookType[]

export function isWebhookType(type: string): type is WebhookType {
  return Object.hasOwn(webhookCatalog, type)
}

/** True for events about the installation itself, which are taken for companies that are not known. */
export function isLifecycle(type: string): boolean {
  return isWebhookType(type) && (webhookCatalog[type]).lifecycle === true
}

/** Members of a body that name the thing that the event is about. */
export interface EntityMembers {
  type: string
  companyId?: string | null | undefined
  locationId?: string | null | undefined
  id?: unknown
  contactId?: unknown
}

const longestLane = 150

/** Lane of an event: its family and entity, within the sub-account or company that it comes from. */
export function laneOf({ type, companyId, locationId, id, contactId }: EntityMembers): string {
  const family = isWebhookType(type) ? webhookCatalog[type].family : 'unknown'
  const scope = locationId ?? companyId ?? ''
  const entity = family === 'installation' ? '' : family === 'conversation' ? contactId : id
  const lane = `${family}:${scope}:${typeof entity === 'string' || typeof entity === 'number' ? String(entity) : ''}`
  return lane.length > longestLane ? hashOf(lane) : lane
}
