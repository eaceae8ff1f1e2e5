import type { CrmContact } from '../highlevel/index.ts'
import { secondMs } from '../kernel/clock.ts'
import { healthLabels } from '../kernel/levels.ts'
import { isBetween, readObservation, skewMs } from './observation.ts'
import { readPersonal, type PersonalReading, type ToldLook } from './personal-rules.ts'
import type { ContactRecord, WishKey } from './records.ts'
import { fieldKeys, type FieldKey, type PersonEdit, type ResourceMap, type TagGroup, type WantedContact } from './types.ts'
import { normalise, normaliseTag, normaliseTags, type FieldValue } from './values.ts'

/** Values remembered per field and tags per group, for late echoes. */
const memory = 12

/** The field that people set themselves; all others are computed, and put back. */
const personsField: FieldKey = 'healthStatus'
const healthWords: ReadonlySet<FieldValue> = new Set(Object.values(healthLabels))
/** News of a value that nobody ever told us of is this young, or it may not be the newest: webhooks of one contact can overtake each other. */
const freshMs = 10 * secondMs

/** A contact as a webhook or a read shows it; members left out are not judged. */
export interface ObservedContact {
  id: string
  email?: string | null
  tags?: string[]
  customFields?: { id: string; value: unknown }[]
  /** HighLevel's time of the news. */
  at: Date
  /** The contact was deleted. */
  deleted?: boolean
  /** The webhook delivery that showed it. */
  deliveryId?: string
}

/** What a wish makes of a record. */
interface Merged {
  /** Members to set; null if none changes. */
  members: Partial<ContactRecord> | null
  /** Something else is wanted than before; else only its source is newer, or nothing changes. */
  wantsOther: boolean
}

/**
 * The record's wanted members after a new wish. Several processes may give out states of one source at once: whichever
 * arrives last, the newest state is what stays wanted.
 */
export function mergeWish(record: ContactRecord, wish: WantedContact): Merged {
  const wantedFields = { ...record.wantedFields }
  const ownValues = { ...record.ownValues }
  const wantedTags = { ...record.wantedTags }
  const ownTags = { ...record.ownTags }
  const wantedAsOf = { ...record.wantedAsOf }
  const { asOf } = wish
  let wantsOther = false as boolean
  let isNewer = false as boolean
  /** Takes note of the wish's source. @returns false if what is wanted stands for a newer state of it */
  const counts = (key: WishKey): boolean => {
    const before = wantedAsOf[key]
    if (asOf === undefined) Reflect.deleteProperty(wantedAsOf, key)
    else if (before?.source === asOf.source && before.version > asOf.version) return false
    else wantedAsOf[key] = asOf
    if (before?.source !== asOf?.source || before?.version !== asOf?.version) isNewer = true
    return true
  }
  for (const field of fieldKeys) {
    const value = wish.fields?.[field]
    if (value === undefined || !counts(field)) continue
    const wanted = normalise(field, value)
    if (wantedFields[field] === wanted) continue
    wantedFields[field] = wanted
    ownValues[field] = remember(ownValues[field], wanted)
    wantsOther = true
  }
  for (const [group, tag] of Object.entries(wish.tags ?? {}) as [TagGroup, string | null][]) {
    if (!counts(`tag:${group}`)) continue
    const wanted = tag === null ? null : normaliseTag(tag)
    if (wantedTags[group] === wanted) continue
    wantedTags[group] = wanted
    if (wanted !== null) ownTags[group] = remember(ownTags[group], wanted)
    wantsOther = true
  }
  for (const [group, choices] of Object.entries(wish.tagChoices ?? {}) as [TagGroup, readonly string[]][]) {
    const fresh = choices.map(normaliseTag).filter((tag) => ownTags[group]?.includes(tag) !== true)
    if (fresh.length === 0) continue
    ownTags[group] = fresh.reduce<string[]>((tags, tag) => remember(tags, tag), ownTags[group] ?? [])
    wantsOther = true
  }
  if (wantsOther) return { members: { wantedFields, ownValues, wantedTags, ownTags, wantedAsOf }, wantsOther }
  return { members: isNewer ? { wantedAsOf } : null, wantsOther }
}

function remember<V>(values: readonly V[] | undefined, value: V): V[] {
  return [...(values ?? []).filter((old) => old !== value), value].slice(-memory)
}

/** What has to be written so that the contact is as wanted. */
export interface ContactDifference {
  fields: { field: FieldKey; id: string; value: FieldValue }[]
  addTags: string[]
  removeTags: string[]
  /** Fields that are wanted but do not exist in HighLevel; of what was written: fields whose value HighLevel did not keep. */
  missing: FieldKey[]
  /** Of what was written: when the fields had been accepted. */
  fieldsAt?: Date
  /** Of what was written: when the last call about tags began. */
  lastTagsFromAt?: Date
}

