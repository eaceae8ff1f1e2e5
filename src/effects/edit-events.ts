import type { DomainEvent, Events } from '../events/index.ts'
import { hashOf } from '../kernel/ids.ts'
import { happinessLabels, healthLabels } from '../kernel/levels.ts'
import type { CrmNames, PlaceNames } from './names.ts'
import type { ContactIdentity, FieldKey, PersonEdit, PipelineKey } from './types.ts'

/** The product's own fields by the names that set-up gives them. */
export const fieldNames: Record<FieldKey, string> = {
  happinessLevel: 'Happiness Level',
  healthStatus: 'Health Status',
  happinessScore: 'Happiness Score',
  companyHappinessLevel: 'Company Happiness Level',
  lastFeedback: 'Last Feedback',
  lastFeedbackComment: 'Last Feedback Comment',
}
const pipelineNames: Record<PipelineKey, string> = { happiness: 'Happiness Level', health: 'Company Health Status' }
const levelNames: Readonly<Record<string, string>> = { ...happinessLabels, ...healthLabels }
const channelNames: Readonly<Record<string, string>> = { all: 'all channels', sms: 'SMS', email: 'e-mail', call: 'calls', whatsapp: 'WhatsApp', fb: 'Facebook', gmb: 'Google Business' }
/** Longest part of a value that a sentence shows. */
const shownLength = 60

/** Where people's edits are told, and what the things are called there. */
export interface EditTelling {
  events: Pick<Events, 'append'>
  names: CrmNames
}

/** Appends what people edited in HighLevel. Keys derive from the edit, so a repeated observation appends nothing. */
export async function appendEdits(
  { events, names }: EditTelling,
  companyId: string,
  identity: ContactIdentity,
  edits: readonly PersonEdit[],
  at: Date,
  deliveryId?: string,
): Promise<void> {
  const cause = deliveryId === undefined ? {} : { cause: { kind: 'delivery' as const, id: deliveryId } }
  for (const edit of edits) {
    const base = {
      companyId, at,
      locationId: identity.locationId,
      userId: userIdOf(identity.subjectId),
      actor: { kind: 'crm' as const, id: null, name: null },
      ...cause,
    }
    for (const told of await eventsOf(companyId, edit, at, names)) await events.append({ ...base, ...told })
  }
}

/** The account user in a subject `user:<locationId>:<userId>`. */
export function userIdOf(subjectId: string): string | null {
  const [kind, , userId] = subjectId.split(':')
  return kind === 'user' && userId !== undefined ? userId : null
}

type Told = Pick<DomainEvent, 'key' | 'type' | 'source' | 'summary' | 'data'> & Partial<Pick<DomainEvent, 'before' | 'after'>>

