import type { Collection } from 'mongodb'
import type { Clock } from '../kernel/clock.ts'
import { PermanentError } from '../kernel/errors.ts'
import type { FaultPoint } from '../kernel/fault-point.ts'
import type { LocationApi } from '../highlevel/index.ts'
import type { Claimed } from '../store/index.ts'
import type { Echoes } from './echoes.ts'
import type { OwnWrites } from './own-writes.ts'
import { mayHaveArrived } from './readiness.ts'
import { sentKeyOf, type BegunRecord, type ContactRecord, type SentRecord } from './records.ts'
import type { CrmContent, OutboxItem, OutboxMessage, ResourceMap } from './types.ts'
import { normaliseTags } from './values.ts'

/**
 * Tags, fields, cards and workflows that a step writes once. Tags, fields and cards are states: after an attempt of which nobody knows the end they are read
 * and only what is missing is written. Whether a contact went through a workflow can be read nowhere: it is added at most once.
 */
export interface CrmWrites {
  /**
   * @returns what HighLevel calls the thing that was written
   * @throws PermanentError `own_tag`, `own_field`, `own_pipeline`: the product computes it; `value_not_kept`; `crm_workflow_uncertain`
   */
  write(at: { api: LocationApi; map: ResourceMap; record: ContactRecord; contactId: string }, content: CrmContent, claimed: Claimed<OutboxItem>): Promise<string>
}

export interface CrmWritesDeps {
  clock: Clock
  sent: Collection<SentRecord>
  begun: Collection<BegunRecord>
  ownWrites: OwnWrites
  /** Runs a move of a card with its new place noted, so that its echo is nobody's edit. */
  aroundMove: <T>(companyId: string, contactId: string, opportunityId: string, place: string, run: () => Promise<T>) => Promise<T>
  echoes: Echoes
  faultPoint: FaultPoint
}

/** Names of the tags that stand for readings, whatever an agency calls them today. */
const readingTag = /^(happiness|health): ?\S/

type Place = Parameters<CrmWrites['write']>[0]

export function createCrmWrites({ clock, sent, begun, ownWrites, aroundMove, echoes, faultPoint }: CrmWritesDeps): CrmWrites {
  async function tags({ api, record, contactId }: Place, content: CrmContent & { kind: 'tags' }, uncertain: boolean): Promise<string> {
    const add = normaliseTags(content.add)
    const remove = normaliseTags(content.remove).filter((tag) => !add.includes(tag))
    const present = uncertain ? new Set(normaliseTags((await api.getContact(contactId))?.tags ?? [])) : null
    const missing = add.filter((tag) => present?.has(tag) !== true)
    const left = remove.filter((tag) => present?.has(tag) !== false)
    echoes.forget(record.companyId, contactId)
    await ownWrites.around(record._id, { addTags: add, removeTags: remove }, async () => {
      if (left.length > 0) {
        await api.removeTags(contactId, left)
        faultPoint('effects.accepted')
      }
      if (missing.length > 0) await api.addTags(contactId, missing)
      faultPoint('effects.accepted')
    })
    return 'tags'
  }

  async function field({ api, record, contactId }: Place, content: CrmContent & { kind: 'field' }, uncertain: boolean): Promise<string> {
    const { fieldId, value } = content
    const present = uncertain ? ((await api.getContact(contactId))?.customFields.find(({ id }) => id === fieldId)?.value ?? '') : null
    echoes.forget(record.companyId, contactId)
    const stored = await ownWrites.around(record._id, { fields: [{ id: fieldId, value }] }, async () => {
      if (present !== null && spelled(present) === spelled(value)) return null
      const answer = await api.updateContact(contactId, { customFields: [{ id: fieldId, value }] })
      faultPoint('effects.accepted')
      return answer
    })
    // An answer without any field says nothing about them; dates come back in a form of their own.
    const fields = stored?.customFields ?? []
    if (value !== '' && fields.length > 0 && !fields.some((one) => one.id === fieldId && spelled(one.value) !== '')) {
      throw new PermanentError('value_not_kept', 'HighLevel did not keep the value: the field is gone, or it has no such choice.', { details: { fieldId } })
    }
    return fieldId
  }

  /** The contact's card in the pipeline: the one that we made or moved, else the one that is found; an open one before a closed one. */
  async function cardOf({ api, record, contactId }: Place, pipelineId: string) {
    const made = await sent.find({ companyId: record.companyId, contactId, kind: 'card' }).toArray()
    for (const { externalId } of made.filter((one) => one.place === pipelineId).sort((a, b) => b.sentAt.getTime() - a.sentAt.getTime())) {
      // Read by its id: a search may not show yet what was made a moment ago.
      const card = await api.getOpportunity(externalId)
      if (card?.pipelineId === pipelineId && card.status === 'open') return card
    }
    const cards = await api.findOpportunities({ contactId, pipelineId })
    return cards.find(({ status }) => status === 'open') ?? cards[0] ?? null
  }

  async function card(place: Place, content: CrmContent & { kind: 'card' }): Promise<string> {
    const { api, record, contactId } = place
    const { pipelineId, stageId, name } = content
    const found = await cardOf(place, pipelineId)
    if (found?.stageId === stageId) return found.id
    if (found !== null) {
      const move = () => api.moveOpportunity(found.id, { pipelineId, stageId })
      return (await aroundMove(record.companyId, contactId, found.id, `${pipelineId}/${stageId}`, move)).id
    }
    // A card that is seen for the first time is news to nobody.
    return (await api.createOpportunity({ pipelineId, stageId, contactId, name })).id
  }

  async function workflow({ api, record, contactId }: Place, content: CrmContent & { kind: 'crm_workflow' }, claimed: Claimed<OutboxItem>): Promise<string> {
    const { action, workflowId } = content
    if (action === 'remove') {
      await api.removeFromWorkflow(contactId, workflowId)
      return workflowId
    }
    const before = await begun.findOne({ _id: claimed.key })
    // Attempts are counted anew only where a person has taken it up again: they have looked.
    const takenUpByHand = before?.givenUpAt != null && claimed.attempt === 1
    if (before !== null && !takenUpByHand) {
      await begun.updateOne({ _id: claimed.key }, { $set: { givenUpAt: clock.now() } })
      throw new PermanentError(
        'crm_workflow_uncertain',
        'The contact may have been added to the workflow already, and HighLevel does not tell. It is not added again by itself: look at the contact there, and take this up again if it is missing.',
        { details: { workflowId } },
      )
    }
    await begun.updateOne({ _id: claimed.key }, { $set: { companyId: record.companyId, begunAt: clock.now(), givenUpAt: null } }, { upsert: true })
    try {
      await api.addToWorkflow(contactId, workflowId)
    } catch (error) {
      if (!mayHaveArrived(error)) await begun.deleteOne({ _id: claimed.key })
      throw error
    }
    return workflowId
  }

  return {
    async write(place, content, claimed) {
      refuseOwn(place, content)
      const uncertain = claimed.begunBefore
      switch (content.kind) {
        case 'tags':
          return tags(place, content, uncertain)
        case 'field':
          return field(place, content, uncertain)
        case 'card':
          return card(place, content)
        case 'crm_workflow':
          return workflow(place, content, claimed)
      }
    },
  }
}

