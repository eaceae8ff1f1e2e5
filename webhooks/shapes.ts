import { z } from 'zod'
import type { ObservedContact, ObservedOpportunity } from '../src/effects/index.ts'
import type { InstallEvent } from '../src/installations/index.ts'
import type { UserEvent } from '../src/accounts/index.ts'
import { crmId, optionalText, type SeenMessage, type WebhookContext, type WebhookFeatures } from './define.ts'

/** INSTALL and UPDATE. Source: pages AppInstall, AppUpdate. */
export const installShape = z.looseObject({
  companyId: crmId.nullish(),
  locationId: crmId.nullish(),
  userId: optionalText,
  planId: optionalText,
  versionId: optionalText,
  companyName: optionalText,
  whitelabelDetails: z.looseObject({ domain: optionalText }).nullish(),
})

export function installOf({ payload, companyId, locationId, at, eventId }: WebhookContext<z.output<typeof installShape>>): InstallEvent {
  const { userId, planId, versionId, companyName, whitelabelDetails } = payload
  return { companyId, locationId, userId, planId, versionId, companyName, whitelabelDomain: whitelabelDetails?.domain ?? null, at, eventId }
}

/** LocationCreate and LocationUpdate; `id` is the sub-account. */
export const locationShape = z.looseObject({ id: crmId, name: optionalText, email: optionalText, timezone: optionalText, stripeProductId: z.string().nullish() })

export async function applyLocation(kind: 'created' | 'updated', context: WebhookContext<z.output<typeof locationShape>>, features: WebhookFeatures): Promise<'done' | 'ignored'> {
  const { payload, companyId, at, eventId } = context
  if (companyId === null) return 'ignored'
  const { id: locationId, name, email, timezone, stripeProductId } = payload
  await features.accounts.applyLocationEvent({ kind, companyId, locationId, name, email, timezone, ...(stripeProductId === undefined ? {} : { stripeProductId }), at, eventId })
  return 'done'
}

/** User*: a sub-account's user names its `locationId`, the agency's own names a company and a list. */
export const userShape = z.looseObject({
  id: crmId,
  locationId: crmId.nullish(),
  companyId: crmId.nullish(),
  firstName: optionalText,
  lastName: optionalText,
  email: optionalText,
  phone: optionalText,
  role: z.string().nullish(),
  locations: z.array(crmId).nullish(),
})

export async function applyUser(kind: UserEvent['kind'], context: WebhookContext<z.output<typeof userShape>>, features: WebhookFeatures): Promise<'done' | 'ignored'> {
  const { payload, companyId, locationId, at, eventId } = context
  if (companyId === null) return 'ignored'
  const { id: userId, firstName, lastName, email, phone, role, locations } = payload
  await features.accounts.applyUserEvent({
    kind,
    companyId,
    userId,
    agencyUser: locationId === null,
    locationIds: locationId === null ? (locations ?? []) : [locationId],
    completeList: locationId === null && locations !== undefined && locations !== null,
    firstName,
    lastName,
    email,
    phone,
    role: role === 'admin' ? 'admin' : 'user',
    at,
    eventId,
  })
  return 'done'
}

/** Contact*: a full snapshot, without what changed or what was before. */
export const contactShape = z.looseObject({
  id: crmId,
  email: z.string().nullish(),
  tags: z.array(z.string()).nullish(),
  customFields: z.array(z.looseObject({ id: crmId, value: z.unknown().optional() })).nullish(),
  /** All channels; single ones come in `dndSettings`, which only ContactDndUpdate carries. */
  dnd: z.boolean().nullish().catch(undefined),
  dndSettings: z.record(z.string().max(40), z.looseObject({ status: z.string().nullish() }).nullish()).nullish().catch(undefined),
})

export function observedContactOf({ id, email, tags, customFields, dnd, dndSettings }: z.output<typeof contactShape>, at: Date): ObservedContact {
  return {
    id,
    at,
    ...(email === undefined ? {} : { email: email === '' ? null : email }),
    ...(tags === undefined || tags === null ? {} : { tags }),
    ...(customFields === undefined || customFields === null ? {} : { customFields: customFields.map((field) => ({ id: field.id, value: field.value })) }),
    ...(dnd === undefined || dnd === null ? {} : { dnd }),
    ...(dndSettings === undefined || dndSettings === null ? {} : { dndSettings }),
  }
}

export async function observeContact(context: WebhookContext<z.output<typeof contactShape>>, features: WebhookFeatures, deleted = false): Promise<'done' | 'ignored'> {
  const { payload, companyId, at, eventId } = context
  if (companyId === null) return 'ignored'
  await features.effects.observeContact(companyId, { ...observedContactOf(payload, at), deleted, deliveryId: eventId })
  return 'done'
}

/** Opportunity*: no custom fields, no previous stage. */
export const opportunityShape = z.looseObject({
  id: crmId,
  contactId: optionalText,
  pipelineId: optionalText,
  pipelineStageId: optionalText,
  status: optionalText,
})

/** @returns null if it names no place: there is nothing to compare then */
export function observedOpportunityOf({ id, contactId, pipelineId, pipelineStageId, status }: z.output<typeof opportunityShape>, at: Date): ObservedOpportunity | null {
  if (pipelineId === null || pipelineStageId === null) return null
  return { id, contactId, pipelineId, stageId: pipelineStageId, status: status ?? 'open', at }
}

export async function observeOpportunity(context: WebhookContext<z.output<typeof opportunityShape>>, features: WebhookFeatures, { deleted = false, moved = false } = {}): Promise<'done' | 'ignored'> {
  const { payload, companyId, at, eventId } = context
  if (companyId === null) return 'ignored'
  const { id, contactId, pipelineId, pipelineStageId, status } = payload
  const placed = observedOpportunityOf(payload, at)
  // Without a place there is nothing to compare, unless the card is gone.
  if (placed === null && !deleted) return 'ignored'
  const gone = { id, contactId, pipelineId: pipelineId ?? '', stageId: pipelineStageId ?? '', status: status ?? 'open', at }
  await features.effects.observeOpportunity(companyId, { ...(placed ?? gone), deleted, moved, deliveryId: eventId })
  return 'done'
}

/** InboundMessage and OutboundMessage. `direction` is trusted, not the name: calls were seen under the wrong one. */
export const messageShape = z.looseObject({
  contactId: optionalText,
  messageId: optionalText,
  emailMessageId: optionalText,
  direction: optionalText,
  source: optionalText,
})

export async function seeMessage(fallback: SeenMessage['direction'], context: WebhookContext<z.output<typeof messageShape>>, features: WebhookFeatures): Promise<'done' | 'ignored'> {
  const { payload, companyId, locationId, at } = context
  const { contactId, messageId, emailMessageId, direction, source } = payload
  if (features.replies === undefined || companyId === null || locationId === null || contactId === null) return 'ignored'
  const seen = direction === 'inbound' || direction === 'outbound' ? direction : fallback
  await features.replies.messageSeen({ companyId, locationId, contactId, messageId: messageId ?? emailMessageId, direction: seen, source, at })
  return 'done'
}