async function eventsOf(companyId: string, edit: PersonEdit, at: Date, names: CrmNames): Promise<Told[]> {
  const key = (...parts: string[]): string => `crm:${hashOf(companyId, edit.kind, ...parts)}`
  const instant = at.toISOString()
  switch (edit.kind) {
    case 'field': {
      const { contactId, subjectId, field, before, after } = edit
      const fieldName = fieldNames[field]
      const said = field === 'lastFeedbackComment' || after === null || after === '' ? `The field ${fieldName} was edited in the CRM.` : `The field ${fieldName} was set to ${String(after)} in the CRM.`
      return [{ key: key(contactId, field, instant), type: 'contact.field_changed', source: 'field', summary: said, before, after, data: { contactId, subjectId, field, fieldName } }]
    }
    case 'custom_field': {
      const { contactId, subjectId, stamp, fieldId, before, after } = edit
      const fieldName = await names.field(companyId, fieldId)
      const summary = after === null ? `The field ${fieldName} was emptied in the CRM.` : `The field ${fieldName} was set to ${shown(after)} in the CRM${before === null ? '' : `; before it was ${shown(before)}`}.`
      return [{ key: key(contactId, fieldId, stamp, after ?? ''), type: 'contact.custom_field_changed', source: 'field', summary, before, after, data: { contactId, subjectId, fieldId, fieldName, before, after } }]
    }
    case 'tag_added':
    case 'tag_removed': {
      const { contactId, subjectId, stamp, tag } = edit
      const added = edit.kind === 'tag_added'
      const summary = `The tag "${tag}" was ${added ? 'added' : 'removed'} in the CRM.`
      return [{ key: key(contactId, tag, stamp), type: added ? 'contact.tag_added' : 'contact.tag_removed', source: 'field', summary, data: { contactId, subjectId, tag } }]
    }
    case 'opted_out':
    case 'opted_in': {
      const { contactId, subjectId, stamp, channels } = edit
      const out = edit.kind === 'opted_out'
      const words = channels.includes('all') ? 'all channels' : channels.map((channel) => channelNames[channel] ?? channel).join(', ')
      const summary = `Do not disturb was switched ${out ? 'on' : 'off'} for ${words}.`
      return [{ key: key(contactId, channels.join(','), stamp), type: out ? 'contact.opted_out' : 'contact.opted_in', source: 'field', summary, data: { contactId, subjectId, channels } }]
    }
    case 'card_moved': {
      const { opportunityId, subjectId, pipeline, before, after, fromPlace, toPlace } = edit
      const summary = `The card was moved in the pipeline ${pipelineNames[pipeline]}.`
      const moved: Told = { key: key(opportunityId, instant), type: 'card.moved', source: 'card', summary, before, after, data: { opportunityId, subjectId, pipeline } }
      if (fromPlace === null) return [moved]
      const ours: CrmNames = { ...names, place: async (company, place) => ownPlace(pipeline, place, place === fromPlace ? before : after) ?? names.place(company, place) }
      return [moved, await stageChanged(key(opportunityId, instant, 'stage'), companyId, { opportunityId, subjectId, fromPlace, toPlace }, ours)]
    }
    case 'stage_changed':
      return [await stageChanged(key(edit.opportunityId, edit.stamp, edit.toPlace), companyId, edit, names)]
    case 'card_deleted': {
      const { opportunityId, subjectId, pipeline } = edit
      const summary = `The card was deleted from the pipeline ${pipelineNames[pipeline]}.`
      return [{ key: key(opportunityId, instant), type: 'card.deleted', source: 'card', summary, data: { opportunityId, subjectId, pipeline } }]
    }
  }
}

/** A stage of ours by the name that set-up gives it. */
function ownPlace(pipeline: PipelineKey, place: string, level: string | null): PlaceNames | null {
  const [pipelineId = '', stageId = ''] = place.split('/')
  const stageName = level === null ? undefined : levelNames[level]
  return stageName === undefined ? null : { pipelineId, stageId, pipelineName: pipelineNames[pipeline], stageName }
}

async function stageChanged(key: string, companyId: string, { opportunityId, subjectId, fromPlace, toPlace }: { opportunityId: string; subjectId: string; fromPlace: string | null; toPlace: string }, names: CrmNames): Promise<Told> {
  const from = fromPlace === null ? null : await names.place(companyId, fromPlace)
  const to = await names.place(companyId, toPlace)
  const elsewhere = from === null || from.pipelineId === to.pipelineId ? '' : ` of ${from.pipelineName}`
  const before = from?.stageName ?? null
  return {
    key, type: 'card.stage_changed', source: 'card',
    summary: `A card was moved${before === null ? '' : ` from ${before}${elsewhere}`} to ${to.stageName} in the pipeline ${to.pipelineName}.`,
    before, after: to.stageName,
    data: { opportunityId, subjectId, pipelineId: to.pipelineId, pipelineName: to.pipelineName, before, after: to.stageName, stageIdBefore: from?.stageId ?? null, stageIdAfter: to.stageId },
  }
}

function shown(value: string): string {
  return value.length <= shownLength ? `“${value}”` : `“${value.slice(0, shownLength)}…”`
}
