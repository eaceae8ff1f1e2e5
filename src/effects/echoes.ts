import { secondMs, type Clock } from '../kernel/clock.ts'
import type { ObservedOpportunity } from './card-rules.ts'
import { ownFieldsOf, type ContactDifference, type ObservedContact } from './contact-rules.ts'
import type { ContactRecord } from './records.ts'
import { fieldKeys, type FieldKey, type ResourceMap } from './types.ts'
import { normalise, normaliseTags, type FieldValue } from './values.ts'
import { differenceFrom, isNothing, type SeenContact } from './watched-rules.ts'

/**
 * What this process wrote in the last seconds, by value: an event that shows exactly that says nothing new and need not be stored and worked on.
 * Only computed values are kept here. Of them a dropped event can lose nothing: HighLevel holds what is wanted, and any other value takes the long way.
 * What people set themselves (Health Status) is never kept; nor is what another process wrote: its events take the long way and come to the same.
 */
export interface Echoes {
  /** Told before the writes of one reconcile are sent. */
  writingContact(record: ContactRecord, difference: ContactDifference, map: ResourceMap): void
  writingCard(companyId: string, opportunityId: string, place: string): void
  /** A write failed, or somebody else's value was seen. */
  forget(companyId: string, id: string): void
  /** @param tagsToldApart the event is not about tags: a change of them is told by an event of its own, so those from before our writes are no news */
  isContact(companyId: string, observed: ObservedContact, tagsToldApart: boolean): boolean
  isCard(companyId: string, observed: ObservedOpportunity): boolean
}

interface WrittenContact {
  untilMs: number
  fields: { id: string; field: FieldKey; value: FieldValue }[]
  /** The tags from before the writes to after them; null if they were not known. */
  tagSets: string[] | null
  email: string | null | undefined
  /** What else the contact showed: anything new there is a person's. */
  seen: SeenContact | null
  ownFields: ReadonlySet<string>
}

const rememberedMs = 10 * secondMs
const maxRemembered = 10_000

export function createEchoes(clock: Clock): Echoes {
  const contacts = new Map<string, WrittenContact>()
  const cards = new Map<string, { untilMs: number; place: string }>()
  const keyOf = (companyId: string, id: string) => `${companyId}:${id}`
  const setOf = (tags: readonly string[]) => normaliseTags(tags).join('\n')

  function remember<V extends { untilMs: number }>(memory: Map<string, V>, key: string, value: V): void {
    memory.delete(key)
    memory.set(key, value)
    for (const [oldest, { untilMs }] of memory) {
      if (untilMs > clock.nowMs() && memory.size <= maxRemembered) break
      memory.delete(oldest)
    }
  }

  return {
    writingContact(record, difference, map) {
      const { companyId, contactId, known, knownTags } = record
      if (contactId === null) return
      const key = keyOf(companyId, contactId)
      contacts.delete(key)
      if (record.wantedFields.healthStatus !== undefined || (known.healthStatus?.value ?? '') !== '') return
      const fields: WrittenContact['fields'] = []
      for (const field of fieldKeys) {
        const id = map.fields[field]
        if (id === null) continue
        const value = difference.fields.find((written) => written.field === field)?.value ?? (known[field]?.fieldId === id ? known[field].value : undefined)
        if (value === undefined) return
        fields.push({ id, field, value })
      }
      const before = knownTags?.value
      const without = before?.filter((tag) => !difference.removeTags.includes(tag))
      const tagSets = before === undefined || without === undefined ? null : [setOf(before), setOf(without), setOf([...without, ...difference.addTags])]
      remember(contacts, key, { untilMs: clock.nowMs() + rememberedMs, fields, tagSets, email: record.crmEmail, seen: record.seen ?? null, ownFields: ownFieldsOf(map) })
    },
    writingCard(companyId, opportunityId, place) {
      remember(cards, keyOf(companyId, opportunityId), { untilMs: clock.nowMs() + rememberedMs, place })
    },
    forget(companyId, id) {
      contacts.delete(keyOf(companyId, id))
      cards.delete(keyOf(companyId, id))
    },
    isContact(companyId, observed, tagsToldApart) {
      const { id, email, tags, customFields, deleted } = observed
      const written = contacts.get(keyOf(companyId, id))
      if (written === undefined || written.untilMs <= clock.nowMs() || deleted === true) return false
      if (email !== undefined && written.email !== undefined && (email?.toLowerCase() ?? null) !== written.email) return false
      if (tags === undefined || customFields === undefined || written.tagSets === null) return false
      if (written.seen !== null && !isNothing(differenceFrom(written.seen, observed, written.ownFields))) return false
      const seen = new Map(customFields.map((field) => [field.id, field.value]))
      if (!written.fields.every(({ id: fieldId, field, value }) => normalise(field, seen.get(fieldId)) === value)) return false
      const set = setOf(tags)
      return tagsToldApart ? written.tagSets.includes(set) : set === written.tagSets.at(-1)
    },
    isCard(companyId, { id, pipelineId, stageId, deleted }) {
      const written = cards.get(keyOf(companyId, id))
      return written !== undefined && written.untilMs > clock.nowMs() && deleted !== true && written.place === `${pipelineId}/${stageId}`
    },
  }
}
