import type { Model } from 'mongoose'
import type { NoticeChannel } from '../http/contract/notice-kinds.ts'
import { minuteMs, type Clock } from '../kernel/clock.ts'
import { CodedError } from '../kernel/errors.ts'
import { noFaultPoint, type FaultPoint } from '../kernel/fault-point.ts'
import { hashOf } from '../kernel/ids.ts'
import { isDuplicateKey, type LeasedQueue } from '../store/index.ts'
import type { LetterPlan, LetterRecord, NoticeRecord } from './model.ts'
import { agencyChat, letterId, type Decision } from './rules.ts'
import { digestAtOn, nextDigest, quietUntil, type Timing } from './times.ts'

/** One letter, as the queue holds it. */
export interface LetterItem {
  letterId: string
}

/** A fact that is to reach a recipient by letter. */
export interface Wanted {
  recipientId: string
  channel: NoticeChannel
  decision: Decision
  urgent: boolean
  timing: Timing
}

/**
 * Letters: what leaves together. A fact is in exactly one letter per recipient and channel: the notice names it, the letter takes the fact in only
 * while it is open, and if it was closed before, the notice is turned to the next one by a compare-and-set, so that all who work on it go the same way.
 */
export interface Letters {
  /** The letter for each of these, in their order. */
  plan(notice: Pick<NoticeRecord, 'companyId' | 'locationId'>, wanted: readonly Wanted[], gatherMs: number): Promise<LetterPlan[]>
  /** Puts the fact into all letters that its notice names. Idempotent. @param timingOf by recipient, for a letter that has to be found anew */
  post(notice: NoticeRecord, timingOf: (recipientId: string) => Timing, gatherMs: number): Promise<void>
  /** The person chose another hour or zone: letters that are open go by it. */
  retime(companyId: string, recipientId: string, timing: Timing): Promise<void>
  /** Queues letters whose time has long passed: a crash left them, or an operator took their item away. @returns how many were looked at */
  sweep(limit: number): Promise<number>
}

const maxHops = 50
/** Above the longest pause between two attempts. */
const sweepGraceMs = 45 * minuteMs

export interface LettersDeps {
  letters: Model<LetterRecord>
  notices: Model<NoticeRecord>
  queue: LeasedQueue<LetterItem>
  clock: Clock
  faultPoint?: FaultPoint
}

