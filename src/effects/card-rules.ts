import type { CrmOpportunity } from '../highlevel/index.ts'
import { minuteMs } from '../kernel/clock.ts'
import { readObservation, skewMs } from './observation.ts'
import { locationOf, type PersonalTarget } from './personal.ts'
import { readPersonal, type ToldLook } from './personal-rules.ts'
import type { CardRecord } from './records.ts'
import type { PersonEdit, PipelineKey, ResourceMap, WantedCard } from './types.ts'
import { newWanted } from './wanted-record.ts'

const goneRemembered = 5
/** A create of which nobody heard the end may have taken effect within this time. */
const openCreateMs = 2 * minuteMs

/** An opportunity as a webhook or a read shows it. */
export interface ObservedOpportunity {
  id: string
  contactId: string | null
  pipelineId: string
  stageId: string
  status: string
  deleted?: boolean
  /** The event says that the stage changed. */
  moved?: boolean
  /** HighLevel's time of the news. */
  at: Date
  /** The webhook delivery that showed it. */
  deliveryId?: string
}

/** The place of an account's health card. */
export function targetOf({ _id, companyId, subjectId, identity }: CardRecord): PersonalTarget {
  return { companyId, locationId: locationOf(subjectId) ?? identity.locationId, subjectId, target: `card:${_id}`, kind: 'card' }
}

/** Members that forget a card which is gone; late news of a health card are still heard. */
export function gone({ pipeline, opportunityId, goneIds = [] }: CardRecord, at: Date): Partial<CardRecord> {
  const heard = pipeline === 'health' && opportunityId !== null
  return { ...forgottenCard, ...(heard ? { goneIds: [...goneIds, opportunityId].slice(-goneRemembered), goneAt: at } : {}) }
}

/** What an observed opportunity means. */
export interface CardNews {
  edits: PersonEdit[]
  members: Partial<CardRecord> | null
  dirty: boolean
  /** Looks at the place of a health card that must be told. */
  tell: ToldLook<string>[]
}

/** Members that forget a card. */
export const forgottenCard = { opportunityId: null, crmLocationId: null, createBegunAt: null, known: null, verify: false }

/** @param read the card was read just now by whoever holds its lease: nothing is unclear */
export function readMove(record: CardRecord, observed: ObservedOpportunity, map: ResourceMap, read: { changedAt: Date | null } | null = null): CardNews {
  const { pipeline, subjectId, known } = record
  const trusted = read !== null
  const value = placeIn(observed)
  const wanted = placeOf(map, pipeline, record.wantedLevel)
  const own = record.ownLevels.flatMap((level) => placeOf(map, pipeline, level) ?? [])
  // Read just now by whoever holds the lease, before it writes: no write is under way then.
  const writing = known?.value !== wanted || (record.token !== null && !trusted)
  const after = levelAt(map, pipeline, value)
  const edit: PersonEdit = { kind: 'card_moved', opportunityId: observed.id, subjectId, pipeline, before: known === null ? null : levelAt(map, pipeline, known.value), after, fromPlace: known?.value ?? null, toPlace: value }
  if (pipeline === 'health') {
    const look = { value, at: observed.at, read: trusted, changedAt: read?.changedAt ?? null }
    const reading = readPersonal(look, { known, wanted, own, writing })
    // Where a person puts it is wanted until it is judged: nothing older may be written over it.
    const adopted = reading.changed ? { version: record.version + 1, ...(after === null ? {} : { wantedLevel: after }) } : {}
    const members = { ...(reading.known === null ? {} : { known: reading.known }), ...adopted, ...(reading.unclear ? { verify: true } : {}) }
    const misplaced = reading.changed && after === null
    return {
      edits: reading.edited ? [edit] : [],
      members: Object.keys(members).length === 0 ? null : members,
      dirty: reading.unclear || misplaced,
      tell: reading.tell.map((told) => ({ ...told, value: shownAt(map, told.value) })),
    }
  }
  const reading = readObservation(value, observed.at, { known, wanted, own, writing, equal: (left, right) => left === right })
  if (reading === 'same' || reading === 'stale') return { edits: [], members: null, dirty: false, tell: [] }
  if (reading === 'unclear' && !trusted) return { edits: [], members: { verify: true }, dirty: true, tell: [] }
  const now = { value, at: observed.at, own: reading === 'own' && value === wanted, before: known?.value ?? null }
  if (reading === 'own') return { edits: [], members: { known: now }, dirty: value !== wanted, tell: [] }
  // Happiness is computed: the card goes back.
  return { edits: [edit], members: { known: now }, dirty: true, tell: [] }
}

/** Whether the record's create, of which nobody heard the end, made this opportunity. */
export function isMadeBefore({ createBegunAt, name }: CardRecord, { name: itsName, madeAt }: CrmOpportunity): boolean {
  if (createBegunAt === null || madeAt === undefined || itsName !== name) return false
  const afterMs = madeAt.getTime() - createBegunAt.getTime()
  return afterMs >= -skewMs && afterMs <= openCreateMs + skewMs
}

/** A health card came from a stage of a level into the lowest stage of its pipeline. */
export function isFall({ pipeline, known, wantedLevel, ownLevels }: CardRecord, observed: ObservedOpportunity, map: ResourceMap): boolean {
  if (pipeline !== 'health' || observed.deleted === true || known === null || observed.at <= known.at || observed.stageId !== map.pipelines.health?.lowest) return false
  const level = levelAt(map, pipeline, placeIn(observed))
  return known.value !== placeIn(observed) && level !== wantedLevel && !(level !== null && ownLevels.includes(level) && known.own) && levelAt(map, pipeline, known.value) !== null
}

export function placeIn({ pipelineId, stageId }: ObservedOpportunity): string {
  return `${pipelineId}/${stageId}`
}

/** What a place in the health pipeline says: its level, or which place it is that says none. */
export function shownAt(map: ResourceMap, place: string): string {
  return levelAt(map, 'health', place) ?? `stage:${place}`
}

/** `<pipelineId>/<stageId>` of a level; null if set-up has no such pipeline or stage. */
export function placeOf(map: ResourceMap, pipeline: PipelineKey, level: string): string | null {
  const found = map.pipelines[pipeline]
  const stageId = (found?.stages as Partial<Record<string, string>> | undefined)?.[level]
  return found === null || stageId === undefined || stageId === '' ? null : `${found.id}/${stageId}`
}

/** The pipeline in which the card was last seen. */
export function pipelineIdOf({ known }: CardRecord): string | null {
  return known?.value.split('/')[0] ?? null
}

export function levelAt(map: ResourceMap, pipeline: PipelineKey, place: string): string | null {
  const levels = Object.keys(map.pipelines[pipeline]?.stages ?? {})
  return levels.find((level) => placeOf(map, pipeline, level) === place) ?? null
}

export function newCard(id: string, wanted: WantedCard, contactKey: string, now: Date): CardRecord {
  const { companyId, pipeline, subjectId, contact: identity, name, level } = wanted
  return {
    ...newWanted(id, companyId, now),
    pipeline,
    subjectId,
    contactKey,
    identity,
    name,
    wantedLevel: level,
    ownLevels: [level],
    deletedAt: null,
    deletedFrom: null,
    ...forgottenCard,
  }
}