export function differenceOf(record: ContactRecord, map: ResourceMap): ContactDifference {
  const difference: ContactDifference = { fields: [], addTags: [], removeTags: [], missing: [] }
  for (const field of fieldKeys) {
    const value = record.wantedFields[field]
    if (value === undefined) continue
    const id = map.fields[field]
    const known = record.known[field]
    if (id === null) difference.missing.push(field)
    else if (known?.fieldId !== id || known.value !== value) difference.fields.push({ field, id, value })
  }
  const present = new Set(record.knownTags?.value ?? [])
  for (const [group, wanted] of Object.entries(record.wantedTags) as [TagGroup, string | null][]) {
    if (wanted !== null && !present.has(wanted)) difference.addTags.push(wanted)
    difference.removeTags.push(...(record.ownTags[group] ?? []).filter((tag) => tag !== wanted && present.has(tag)))
  }
  return difference
}

export function isEmpty(difference: ContactDifference): boolean {
  return difference.fields.length + difference.addTags.length + difference.removeTags.length === 0
}

/** Members that take a contact, as just found or created, for what is known. */
export function takeForKnown(contact: CrmContact, map: ResourceMap, at: Date): Pick<ContactRecord, 'contactId' | 'crmLocationId' | 'createBegunAt' | 'known' | 'knownTags' | 'crmEmail' | 'crmEmailAt'> {
  const known: ContactRecord['known'] = {}
  for (const field of fieldKeys) {
    const fieldId = map.fields[field]
    if (fieldId === null) continue
    known[field] = { value: valueOf(contact.customFields, field, fieldId), at, own: false, before: null, fieldId }
  }
  const knownTags = { value: normaliseTags(contact.tags), at, own: false }
  return { contactId: contact.id, crmLocationId: map.locationId, createBegunAt: null, known, knownTags, crmEmail: contact.email?.toLowerCase() ?? null, crmEmailAt: at }
}

/** Members that forget a contact that is gone. */
export const forgotten = { contactId: null, crmLocationId: null, createBegunAt: null, known: {}, knownTags: null, verify: false }

function valueOf(fields: readonly { id: string; value: unknown }[], field: FieldKey, fieldId: string): FieldValue {
  return normalise(field, fields.find((candidate) => candidate.id === fieldId)?.value)
}

/** What an observed contact means. */
export interface ContactNews {
  edits: PersonEdit[]
  /** Members to set; null if nothing changes. */
  members: Partial<ContactRecord> | null
  /** There is something to reconcile. */
  dirty: boolean
  /** Looks at Health Status that must be told. */
  tell: ToldLook<string>[]
}

/** A contact that was read just now, by whoever holds its lease: nothing is unclear, every other value is a person's. */
export interface ReadContact {
  /** When HighLevel says that it was changed last. */
  changedAt: Date | null
}

/** @param read how `observed` came by, if it is a read */
export function readNews(record: ContactRecord, observed: ObservedContact, map: ResourceMap, now: Date, read: ReadContact | null = null): ContactNews {
  const trusted = read !== null
  const { at } = observed
  const contactId = observed.id
  const subjectId = record.identity.subjectId
  const known = { ...record.known }
  const wantedFields = { ...record.wantedFields }
  const edits: PersonEdit[] = []
  let { knownTags } = record
  let unclear = false
  let changed = false
  let version: { version?: number } = {}

  const personal = readHealth(record, observed, map, now, read)
  if (personal?.edited === true) edits.push({ kind: 'field', contactId, subjectId, field: personsField, before: known[personsField]?.value ?? null, after: personal.value })
  if (personal?.unclear === true) unclear = true
  if (personal !== null && personal.known !== null) {
    changed = true
    known[personsField] = { ...personal.known, fieldId: personal.fieldId }
    // Nothing older may be written over it before it is judged; whoever is at work on this record must look again.
    if (personal.changed) version = { version: record.version + 1 }
    if (personal.changed && wantedFields[personsField] !== undefined && healthWords.has(personal.value)) wantedFields[personsField] = personal.value
  }

  for (const field of fieldKeys) {
    const fieldId = map.fields[field]
    if (field === personsField || fieldId === null || observed.customFields === undefined) continue
    const value = valueOf(observed.customFields, field, fieldId)
    const current = known[field]?.fieldId === fieldId ? known[field] : undefined
    const wanted = wantedFields[field] ?? null
    const situation = {
      known: current ?? null,
      wanted,
      own: record.ownValues[field] ?? [],
      // Read just now by whoever holds the lease, before it writes: no write is under way then.
      writing: wanted !== null && (current?.value !== wanted || (record.token !== null && !trusted)),
      equal: (left: FieldValue, right: FieldValue) => left === right,
    }
    const reading = readObservation(value, at, situation)
    const effective = reading === 'unclear' && trusted ? 'edit' : reading
    if (effective === 'unclear') unclear = true
    if (effective === 'own' || effective === 'edit') {
      known[field] = { value, at, own: effective === 'own' && value === wanted, before: current?.value ?? null, fieldId }
      changed = true
    }
    if (effective === 'edit') {
      edits.push({ kind: 'field', contactId, subjectId, field, before: current?.value ?? null, after: value })
    }
  }

  if (observed.tags !== undefined) {
    const tags = normaliseTags(observed.tags)
    const news = readTags(record, tags, at, trusted)
    if (news === 'unclear') unclear = true
    else if (news !== 'stale') {
      const base = { contactId, subjectId }
      for (const tag of news.added) edits.push({ kind: 'tag_added', ...base, tag })
      for (const tag of news.removed) edits.push({ kind: 'tag_removed', ...base, tag })
      knownTags = { value: tags, at, own: false }
      changed = true
    }
  }

  const members = changed || unclear ? { known, wantedFields, knownTags, ...version, ...(unclear ? { verify: true } : {}) } : null
  const after = { ...record, ...members }
  return { edits, members, dirty: unclear || (members !== null && !isEmpty(differenceOf(after, map))), tell: personal?.tell ?? [] }
}

