import { hourMs, secondMs } from '../kernel/clock.ts'
import { PermanentError } from '../kernel/errors.ts'
import type { FaultPoint } from '../kernel/fault-point.ts'
import { hashOf } from '../kernel/ids.ts'
import type { LocationApi } from '../highlevel/index.ts'
import type { Claimed, HandleOutcome } from '../store/index.ts'
import { emailOf, inputOf, newContact, sameIdentity } from './contact-identity.ts'
import { differenceOf, firstLook, forgotten, isEmpty, mergeWish, readNews, shownBy, takeForKnown, type ContactDifference, type ObservedContact } from './contact-rules.ts'
import type { Echoes } from './echoes.ts'
import { appendEdits } from './edit-events.ts'
import { fateKnown, goneMembers, isOnlyAsked, tellEmailChanged, tellFate } from './gone-contacts.ts'
import type { CrmNames } from './names.ts'
import { createOwnWrites, type OwnWrites } from './own-writes.ts'
import { locationOf, stillUntold, type PersonalTarget, type PersonalTeller } from './personal.ts'
import { knownByWrite } from './personal-rules.ts'
import type { EffectsDeps, EffectsSettings } from './ports.ts'
import { isNotFound, mayHaveArrived, type Waiting } from './readiness.ts'
import type { ContactRecord } from './records.ts'
import type { ContactIdentity, PersonEdit, ResourceMap, WantedContact } from './types.ts'
import { normalise, type FieldValue } from './values.ts'
import type { WantedStore } from './wanted-store.ts'

/** Contacts of the success location: found or made once, written by difference. */
export interface Contacts {
  want(wanted: WantedContact): Promise<void>
  /** The record for a person, made if there is none. */
  ensure(companyId: string, identity: ContactIdentity): Promise<ContactRecord>
  /** Key of the record for a person, made if there is none. */
  keyOf(companyId: string, identity: ContactIdentity): Promise<string>
  /** Finds the record for a person. */
  of(companyId: string, subjectId: string): Promise<ContactRecord | null>
  /** Records that stand for any of these people. */
  ofAny(companyId: string, subjectIds: readonly string[]): Promise<ContactRecord[]>
  /** The records that are bound to this contact. */
  boundTo(companyId: string, contactId: string): Promise<ContactRecord[]>
  /** Writes of steps, told apart from people's edits. */
  ownWrites: OwnWrites
  observe(companyId: string, observed: ObservedContact): Promise<PersonEdit[]>
  reconcile(claimed: Claimed<ContactRecord>): Promise<HandleOutcome>
}

/** What happens to contacts and concerns others. */
export interface ContactReports {
  /** A contact's id has become known. */
  bound(record: ContactRecord): Promise<void>
  /** A person deleted the contact. */
  gone(record: ContactRecord): Promise<void>
  /** The contact was merged into one that had no record of its own: its cards are looked for there. */
  merged(record: ContactRecord): Promise<void>
}

const maxRounds = 6
const maxLinked = 2_000
const maxBoundTo = 10

/** How long a person's record is remembered after it was read, for the card that follows. */
const boundMs = secondMs
const maxBound = 5_000

