import type { DomainEvent, Events } from '../events/index.ts'
import { userIdOf } from './edit-events.ts'
import { locationOf } from './personal.ts'
import type { ContactRecord } from './records.ts'

/** What became of a contact that people deleted: gone for good, or merged into another one that has its address. */
export type Fate = { kind: 'deleted' } | { kind: 'merged'; into: string }

/** Members of a record whose contact is gone, until it is known what became of it. @param asked nothing but that question makes the record due */
export function goneMembers(record: ContactRecord, contactId: string, at: Date, asked: boolean): Partial<ContactRecord> {
  return { goneId: contactId, goneAt: at, goneVersion: asked ? record.version + 1 : -1 }
}

export const fateKnown: Partial<ContactRecord> = { goneId: null, goneAt: null, goneVersion: -1 }

/** Nobody wants anything of the contact since it was deleted: it is not made anew for that. */
export function isOnlyAsked({ goneId, goneVersion, version }: ContactRecord): boolean {
  return goneId !== undefined && goneId !== null && goneVersion === version
}

/** Told on the timeline of every account that the contact stands for, once per contact. */
export async function tellFate(events: Pick<Events, 'append'>, record: ContactRecord, fate: Fate): Promise<void> {
  const { companyId, goneId, goneAt } = record
  if (goneId === undefined || goneId === null) return
  const told = new Set<string>()
  for (const subjectId of record.subjects) {
    const locationId = locationOf(subjectId)
    if (locationId === null || told.has(locationId)) continue
    told.add(locationId)
    const type = fate.kind === 'merged' ? 'contact.merged' : 'contact.deleted'
    const summary = fate.kind === 'merged'
      ? 'The contact was merged into another one in the CRM, which is used from now on.'
      : 'The contact was deleted in the CRM. It is made anew when there is something to write.'
    await events.append({
      ...base(record, locationId, subjectId, goneAt ?? record.createdAt), key: `${type}:${companyId}:${goneId}:${locationId}`, type, source: 'webhook', summary,
      data: { contactId: goneId, subjectId, ...(fate.kind === 'merged' ? { mergedInto: fate.into } : {}) },
    })
  }
}

/** The contact has another address: it stays bound by its id. */
export async function tellEmailChanged(events: Pick<Events, 'append'>, record: ContactRecord, contactId: string, email: string | null, at: Date, deliveryId?: string): Promise<void> {
  const { subjectId, locationId } = record.identity
  const before = record.crmEmail ?? null
  await events.append({
    ...base(record, locationId, subjectId, at), key: `person.email_changed:${record.companyId}:${contactId}:${at.toISOString()}`, type: 'person.email_changed', source: 'field',
    summary: email === null ? 'The e-mail address of the contact was removed in the CRM.' : `The e-mail address of the contact was changed to ${email} in the CRM.`,
    before, after: email, data: { contactId, subjectId },
    ...(deliveryId === undefined ? {} : { cause: { kind: 'delivery' as const, id: deliveryId } }),
  })
}

function base({ companyId }: ContactRecord, locationId: string, subjectId: string, at: Date): Pick<DomainEvent, 'companyId' | 'locationId' | 'userId' | 'at' | 'actor'> {
  return { companyId, locationId, userId: userIdOf(subjectId), at, actor: { kind: 'crm', id: null, name: null } }
}