/** What a look at Health Status means; null if it is not shown or has nothing to do with this contact. */
function readHealth(record: ContactRecord, observed: ObservedContact, map: ResourceMap, now: Date, read: ReadContact | null): (PersonalReading<string> & { value: string; fieldId: string }) | null {
  const fieldId = map.fields[personsField]
  if (fieldId === null || observed.customFields === undefined) return null
  const value = String(valueOf(observed.customFields, personsField, fieldId))
  const stored = record.known[personsField]
  const known = stored?.fieldId === fieldId ? { ...stored, value: String(stored.value), before: stored.before === null ? null : String(stored.before) } : null
  const wish = record.wantedFields[personsField]
  if (value === '' && wish === undefined && (known === null || known.value === '')) return null
  const reading = readPersonal(
    { value, at: observed.at, read: read !== null, changedAt: read?.changedAt ?? null },
    {
      known,
      wanted: wish === undefined ? null : String(wish),
      own: (record.ownValues[personsField] ?? []).map(String),
      writing: wish !== undefined && (known?.value !== wish || (record.token !== null && read === null)),
    },
  )
  // As long as the field was empty and unwanted, no times were kept.
  const late = reading.changed && known?.value === '' && wish === undefined && read === null && now.getTime() - observed.at.getTime() > freshMs
  return { ...reading, unclear: reading.unclear || late, value, fieldId }
}

/** The first look at Health Status of a contact that was just found, if it says anything: what was never told of is taken to be empty. */
export function firstLook(known: ContactRecord['known']): ToldLook<string>[] {
  const seen = known[personsField]
  if (seen === undefined || seen.value === '') return []
  return [{ value: String(seen.value), at: seen.at, first: true }]
}

function readTags(record: ContactRecord, tags: string[], at: Date, trusted: boolean): 'stale' | 'unclear' | { added: string[]; removed: string[] } {
  const { knownTags: known } = record
  if (known === null) return { added: [], removed: [] }
  const added = tags.filter((tag) => !known.value.includes(tag))
  const removed = known.value.filter((tag) => !tags.includes(tag))
  if (added.length + removed.length === 0) return 'stale'
  const wanted = Object.values(record.wantedTags)
  const own = new Set(Object.values(record.ownTags).flat())
  const agesMs = at.getTime() - known.at.getTime()
  if (agesMs <= 0) {
    if (trusted || !isBetween(at, known)) return 'stale'
    // Between our own calls about tags, level tags are as those calls leave them; after the last one began they may be a person's.
    const othersOnly = known.lastFromAt === undefined || at <= known.lastFromAt
    return [...added, ...removed].some((tag) => !othersOnly || !own.has(tag)) ? 'unclear' : 'stale'
  }
  // News that still lacks a tag we just added may be older than it looks.
  const lacksOurs = removed.some((tag) => wanted.includes(tag))
  // A tag of another level may be our own write that is not recorded yet, or its late echo; else a person added it.
  const settled = wanted.every((tag) => tag === null || known.value.includes(tag)) && known.value.every((tag) => !own.has(tag) || wanted.includes(tag))
  const writing = !settled || (record.token !== null && !trusted)
  const otherLevels = writing ? [] : added.filter((tag) => own.has(tag) && !wanted.includes(tag))
  if ((lacksOurs || otherLevels.length > 0) && known.own && agesMs < skewMs && !trusted) return 'unclear'
  return { added: added.filter((tag) => !own.has(tag) || otherLevels.includes(tag)), removed: removed.filter((tag) => !own.has(tag) || wanted.includes(tag)) }
}
