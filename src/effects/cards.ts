import { hourMs, minuteMs, secondMs } from '../kernel/clock.ts'
import { PermanentError, RetryAfterError } from '../kernel/errors.ts'
import type { FaultPoint } from '../kernel/fault-point.ts'
import { hashOf } from '../kernel/ids.ts'
import type { CrmOpportunity, LocationApi } from '../highlevel/index.ts'
import type { Claimed, HandleOutcome } from '../store/index.ts'
import { forgottenCard, gone, isFall, isMadeBefore, newCard, pipelineIdOf, placeIn, placeOf, readMove, shownAt, targetOf, type CardNews, type ObservedOpportunity } from './card-rules.ts'
import type { Contacts } from './contacts.ts'
import type { Echoes } from './echoes.ts'
import { appendEdits } from './edit-events.ts'
import type { CrmNames } from './names.ts'
import { stillUntold, type PersonalTeller } from './personal.ts'
import { knownByWrite, type ToldLook } from './personal-rules.ts'
import type { EffectsDeps, EffectsSettings } from './ports.ts'
import { isNotFound, mayHaveArrived, type Waiting } from './readiness.ts'
import type { CardRecord, ContactRecord } from './records.ts'
import type { PersonEdit, ResourceMap, WantedCard } from './types.ts'
import type { WantedStore } from './wanted-store.ts'
import type { WatchedCards } from './watched-cards.ts'

/** Cards: found or made once, moved only when the stage differs. */
export interface Cards {
  want(wanted: WantedCard): Promise<void>
  observe(companyId: string, observed: ObservedOpportunity): Promise<PersonEdit[]>
  reconcile(claimed: Claimed<CardRecord>): Promise<HandleOutcome>
  /** The contact's id is known now: its cards need not wait any longer. */
  contactBound(contact: ContactRecord): Promise<void>
  /** The contact was merged into another one: its cards are looked for there. */
  contactMerged(contact: ContactRecord): Promise<void>
  /** A person deleted the contact, and with it HighLevel its cards: they are made anew when they are wanted again. */
  contactGone(contact: ContactRecord): Promise<void>
}

const levelsRemembered = 8
const maxRounds = 6
/** A contact that is being made reports itself; this is only in case it cannot. */
const contactWaitMs = 5 * secondMs
/** A card that was begun longer ago than this waits for a person, not for its record. */
const bindingMs = 10 * minuteMs
const bindingRetryMs = 2 * secondMs