export function createLetters({ letters, notices, queue, clock, faultPoint = noFaultPoint }: LettersDeps): Letters {
  /** When a letter that is opened now leaves: once the burst is over, and not at night. */
  function dueOf(gatherMs: number, timing: Timing, waitsForMorning: boolean): Date {
    const at = new Date(clock.nowMs() + gatherMs)
    return (waitsForMorning ? quietUntil(timing.quietHours, at, timing.zone) : null) ?? at
  }

  const waits = (recipientId: string, urgent: boolean): boolean => !urgent && recipientId !== agencyChat

  function digestPlan(companyId: string, recipientId: string, channel: NoticeChannel, rhythm: 'daily' | 'weekly', timing: Timing, afterDay: string | null): LetterPlan {
    let slot = nextDigest(rhythm, timing, clock.now())
    while (afterDay !== null && slot.day <= afterDay) slot = nextDigest(rhythm, timing, slot.at)
    return { id: letterId(companyId, recipientId, channel, { rhythm, day: slot.day }), dueAt: slot.at, day: slot.day, urgent: false }
  }

  async function enqueue(companyId: string, id: string, dueAt: Date): Promise<void> {
    const key = `${id}:${dueAt.getTime()}`
    await queue.insert({ key, lane: key, companyId, dueAt, data: { letterId: id } })
  }

  async function put(notice: NoticeRecord, recipientId: string, channel: NoticeChannel, first: LetterPlan, timing: Timing, gatherMs: number): Promise<void> {
    const { _id, companyId, locationId } = notice
    const rhythm = notice.to[recipientId]?.channels[channel].rhythm
    if (rhythm === undefined || rhythm === 'off') return
    let plan = first
    for (let hop = 0; hop < maxHops; hop += 1) {
      const joined = await letters.findOneAndUpdate({ _id: plan.id, companyId, state: 'open' }, { $addToSet: { notices: _id } }, { returnDocument: 'after', projection: { dueAt: 1 } }).lean()
      if (joined !== null) {
        await enqueue(companyId, plan.id, joined.dueAt)
        return
      }
      try {
        await letters.create([
          {
            _id: plan.id, companyId, recipientId, channel, rhythm, locationId: plan.day === null ? locationId : null, day: plan.day, urgent: plan.urgent,
            state: 'open', reason: plan.day !== null ? 'digest' : plan.dueAt.getTime() > clock.nowMs() + gatherMs ? 'quiet_hours' : 'gathering', openedAt: clock.now(), dueAt: plan.dueAt, sentAt: null, attempts: 0, notices: [_id],
          },
        ])
        faultPoint('notices.posted')
        await enqueue(companyId, plan.id, plan.dueAt)
        return
      } catch (error) {
        if (!isDuplicateKey(error)) throw error
      }
      const there = await letters.findOne({ _id: plan.id, companyId }, { state: 1, notices: 1, day: 1 }).lean()
      if (there === null || there.state === 'open') continue
      if (there.notices.includes(_id)) return
      // It was closed before the fact came: the next one, for everybody who works on this notice.
      const next: LetterPlan =
        plan.day !== null && rhythm !== 'at_once'
          ? digestPlan(companyId, recipientId, channel, rhythm, timing, plan.day)
          : { id: hashOf('next-letter', plan.id).slice(0, 32), dueAt: dueOf(gatherMs, timing, waits(recipientId, plan.urgent)), day: null, urgent: plan.urgent }
      const path = `to.${recipientId}.letters.${channel}`
      await notices.updateOne({ _id, companyId, [`${path}.id`]: plan.id }, { $set: { [path]: next } })
      const now = await notices.findOne({ _id, companyId }, { to: 1 }).lean()
      plan = now?.to[recipientId]?.letters[channel] ?? next
    }
    throw new CodedError('letters_busy', 'Letters were closed faster than a fact could be put into one. It is tried again.')
  }

  return {
    async plan({ companyId, locationId }, wanted, gatherMs) {
      const atOnce = wanted.filter(({ decision }) => decision.rhythm === 'at_once')
      const open =
        atOnce.length === 0
          ? []
          : await letters
              .find({ companyId, recipientId: { $in: [...new Set(atOnce.map(({ recipientId }) => recipientId))] }, state: 'open', locationId, rhythm: 'at_once' }, { recipientId: 1, channel: 1, urgent: 1, dueAt: 1 })
              .lean()
      // Two processes that open a letter in the same moment open the same one.
      const sliceMs = Math.floor(clock.nowMs() / Math.max(gatherMs, 1_000))
      return wanted.map(({ recipientId, channel, decision, urgent, timing }) => {
        if (decision.rhythm === 'daily' || decision.rhythm === 'weekly') return digestPlan(companyId, recipientId, channel, decision.rhythm, timing, null)
        const joins = open.find((letter) => letter.recipientId === recipientId && letter.channel === channel && letter.urgent === urgent)
        if (joins !== undefined) return { id: joins._id, dueAt: joins.dueAt, day: null, urgent }
        return { id: letterId(companyId, recipientId, channel, { locationId, urgent, sliceMs }), dueAt: dueOf(gatherMs, timing, waits(recipientId, urgent)), day: null, urgent }
      })
    },

    async post(notice, timingOf, gatherMs) {
      for (const [recipientId, { letters: planned }] of Object.entries(notice.to)) {
        for (const [channel, plan] of Object.entries(planned)) await put(notice, recipientId, channel as NoticeChannel, plan, timingOf(recipientId), gatherMs)
      }
    },

    async retime(companyId, recipientId, timing) {
      const open = await letters.find({ companyId, recipientId, state: 'open', reason: { $in: ['digest', 'quiet_hours'] } }, { day: 1, dueAt: 1 }).lean()
      for (const letter of open) {
        const dueAt = letter.day === null ? (quietUntil(timing.quietHours, clock.now(), timing.zone) ?? clock.now()) : digestAtOn(letter.day, timing)
        if (dueAt.getTime() === letter.dueAt.getTime()) continue
        await letters.updateOne({ _id: letter._id, companyId, state: 'open' }, { $set: { dueAt } })
        await enqueue(companyId, letter._id, dueAt)
      }
    },

    async sweep(limit) {
      const overdueSince = new Date(clock.nowMs() - sweepGraceMs)
      const left = await letters.find({ state: { $in: ['open', 'closed', 'sending'] }, dueAt: { $lte: overdueSince } }, { companyId: 1, dueAt: 1 }).sort({ dueAt: 1 }).limit(limit).lean()
      for (const { _id, companyId } of left) {
        const round = Math.floor(clock.nowMs() / sweepGraceMs)
        const key = `${_id}:swept:${round}`
        await queue.insert({ key, lane: key, companyId, data: { letterId: _id } })
      }
      return left.length
    },
  }
}
