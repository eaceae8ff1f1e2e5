import type { DomainEvent, Events } from '../events/index.ts'
import { hashOf } from '../kernel/ids.ts'
import type { ContactIdentity, FieldKey, PersonEdit, PipelineKey } from './types.ts'

const fieldNames: Record<FieldKey, string> = {
  happinessLevel: 'Happiness Level',
  healthStatus: 'Health Status',
  happinessScore: 'Happiness Score',
  companyHappinessLevel: 'Company Happiness Level',
  lastFeedback: 'Last Feedback',
  lastFeedbackComment: 'Last Feedback Comment',
}
const pipelineNames: Record<PipelineKey, string> = { happiness: 'Happiness Level', health: 'Company Health Status' }

/** Appends what people edited in HighLevel. Keys derive from the edit, so a repeated observation appends nothing. */
export async function appendEdits(
  events: Pick<Events, 'append'>,
  companyId: string,
  identity: ContactIdentity,
  edits: readonly PersonEdit[],
  at: Date,
  deliveryId?: string,
): Promise<void> {
  const cause = deliveryId === undefined ? {} : { cause: { kind: 'delivery' as const, id: deliveryId } }
  for (const edit of edits) await events.append({ ...eventOf(companyId, identity, edit, at), ...cause })
}

/** The account user in a subject `user:<locationId>:<userId>`. */
export function userIdOf(subjectId: string): string | null {
  const [kind, , userId] = subjectId.split(':')
  return kind === 'user' && userId !== undefined ? userId : null
}

function eventOf(companyId: string, identity: ContactIdentity, edit: PersonEdit, at: Date): DomainEvent {
  const base = {
    companyId,
    locationId: identity.locationId,
    userId: userIdOf(identity.subjectId),
    at,
    actor: { kind: 'crm' as const, id: null, name: null },
  }
  const key = (...parts: string[]): string => `crm:${hashOf(companyId, edit.kind, ...parts, at.toISOString())}`
  switch (edit.kind) {
    case 'field': {
      const { contactId, subjectId, field, before, after } = edit
      const name = fieldNames[field]
      const said = field === 'lastFeedbackComment' || after === null || after === '' ? `The field ${name} was edited in the CRM.` : `The field ${name} was set to ${String(after)} in the CRM.`
      return { ...base, key: key(contactId, field), type: 'contact.field_changed', source: 'field', summary: said, before, after, data: { contactId, subjectId, field } }
    }
    case 'tag_added':
    case 'tag_removed': {
      const { contactId, subjectId, tag } = edit
      const added = edit.kind === 'tag_added'
      const summary = `The tag "${tag}" was ${added ? 'added' : 'removed'} in the CRM.`
      return { ...base, key: key(contactId, tag), type: added ? 'contact.tag_added' : 'contact.tag_removed', source: 'field', summary, data: { contactId, subjectId, tag } }
    }
    case 'card_moved': {
      const { opportunityId, subjectId, pipeline, before, after } = edit
      const summary = `The card was moved in the pipeline ${pipelineNames[pipeline]}.`
      return { ...base, key: key(opportunityId), type: 'card.moved', source: 'card', summary, before, after, data: { opportunityId, subjectId, pipeline } }
    }
    case 'card_deleted': {
      const { opportunityId, subjectId, pipeline } = edit
      const summary = `The card was deleted from the pipeline ${pipelineNames[pipeline]}.`
      return { ...base, key: key(opportunityId), type: 'card.deleted', source: 'card', summary, data: { opportunityId, subjectId, pipeline } }
    }
  }
}