/** A field's value in the form in which what is there is compared with what is wanted. */
function spelled(value: unknown): string {
  const single: unknown = Array.isArray(value) ? (value.length === 1 ? value[0] : value.join(', ')) : value
  if (single === null || single === undefined) return ''
  return typeof single === 'string' ? single.trim() : JSON.stringify(single)
}

/** What a content writes, apart from the contact's other matters: the pipeline of a card. */
export function placeOf(content: OutboxMessage['content']): { place?: string } {
  return content.kind === 'card' ? { place: content.pipelineId } : {}
}

/** Of one contact these happen in the order in which they were wanted; everything else leaves by itself. */
export function laneOf({ companyId, key, contact, content }: OutboxMessage): string {
  return isCrmContent(content) ? sentKeyOf(companyId, `contact:${contact.subjectId}`) : sentKeyOf(companyId, key)
}

export function isCrmContent(content: OutboxMessage['content']): content is CrmContent {
  return content.kind === 'tags' || content.kind === 'field' || content.kind === 'card' || content.kind === 'crm_workflow'
}

/** What the product computes itself is not a step's to write: the reconcile would put it back. */
function refuseOwn({ map, record }: Place, content: CrmContent): void {
  switch (content.kind) {
    case 'tags': {
      const own = new Set(Object.values(record.ownTags).flat())
      const tag = normaliseTags([...content.add, ...content.remove]).find((one) => own.has(one) || readingTag.test(one))
      if (tag !== undefined) throw new PermanentError('own_tag', `The tag “${tag}” stands for a reading and follows it by itself. Use a tag of your own.`)
      return
    }
    case 'field':
      if (Object.values(map.fields).includes(content.fieldId)) throw new PermanentError('own_field', 'The field belongs to a reading and follows it by itself. Use a field of your own.')
      return
    case 'card':
      if ([map.pipelines.happiness?.id, map.pipelines.health?.id].includes(content.pipelineId)) throw new PermanentError('own_pipeline', 'The pipeline belongs to a reading and its cards follow it by themselves. Use a pipeline of your own.')
      return
    case 'crm_workflow':
      return
  }
}
