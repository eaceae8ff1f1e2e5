import type { Collection } from 'mongodb'
import { Schema, type Connection } from 'mongoose'
import type { Clock } from '../kernel/clock.ts'
import { hashOf } from '../kernel/ids.ts'
import { isDuplicateKey } from '../store/index.ts'
import { placeIn, type ObservedOpportunity } from './card-rules.ts'
import { skewMs } from './observation.ts'
import type { PersonEdit } from './types.ts'

/** Where an opportunity of one of our contacts was last seen; the product's own cards have records of their own. */
export interface WatchedCard {
  _id: string
  companyId: string
  opportunityId: string
  contactId: string
  /** `<pipelineId>/<stageId>`; '' if a step is about to move it and nobody saw it before. */
  place: string
  /** HighLevel's time of that; after a write of ours, our own. */
  at: Date
  /** We put it there. */
  own: boolean
  /** Its first sight was told as a move, or is none. */
  told: boolean
  /** Moves so far: names the next one. */
  moves: number
  /** Places that a step of ours is about to write, or may have written. */
  expected: string[]
}

/** `unclear`: clocks cannot tell whether it is news; only reading the opportunity does. `edit`: the move, if people made one; null for echoes, old news and first sights that no event calls a move. */
export type WatchedLook = { unclear: true } | { unclear: false; edit: PersonEdit | null; commit(): Promise<boolean> }

/** Opportunities in any pipeline: told when their stage changes. */
export interface WatchedCards {
  /** What a look at an opportunity means. Nothing is stored yet: that is `commit`. @param isRead it was read just now: nothing is unclear */
  look(companyId: string, contactId: string, subjectId: string, observed: ObservedOpportunity, isRead: boolean): Promise<WatchedLook>
  /** It was deleted. */
  forget(companyId: string, opportunityId: string): Promise<void>
  /** Runs a step's move with its place noted, so that its echo is nobody's edit. */
  aroundMove<T>(companyId: string, contactId: string, opportunityId: string, place: string, run: () => Promise<T>): Promise<T>
  purge(companyId: string): Promise<void>
}

const collection = 'effect_watched_cards'
const maxExpected = 4
/** Events of one change have times this close. */
const oneChangeMs = 2_000

export function createWatchedCards(connection: Connection, clock: Clock): WatchedCards {
  if (connection.models[collection] === undefined) {
    const members = { _id: String, companyId: String, opportunityId: String, contactId: String, place: String, at: Date, own: Boolean, told: Boolean, moves: Number, expected: [String] }
    const schema = new Schema(members, { strict: true, autoIndex: false, versionKey: false })
    schema.index({ companyId: 1, contactId: 1 })
    connection.model(collection, schema, collection)
  }
  const cards = connection.collection(collection) as unknown as Collection<WatchedCard>
  const idOf = (companyId: string, opportunityId: string): string => hashOf('watched', companyId, opportunityId)

  async function insert(card: WatchedCard): Promise<boolean> {
    try {
      await cards.insertOne(card)
      return true
    } catch (error) {
      if (isDuplicateKey(error)) return false
      throw error
    }
  }

  async function change(known: WatchedCard, members: Partial<WatchedCard>): Promise<boolean> {
    const { _id, place, at, moves } = known
    return (await cards.updateOne({ _id, place, at, moves }, { $set: members })).matchedCount === 1
  }

  return {
    async look(companyId, contactId, subjectId, observed, isRead) {
      const _id = idOf(companyId, observed.id)
      const place = placeIn(observed)
      const known = await cards.findOne({ _id })
      if (known === null || known.place === '') {
        // What HighLevel itself calls a move is one, also of a card that was there before us.
        const isMove = observed.moved === true && known?.expected.includes(place) !== true
        const edit: PersonEdit | null = isMove ? { kind: 'stage_changed', opportunityId: observed.id, subjectId, stamp: 'first', fromPlace: null, toPlace: place } : null
        const first = { place, at: observed.at, own: false, contactId, told: isMove || known !== null }
        return { unclear: false, edit, commit: () => (known === null ? insert({ _id, companyId, opportunityId: observed.id, moves: 0, expected: [], ...first }) : change(known, first)) }
      }
      const aheadMs = observed.at.getTime() - known.at.getTime()
      const same = known.place === place
      // One move comes in two events; only one of them calls it so.
      if (same && observed.moved === true && known.moves === 0 && !known.own && !known.told && Math.abs(aheadMs) <= oneChangeMs) {
        const edit: PersonEdit = { kind: 'stage_changed', opportunityId: observed.id, subjectId, stamp: 'first', fromPlace: null, toPlace: place }
        return { unclear: false, edit, commit: () => change(known, { told: true }) }
      }
      if (!isRead && !same && Math.abs(aheadMs) <= (known.own ? skewMs : 0)) return { unclear: true }
      if (!isRead && aheadMs <= 0) return { unclear: false, edit: null, commit: async () => true }
      const at = aheadMs > 0 ? observed.at : known.at
      if (same) return { unclear: false, edit: null, commit: () => change(known, { at }) }
      const next = { place, at, own: false, contactId, moves: known.moves + 1 }
      if (known.expected.includes(place)) return { unclear: false, edit: null, commit: () => change(known, { ...next, expected: known.expected.filter((old) => old !== place) }) }
      const edit: PersonEdit = { kind: 'stage_changed', opportunityId: observed.id, subjectId, stamp: `${known.moves}`, fromPlace: known.place, toPlace: place }
      return { unclear: false, edit, commit: () => change(known, next) }
    },

    async forget(companyId, opportunityId) {
      await cards.deleteOne({ _id: idOf(companyId, opportunityId) })
    },

    async aroundMove(companyId, contactId, opportunityId, place, run) {
      const _id = idOf(companyId, opportunityId)
      const known = await cards.findOne({ _id })
      // Of a card that was never seen only the place is noted to which it goes.
      const unseen = { _id, companyId, opportunityId, contactId, place: '', at: new Date(0), own: true, told: true, moves: 0, expected: [place] }
      if (known !== null || !(await insert(unseen))) await cards.updateOne({ _id }, { $set: { expected: [...(known?.expected ?? []).filter((old) => old !== place), place].slice(-maxExpected) } })
      const result = await run()
      const written = { place, at: clock.now(), own: true, expected: [] }
      await cards.updateOne({ _id }, { $set: written, $inc: { moves: 1 } })
      return result
    },

    async purge(companyId) {
      await cards.deleteMany({ companyId })
    },
  }
}