export function createContacts(
  deps: EffectsDeps,
  store: WantedStore<ContactRecord>,
  waiting: Waiting,
  settings: EffectsSettings,
  faultPoint: FaultPoint,
  echoes: Echoes,
  personal: PersonalTeller,
  names: CrmNames,
  report: ContactReports,
): Contacts {
  const { clock, resources, events } = deps
  const telling = { events, names }

  /** Which record stands for a person, right after it was read: their card needs it in the next moment. */
  const bound = new Map<string, { key: string; identity: ContactIdentity; untilMs: number }>()

  function of(companyId: string, subjectId: string): Promise<ContactRecord | null> {
    return store.find({ companyId, subjects: subjectId })
  }

  /** @param wish goes into the record if it is made now: whoever begins it at once begins with all of it */
  async function ensure(companyId: string, identity: ContactIdentity, wish?: WantedContact): Promise<ContactRecord> {
    const email = emailOf(identity)
    for (;;) {
      const found = (await of(companyId, identity.subjectId)) ?? (email === null ? null : await store.find({ companyId, email }))
      if (found !== null) {
        const knows = found.subjects.includes(identity.subjectId)
        if (knows && sameIdentity(found.identity, identity)) return found
        const changed = await store.mutate(found._id, (record) => ({ subjects: [...new Set([...record.subjects, identity.subjectId])], identity, email }))
        if (changed !== null) return changed
        continue
      }
      const bare = newContact(companyId, identity, clock.now())
      const fresh = wish === undefined ? bare : { ...bare, ...mergeWish(bare, wish).members }
      if (await store.insert(fresh)) return fresh
      // Somebody who has another address by now was known by this one: they keep their record.
      const holder = await store.find({ _id: fresh._id })
      if (holder === null || holder.email === email || holder.subjects.includes(identity.subjectId)) continue
      const beside = { ...fresh, _id: hashOf('contact', companyId, email ?? '', identity.subjectId) }
      if (await store.insert(beside)) return beside
    }
  }

  async function keyOf(companyId: string, identity: ContactIdentity): Promise<string> {
    const known = bound.get(`${companyId}:${identity.subjectId}`)
    if (known !== undefined && known.untilMs > clock.nowMs() && sameIdentity(known.identity, identity)) return known.key
    return (await ensure(companyId, identity))._id
  }

  async function want(wanted: WantedContact): Promise<void> {
    const record = await ensure(wanted.companyId, wanted.identity, wanted)
    // Only a record that is not bound yet can still be merged into another.
    if (record.contactId !== null) {
      if (bound.size >= maxBound) bound.clear()
      bound.set(`${wanted.companyId}:${wanted.identity.subjectId}`, { key: record._id, identity: wanted.identity, untilMs: clock.nowMs() + boundMs })
    }
    const pending = record.state === 'dirty' || record.state === 'held'
    const map = record.state === 'clean' ? await resources(wanted.companyId) : null
    const settled = pending || (map !== null && record.contactId !== null && isEmpty(differenceOf(record, map)) && differenceOf(record, map).missing.length === 0)
    if (settled && mergeWish(record, wanted).members === null) return
    await store.mutate(record._id, (current) => {
      const { members, wantsOther } = mergeWish(current, wanted)
      // Who is at work on the record already, or has nothing to do, is not called again for a newer source of the same values.
      return settled && !wantsOther ? members : { ...members, ...store.dirtied(current) }
    }, record)
  }

  async function observe(companyId: string, observed: ObservedContact): Promise<PersonEdit[]> {
    const records = await store.findMany({ companyId, contactId: observed.id }, maxBoundTo)
    const edits: PersonEdit[] = []
    for (const record of records) edits.push(...(await observeOne(record, observed)))
    return edits
  }

  async function observeOne(record: ContactRecord, observed: ObservedContact): Promise<PersonEdit[]> {
    if (observed.deleted === true) {
      await report.gone(record)
      await store.mutate(record._id, (current) =>
        current.contactId === observed.id ? { ...forgotten, ...goneMembers(current, observed.id, observed.at, current.state === 'clean'), ...store.dirtied(current) } : null)
      return []
    }
    const map = await resources(record.companyId)
    if (map === null || record.crmLocationId !== map.locationId) return []
    await noteEmail(record, observed)
    for (let current: ContactRecord | null = record; current !== null; current = await store.find({ _id: record._id })) {
      const news = readNews(current, observed, map, clock.now())
      if (news.edits.length > 0 || news.dirty) echoes.forget(current.companyId, observed.id)
      // The events come first: once the values are stored, nobody would find the edits again.
      await appendEdits(telling, current.companyId, current.identity, news.edits, observed.at, observed.deliveryId)
      if (news.members !== null && !(await store.setIfUnchanged(current, { ...news.members, ...(news.dirty ? store.dirtied(current) : {}) }))) continue
      // After it is stored: what is wanted in answer must meet the record as it is now. A delivery that ends before this comes again and is told then.
      await personal.tell(targetOf(current), news.tell, observed.deliveryId)
      return news.edits
    }
    return []
  }

  /** Somebody gave the contact another address: it stays bound, and that is told. */
  async function noteEmail(record: ContactRecord, { id, email, at, deliveryId }: ObservedContact): Promise<void> {
    const address = email?.toLowerCase() ?? null
    if (email === undefined || (record.crmEmailAt !== undefined && at <= record.crmEmailAt) || record.crmEmail === address) return
    if (record.crmEmail !== undefined) await tellEmailChanged(events, record, id, address, at, deliveryId)
    await store.mutate(record._id, () => ({ crmEmail: address, crmEmailAt: at }))
  }

  /** Tells what was stored to be told. @returns the record as it is then; null if it is gone */
  async function tellUntold(record: ContactRecord): Promise<ContactRecord | null> {
    const { untold = [] } = record
    if (untold.length === 0) return record
    await personal.tell(targetOf(record), untold)
    return store.mutate(record._id, (current) => ({ untold: stillUntold(current.untold, untold) }))
  }

  /** Finds or makes the contact. @returns the record with its id, or what to wait for */
  async function bind(record: ContactRecord, map: ResourceMap, api: LocationApi): Promise<ContactRecord | HandleOutcome> {
    const { identity, createBegunAt } = record
    const email = emailOf(identity)
    if (createBegunAt !== null) {
      if (email === null) throw new PermanentError('contact_not_identifiable', 'A contact without an e-mail address may have been created already. Look it up in HighLevel, then replay.')
      const leftMs = createBegunAt.getTime() + settings.searchLagMs - clock.nowMs()
      if (leftMs > 0) return waiting.wait(leftMs, 'waiting_for_search')
    }
    const startedAt = clock.now()
    let written: { value: FieldValue; ended: () => Promise<void> } | null = null
    let contact = email === null ? null : await api.findContactByEmail(email)
    const goneId = record.goneId ?? null
    if (contact !== null && contact.id === goneId) return waiting.wait(settings.searchLagMs, 'waiting_for_search')
    const survivor = goneId === null ? null : contact
    if (survivor === null && isOnlyAsked(record)) {
      await tellFate(events, record, { kind: 'deleted' })
      await store.mutate(record._id, () => fateKnown)
      return 'done'
    }
    if (contact === null) {
      await store.mutate(record._id, () => ({ createBegunAt: startedAt }))
      const { fields } = differenceOf({ ...record, known: {} }, map)
      const health = fields.find(({ field, value }) => field === 'healthStatus' && value !== '')
      written = health === undefined ? null : { value: health.value, ended: await personal.writing(targetOf(record), String(health.value)) }
      try {
        contact = await api.createContact(inputOf(identity, fields.filter(({ value }) => value !== '')))
      } catch (error) {
        if (!mayHaveArrived(error)) await store.mutate(record._id, () => ({ createBegunAt: null }))
        throw error
      }
      faultPoint('effects.accepted')
      await written?.ended()
    }
    const taken = takeForKnown(contact, map, startedAt)
    const health = taken.known.healthStatus
    const kept = written !== null && health?.value === written.value
    if (kept) taken.known.healthStatus = { ...health, ...knownByWrite(health.value, startedAt, clock.now(), null) }
    const untold = kept ? [] : firstLook(taken.known)
    await tellFate(events, record, survivor === null ? { kind: 'deleted' } : { kind: 'merged', into: survivor.id })
    const members = { ...taken, ...(goneId === null ? {} : fateKnown), lastWriteAt: startedAt, ...(untold.length === 0 ? {} : { untold }) }
    const twin = (await store.findMany({ companyId: record.companyId, contactId: contact.id }, 2)).find((other) => other._id !== record._id)
    if (twin !== undefined) {
      await merge(record, twin)
      return 'done'
    }
    const bound = await store.mutate(record._id, () => members)
    if (bound === null) return 'done'
    await (survivor === null ? report.bound(bound) : report.merged(bound))
    return bound
  }

  /** Two people turned out to be one contact: the older record takes over, with the newer wishes. */
  async function merge(record: ContactRecord, into: ContactRecord): Promise<void> {
    const merged = await store.mutate(into._id, (current) => ({
      subjects: [...new Set([...current.subjects, ...record.subjects])],
      ...mergeWish(current, { companyId: record.companyId, identity: record.identity, fields: record.wantedFields, tags: record.wantedTags }).members,
      ...store.dirtied(current),
    }))
    await store.remove(record._id)
    if (merged !== null) await report.bound(merged)
  }

  async function write(api: LocationApi, record: ContactRecord, contactId: string, difference: ContactDifference, done: ContactDifference): Promise<void> {
    if (difference.fields.length > 0) {
      const health = difference.fields.find(({ field }) => field === 'healthStatus')
      const ended = health === undefined ? null : await personal.writing(targetOf(record), String(health.value))
      const stored = await api.updateContact(contactId, { customFields: difference.fields.map(({ id, value }) => ({ id, value })) })
      faultPoint('effects.accepted')
      const dropped = droppedFields(difference.fields, stored)
      done.fields = difference.fields.filter((field) => !dropped.includes(field))
      done.missing = dropped.map(({ field }) => field)
      done.fieldsAt = clock.now()
      await ended?.()
    }
    if (difference.removeTags.length > 0) {
      await api.removeTags(contactId, difference.removeTags)
      faultPoint('effects.accepted')
      done.removeTags = difference.removeTags
    }
    if (difference.addTags.length > 0) {
      await api.addTags(contactId, difference.addTags)
      faultPoint('effects.accepted')
      done.addTags = difference.addTags
    }
  }

  /** The members that keep what HighLevel has accepted. */
  function writtenMembers(record: ContactRecord, done: ContactDifference, startedAt: Date): (current: ContactRecord) => Partial<ContactRecord> {
    const at = clock.now()
    return (current) => {
      const known = { ...current.known }
      let interfered = false
      for (const { field, id, value } of done.fields) {
        const seen = known[field]
        const before = record.known[field]?.value ?? null
        const meanwhile = seen !== undefined && seen.at > startedAt && !seen.own
        if (meanwhile && seen.value !== value) interfered = true
        // The echo may be here already; it knows the instant better.
        if (field === 'healthStatus' && meanwhile && seen.value === value) continue
        known[field] = { ...(field === 'healthStatus' ? knownByWrite(value, startedAt, done.fieldsAt ?? at, before) : { value, at, own: true, before }), fieldId: id }
      }
      const tags = new Set(current.knownTags?.value)
      for (const tag of done.removeTags) tags.delete(tag)
      for (const tag of done.addTags) tags.add(tag)
      const tagsWritten = done.addTags.length + done.removeTags.length > 0
      return {
        known,
        lastWriteAt: startedAt,
        ...(tagsWritten ? { knownTags: { value: [...tags].sort(), at, own: true } } : {}),
        // Somebody edited a field while we wrote it: only reading tells who came last.
        ...(interfered ? { verify: true, version: current.version + 1 } : {}),
      }
    }
  }

  /** Stores what HighLevel has accepted; where that was all, the lease ends with the same write. */
  async function recordWritten(record: ContactRecord, done: ContactDifference, startedAt: Date, ends: Claimed<ContactRecord> | null): Promise<void> {
    if (isEmpty(done)) return
    const members = writtenMembers(record, done, startedAt)
    const finished = ends !== null && (await store.finish(ends, members))
    // Our lease ran out while we wrote: whoever took over may have written before us, so only reading tells what is there.
    if (!finished) await store.mutate(record._id, (current) => ({ ...members(current), ...(current.token === record.token ? {} : { ...store.dirtied(current), verify: true }) }), record)
    faultPoint('effects.recorded')
  }

  /** Members of a record whose contact turned out not to be there. */
  const forget = (record: ContactRecord): Partial<ContactRecord> => (record.contactId === null ? {} : { ...forgotten, ...goneMembers(record, record.contactId, clock.now(), false) })

  async function reconcileRound(claimed: Claimed<ContactRecord>, record: ContactRecord, map: ResourceMap, api: LocationApi): Promise<HandleOutcome | 'again'> {
    if ((record.untold ?? []).length > 0) {
      if ((await tellUntold(record)) === null) return 'done'
      return 'again'
    }
    let current = record.crmLocationId === map.locationId || record.contactId === null ? record : { ...record, ...forgotten }
    if (current.contactId === null) {
      const bound = await bind(current, map, api)
      if (typeof bound === 'string' || 'hold' in bound) return bound
      current = bound
      if ((current.untold ?? []).length > 0) return 'again'
    } else if (current.verify) {
      const askedAt = clock.now()
      const contact = await api.getContact(current.contactId)
      if (contact === null) {
        await store.mutate(current._id, forget)
        return 'again'
      }
      const observed = { id: contact.id, ...shownBy(contact), at: askedAt }
      const news = readNews(current, observed, map, askedAt, { changedAt: contact.changedAt ?? null })
      await appendEdits(telling, current.companyId, current.identity, news.edits, observed.at)
      // Whatever was wanted or seen meanwhile stands: then the contact is read again.
      if (!(await store.setIfUnchanged(current, { ...news.members, verify: false, ...(news.tell.length === 0 ? {} : { untold: news.tell }) }))) return 'again'
      if (news.tell.length > 0) return 'again'
      current = { ...current, ...news.members, verify: false, rev: current.rev + 1 }
    }
    const contactId = current.contactId
    if (contactId === null) return 'again'
    const difference = differenceOf(current, map)
    const done: ContactDifference = { fields: [], addTags: [], removeTags: [], missing: [] }
    const startedAt = clock.now()
    if (!isEmpty(difference)) echoes.writingContact(current, difference, map)
    try {
      await write(api, current, contactId, difference, done)
    } catch (error) {
      echoes.forget(current.companyId, contactId)
      await recordWritten(current, done, startedAt, null)
      // What is not there may be a field as well as the contact.
      if (!isNotFound(error) || (await api.getContact(contactId)) !== null) throw error
      await store.mutate(current._id, forget)
      return 'again'
    }
    const whole = done.missing.length === 0 && difference.missing.length === 0
    await recordWritten(current, done, startedAt, whole ? claimed : null)
    if (done.missing.length > 0) {
      echoes.forget(current.companyId, contactId)
      // A choice or the field itself is gone: set-up shall say so, and the values are written after its repair.
      await deps.lookAgain?.(current.companyId)
      return waiting.wait(hourMs, `value_not_kept:${done.missing.join(',')}`)
    }
    const [missing] = difference.missing
    return missing === undefined ? 'done' : waiting.wait(hourMs, `field_missing:${missing}`)
  }

  async function reconcile(claimed: Claimed<ContactRecord>): Promise<HandleOutcome> {
    const { companyId } = claimed.data
    const readiness = await waiting.readinessOf(companyId)
    if (!readiness.ready) return readiness.outcome
    try {
      // An attempt that did not end in order may have written what it did not note.
      let record: ContactRecord | null = claimed.begunBefore && claimed.data.contactId !== null ? { ...claimed.data, verify: true } : claimed.data
      for (let round = 0; round < maxRounds && record !== null; round += 1) {
        const outcome = await reconcileRound(claimed, record, readiness.map, readiness.api)
        if (outcome !== 'again') return outcome
        record = await store.find({ _id: claimed.key })
      }
      if (record === null) return 'done'
      throw new PermanentError('contact_vanishes', 'HighLevel keeps saying that the contact is not there.')
    } catch (error) {
      return waiting.waitOrThrow(companyId, error, readiness.map)
    }
  }

  const ofAny = async (companyId: string, subjectIds: readonly string[]): Promise<ContactRecord[]> =>
    subjectIds.length === 0 ? [] : store.findMany({ companyId, subjects: { $in: subjectIds } }, maxLinked)

  const boundTo = async (companyId: string, contactId: string): Promise<ContactRecord[]> => store.findMany({ companyId, contactId }, maxBoundTo)

  return { want, ensure, keyOf, of, ofAny, boundTo, observe, reconcile, ownWrites: createOwnWrites(store, clock) }
}

/** Health Status on this contact: it speaks for the account of the first person that the contact stands for. */
function targetOf({ _id, companyId, subjects, identity }: ContactRecord): PersonalTarget {
  const subjectId = subjects[0] ?? identity.subjectId
  return { companyId, locationId: locationOf(subjectId) ?? identity.locationId, subjectId, target: `contact:${_id}`, kind: 'field' }
}

/** What HighLevel took without complaint and did not keep, as its own answer shows: a choice that the field does not have, a field that is gone. */
function droppedFields(fields: ContactDifference['fields'], stored: { customFields: readonly { id: string; value: unknown }[] }): ContactDifference['fields'] {
  // An answer without any field says nothing about them.
  if (stored.customFields.length === 0) return []
  return fields.filter(({ field, id, value }) => value !== '' && normalise(field, stored.customFields.find((candidate) => candidate.id === id)?.value) !== value)
}