export function createCards(
  deps: EffectsDeps,
  store: WantedStore<CardRecord>,
  contacts: Contacts,
  waiting: Waiting,
  settings: EffectsSettings,
  faultPoint: FaultPoint,
  echoes: Echoes,
  personal: PersonalTeller,
  names: CrmNames,
  watched: WatchedCards,
): Cards {
  const { clock, resources, events } = deps
  const telling = { events, names }
  const policy = deps.policy ?? (async () => ({ recreateDeletedCards: false }))

  async function want(wanted: WantedCard): Promise<void> {
    const { companyId, pipeline, level, name, contact: identity } = wanted
    const contactKey = await contacts.keyOf(companyId, identity)
    // People who share a contact share its happiness card; an account's health card is its own.
    const id = hashOf('card', companyId, pipeline, pipeline === 'happiness' ? contactKey : wanted.subjectId)
    for (;;) {
      const record = await store.find({ _id: id })
      if (record === null) {
        if (await store.insert(newCard(id, wanted, contactKey, clock.now()))) return
        continue
      }
      const same = record.wantedLevel === level && record.contactKey === contactKey
      if (same && record.state !== 'dead' && (record.state !== 'clean' || (await isThere(record)))) return
      const changed = await store.mutate(id, (current) => ({
        wantedLevel: level,
        ownLevels: [...current.ownLevels.filter((old) => old !== level), level].slice(-levelsRemembered),
        contactKey,
        identity,
        name,
        ...store.dirtied(current),
      }), record)
      if (changed !== null) return
    }
  }

  /** True if the card is on the wanted stage, or a person deleted it and it stays so. */
  async function isThere(record: CardRecord): Promise<boolean> {
    const map = await resources(record.companyId)
    if (record.deletedAt !== null) return map === null || (await staysDeleted(record, map))
    return map !== null && record.crmLocationId === map.locationId && record.known?.value === placeOf(map, record.pipeline, record.wantedLevel)
  }

  /** A person's deletion holds for the pipeline in which they deleted the card: one that was made anew, or another success location, starts whole. */
  async function staysDeleted(record: Pick<CardRecord, 'companyId' | 'pipeline' | 'deletedAt' | 'deletedFrom'>, map: ResourceMap): Promise<boolean> {
    if (record.deletedAt === null || (await policy(record.companyId)).recreateDeletedCards) return false
    const pipelineId = map.pipelines[record.pipeline]?.id
    return pipelineId === undefined || record.deletedFrom === null || record.deletedFrom === pipelineId
  }

  async function observe(companyId: string, observed: ObservedOpportunity): Promise<PersonEdit[]> {
    let map = await resources(companyId)
    let looked = false
    for (;;) {
      if (map === null) return []
      const record = await store.find({ companyId, opportunityId: observed.id })
      if (record === null) {
        const holders = observed.contactId === null ? [] : await contacts.boundTo(companyId, observed.contactId)
        await waitForBinding(companyId, holders)
        if (await observeGone(companyId, observed, map)) return []
        return observeOther(companyId, holders.find((holder) => holder.crmLocationId === map?.locationId), observed, map.locationId)
      }
      if (record.crmLocationId !== map.locationId) return []
      // A stage that is deleted drops its cards into the lowest one: nobody put them there. What is left of the pipeline then says so.
      if (!looked && isFall(record, observed, map)) {
        looked = true
        map = (await deps.lookAgain?.(companyId)) ?? map
        continue
      }
      const news = observed.deleted === true ? await readDeletion(record, observed, map) : readMove(record, observed, map)
      if (news.edits.length > 0 || news.dirty) echoes.forget(companyId, observed.id)
      await appendEdits(telling, companyId, record.identity, news.edits, observed.at, observed.deliveryId)
      if (news.members !== null && !(await store.setIfUnchanged(record, { ...news.members, ...(news.dirty ? store.dirtied(record) : {}) }))) continue
      // After it is stored: what is wanted in answer must meet the record as it is now. A delivery that ends before this comes again and is told then.
      await personal.tell(targetOf(record), news.tell, observed.deliveryId)
      return news.edits
    }
  }

  /** An opportunity that is none of the product's cards: news if it hangs on a contact that is ours. */
  async function observeOther(companyId: string, holder: ContactRecord | undefined, observed: ObservedOpportunity, crmLocationId: string): Promise<PersonEdit[]> {
    if (observed.deleted === true && holder !== undefined) await watched.forget(companyId, observed.id)
    if (observed.deleted === true || holder === undefined || observed.contactId === null) return []
    const { identity } = holder
    let seen = observed
    for (let isRead = false; ; ) {
      const look = await watched.look(companyId, observed.contactId, identity.subjectId, seen, isRead)
      if (look.unclear) {
        const opportunity = await deps.gateway.location(companyId, crmLocationId, 'webhook').getOpportunity(observed.id)
        if (opportunity === null) return []
        isRead = true
        seen = { ...seen, pipelineId: opportunity.pipelineId, stageId: opportunity.stageId, at: opportunity.movedAt ?? seen.at }
        continue
      }
      const edits = look.edit === null ? [] : [look.edit]
      // The event comes first: once the place is stored, nobody would find the move again.
      await appendEdits(telling, companyId, identity, edits, seen.at, observed.deliveryId)
      if (await look.commit()) return edits
    }
  }

  /** @throws RetryAfterError `card_being_bound` while a health card of the contact was made, or may have been, whose id is not recorded yet: what people do with it counts */
  async function waitForBinding(companyId: string, holders: readonly ContactRecord[]): Promise<void> {
    const keys = holders.map(({ _id }) => _id)
    if (keys.length === 0) return
    const since = new Date(clock.nowMs() - bindingMs)
    const binding = await store.find({ companyId, contactKey: { $in: keys }, pipeline: 'health', opportunityId: null, createBegunAt: { $gt: since } })
    if (binding !== null) throw new RetryAfterError('card_being_bound', 'A card is being made, and it may be this one.', bindingRetryMs)
  }

  /** Late news of a health card that is gone: where a person had put it still counts. @returns whether it was one */
  async function observeGone(companyId: string, observed: ObservedOpportunity, map: ResourceMap): Promise<boolean> {
    if (observed.pipelineId !== map.pipelines.health?.id) return false
    const record = await store.find({ companyId, goneIds: observed.id })
    if (record === null) return false
    if (record.goneAt !== undefined && observed.at > record.goneAt) return true
    await personal.tell(targetOf(record), [{ value: shownAt(map, placeIn(observed)), at: observed.at, first: false }], observed.deliveryId)
    return true
  }

  async function readDeletion(record: CardRecord, observed: ObservedOpportunity, map: ResourceMap): Promise<CardNews> {
    const { subjectId, pipeline, opportunityId } = record
    const deleted = { deletedAt: observed.at, deletedFrom: pipelineIdOf(record) }
    // The card as it was last: a move may be told by nothing else.
    const last = pipeline === 'health' && observed.pipelineId !== '' && observed.stageId !== '' ? readMove(record, observed, map) : null
    return {
      edits: opportunityId === null ? [] : [...(last?.edits ?? []), { kind: 'card_deleted', opportunityId, subjectId, pipeline }],
      members: { ...gone(record, observed.at), ...deleted, ...(last?.members?.wantedLevel === undefined ? {} : { wantedLevel: last.members.wantedLevel }) },
      dirty: !(await staysDeleted({ ...record, ...deleted }, map)),
      tell: last?.tell ?? [],
    }
  }

  /** Tells what was stored to be told. */
  async function tellUntold(record: CardRecord): Promise<void> {
    const { untold = [] } = record
    await personal.tell(targetOf(record), untold)
    await store.mutate(record._id, (current) => ({ untold: stillUntold(current.untold, untold) }))
  }

  /** Finds the card, or makes it. @returns the record with its id, or what to wait for */
  async function bind(record: CardRecord, contactId: string, map: ResourceMap, api: LocationApi): Promise<CardRecord | HandleOutcome> {
    const pipelineId = map.pipelines[record.pipeline]?.id
    const place = placeOf(map, record.pipeline, record.wantedLevel)
    if (pipelineId === undefined || place === null) return waiting.wait(hourMs, `pipeline_missing:${record.pipeline}`)
    if (record.createBegunAt !== null) {
      const leftMs = record.createBegunAt.getTime() + settings.searchLagMs - clock.nowMs()
      if (leftMs > 0) return waiting.wait(leftMs, 'waiting_for_search')
    }
    const startedAt = clock.now()
    let own = false
    let opportunity = await findFree(record, contactId, pipelineId, api)
    if (opportunity === null) {
      await store.mutate(record._id, () => ({ createBegunAt: startedAt }))
      const ended = record.pipeline === 'health' ? await personal.writing(targetOf(record), record.wantedLevel) : null
      try {
        const [, stageId = ''] = place.split('/')
        opportunity = await api.createOpportunity({ pipelineId, stageId, contactId, name: record.name })
        own = true
      } catch (error) {
        if (!mayHaveArrived(error)) await store.mutate(record._id, () => ({ createBegunAt: null }))
        // The location allows one opportunity per contact and pipeline: there is one that the search did not show.
        if (error instanceof PermanentError && error.code === 'highlevel_duplicate') return waiting.wait(settings.searchLagMs, 'waiting_for_search')
        throw error
      }
      faultPoint('effects.accepted')
      await ended?.()
    }
    const found = own ? place : `${opportunity.pipelineId}/${opportunity.stageId}`
    const known = own && record.pipeline === 'health' ? knownByWrite(found, startedAt, clock.now(), null) : { value: found, at: startedAt, own, before: null }
    // Where it is now says what people did with it, if an earlier attempt of ours made it.
    const ours = isMadeBefore(record, opportunity)
    const look = { value: shownAt(map, found), at: ours ? (opportunity.movedAt ?? startedAt) : startedAt, first: !ours }
    const untold: ToldLook<string>[] = !own && record.pipeline === 'health' ? [look] : []
    const bound = await store.mutate(record._id, () => ({
      opportunityId: opportunity.id,
      crmLocationId: map.locationId,
      createBegunAt: null,
      deletedAt: null,
      deletedFrom: null,
      known,
      lastWriteAt: own ? startedAt : record.lastWriteAt,
      ...(untold.length === 0 ? {} : { untold }),
    }))
    faultPoint('effects.recorded')
    return bound ?? 'done'
  }

  /**
   * An opportunity of the contact in the pipeline that is no other record's card.
   * One that an earlier attempt may have made is known by name and time wherever it is: people may have moved it to another pipeline before its id was recorded.
   */
  async function findFree(record: CardRecord, contactId: string, pipelineId: string, api: LocationApi): Promise<CrmOpportunity | null> {
    const found = await api.findOpportunities(record.createBegunAt === null ? { pipelineId, contactId } : { contactId })
    const made = found.filter((opportunity) => isMadeBefore(record, opportunity))
    const there = found.filter((opportunity) => opportunity.pipelineId === pipelineId && !made.includes(opportunity))
    for (const opportunity of [...made, ...there]) {
      const owner = await store.find({ companyId: record.companyId, opportunityId: opportunity.id })
      if (owner === null || owner._id === record._id) return opportunity
    }
    return null
  }

  /** Our lease ran out while we wrote: whoever took over may have written before us, so only reading tells what is there. */
  function overtaken(claimed: Claimed<CardRecord>, current: CardRecord): Partial<CardRecord> {
    return current.token === claimed.token ? {} : { ...store.dirtied(current), verify: true }
  }

  async function move(claimed: Claimed<CardRecord>, record: CardRecord, opportunityId: string, place: string, api: LocationApi): Promise<HandleOutcome | 'again'> {
    const [pipelineId = '', stageId = ''] = place.split('/')
    const startedAt = clock.now()
    // Where a person puts a health card is theirs: none of its events is passed over.
    if (record.pipeline === 'happiness') echoes.writingCard(record.companyId, opportunityId, place)
    const ended = record.pipeline === 'health' ? await personal.writing(targetOf(record), record.wantedLevel) : null
    try {
      await api.moveOpportunity(opportunityId, { pipelineId, stageId })
    } catch (error) {
      echoes.forget(record.companyId, opportunityId)
      if (!isNotFound(error)) throw error
      if ((await api.getOpportunity(opportunityId)) !== null) {
        await deps.lookAgain?.(record.companyId)
        return waiting.wait(hourMs, `stage_missing:${record.pipeline}`)
      }
      await store.mutate(record._id, (current) => ({ ...gone(current, startedAt), deletedAt: startedAt, deletedFrom: pipelineIdOf(record) }))
      return 'again'
    }
    faultPoint('effects.accepted')
    const endedAt = clock.now()
    await ended?.()
    const moved = (current: CardRecord): Partial<CardRecord> => {
      const seen = current.known
      // Somebody moved the card while we did: only reading tells who came last.
      const meanwhile = seen !== null && seen.at > startedAt && !seen.own
      const interfered = meanwhile && seen.value !== place
      const before = record.known?.value ?? null
      const written = record.pipeline === 'health' ? knownByWrite(place, startedAt, endedAt, before) : { value: place, at: clock.now(), own: true, before }
      // The echo may be here already; it knows the instant better.
      const known = record.pipeline === 'health' && meanwhile && !interfered ? seen : written
      return { known, lastWriteAt: startedAt, ...(interfered ? { verify: true, version: current.version + 1 } : {}) }
    }
    if (!(await store.finish(claimed, moved))) await store.mutate(record._id, (current) => ({ ...moved(current), ...overtaken(claimed, current) }), record)
    faultPoint('effects.recorded')
    return 'done'
  }

  /** Reads the card and takes in where it is; whatever was wanted or seen meanwhile stands, and then it is read again. */
  async function verify(record: CardRecord, opportunityId: string, map: ResourceMap, api: LocationApi): Promise<void> {
    const at = clock.now()
    const opportunity = await api.getOpportunity(opportunityId)
    if (opportunity === null) {
      await store.mutate(record._id, (current) => ({ ...gone(current, at), deletedAt: at, deletedFrom: pipelineIdOf(record) }))
      return
    }
    const news = readMove(record, { ...opportunity, at }, map, { changedAt: opportunity.movedAt ?? null })
    await appendEdits(telling, record.companyId, record.identity, news.edits, at)
    await store.setIfUnchanged(record, { ...news.members, verify: false, ...(news.tell.length === 0 ? {} : { untold: news.tell }) })
  }

  async function reconcileRound(claimed: Claimed<CardRecord>, record: CardRecord, map: ResourceMap, api: LocationApi): Promise<HandleOutcome | 'again'> {
    if ((record.untold ?? []).length > 0) {
      await tellUntold(record)
      return 'again'
    }
    let current = record.opportunityId === null || record.crmLocationId === map.locationId ? record : { ...record, ...forgottenCard }
    const place = placeOf(map, current.pipeline, current.wantedLevel)
    if (place === null) return waiting.wait(hourMs, `pipeline_missing:${current.pipeline}`)
    if (current.verify && current.opportunityId !== null) {
      await verify(current, current.opportunityId, map, api)
      return 'again'
    }
    if (current.deletedAt !== null && (await staysDeleted(current, map))) return 'done'
    if (current.opportunityId === null) {
      const contact = await contacts.of(current.companyId, current.identity.subjectId)
      if (contact === null) await contacts.ensure(current.companyId, current.identity)
      if (contact?.contactId === null || contact?.crmLocationId !== map.locationId) {
        return contact?.state === 'dead' ? waiting.wait(hourMs, 'contact_failed') : waiting.wait(contactWaitMs, 'waiting_for_contact')
      }
      const bound = await bind(current, contact.contactId, map, api)
      if (typeof bound === 'string' || 'hold' in bound) return bound
      current = bound
      if ((current.untold ?? []).length > 0) return 'again'
    }
    if (current.opportunityId === null || current.known?.value === place) return 'done'
    return move(claimed, current, current.opportunityId, place, api)
  }

  async function reconcile(claimed: Claimed<CardRecord>): Promise<HandleOutcome> {
    const { companyId } = claimed.data
    const readiness = await waiting.readinessOf(companyId)
    if (!readiness.ready) return readiness.outcome
    try {
      // An attempt that did not end in order may have moved the card without noting it.
      let record: CardRecord | null = claimed.begunBefore && claimed.data.opportunityId !== null ? { ...claimed.data, verify: true } : claimed.data
      for (let round = 0; round < maxRounds && record !== null; round += 1) {
        const outcome = await reconcileRound(claimed, record, readiness.map, readiness.api)
        if (outcome !== 'again') return outcome
        record = await store.find({ _id: claimed.key })
      }
      if (record === null) return 'done'
      throw new PermanentError('card_vanishes', 'HighLevel keeps saying that the card is not there.')
    } catch (error) {
      return waiting.waitOrThrow(companyId, error, readiness.map)
    }
  }

  async function contactBound(contact: ContactRecord): Promise<void> {
    // Also those in work at this moment: their newer version keeps them from going to sleep.
    const cards = await store.findMany({ companyId: contact.companyId, contactKey: contact._id, opportunityId: null, state: { $in: ['dirty', 'held'] } }, 20)
    for (const card of cards) await store.mutate(card._id, (current) => (current.opportunityId === null ? store.dirtied(current) : null))
  }

  async function contactMerged(contact: ContactRecord): Promise<void> {
    const cards = await store.findMany({ companyId: contact.companyId, contactKey: contact._id, opportunityId: null, deletedAt: null }, 20)
    for (const card of cards) await store.mutate(card._id, (current) => (current.opportunityId === null ? store.dirtied(current) : null))
  }

  async function contactGone(contact: ContactRecord): Promise<void> {
    const cards = await store.findMany({ companyId: contact.companyId, contactKey: contact._id, opportunityId: { $ne: null } }, 20)
    for (const card of cards) await store.mutate(card._id, (current) => ({ ...gone(current, clock.now()), version: current.version + 1 }))
  }

  return { want, observe, reconcile, contactBound, contactMerged, contactGone }
}
