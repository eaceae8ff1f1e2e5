import type { Connection } from 'mongoose'
import type { AnswerFacts } from '../happiness/index.ts'
import type { AnswerSource } from '../http/contract/feedback.ts'
import { somebody, type ForgottenPerson } from '../kernel/forgotten.ts'
import { hashOf } from '../kernel/ids.ts'
import type { HappinessLevel } from '../kernel/levels.ts'
import { isDuplicateKey } from '../store/index.ts'
import { feedbackModels, type AnswerRecord } from './model.ts'

/** An account user. */
export interface UserKey {
  companyId: string
  locationId: string
  userId: string
}

/** An answer to be kept. */
export interface GivenAnswer extends UserKey {
  answerId: string
  userName: string
  idempotencyKey: string
  source: AnswerSource
  level: HappinessLevel
  comment: string | null
  at: Date
}

/** Where answers are kept: facts, inserted once, corrected for minutes, never deleted while the agency is here. */
export interface AnswerBook extends AnswerFacts {
  /** @returns the stored record; null if it is there already */
  insert(answer: GivenAnswer): Promise<AnswerRecord | null>
  find(companyId: string, answerId: string): Promise<AnswerRecord | null>
  findAll(companyId: string, answerIds: readonly string[]): Promise<AnswerRecord[]>
  /** An account's newest answers that came with words. */
  withWords(companyId: string, locationId: string, limit: number): Promise<AnswerRecord[]>
  /** Adds a correction, if no other was added since `record` was read. @returns null if one was */
  correct(record: AnswerRecord, to: { level: HappinessLevel; comment: string | null }, at: Date): Promise<AnswerRecord | null>
  /** @returns false if the answer was corrected since that revision was read */
  markDerived(companyId: string, answerId: string, revision: number): Promise<boolean>
  newestOf(user: UserKey): Promise<AnswerRecord | null>
  /** Newest first, after leaving out the `skip` newest. */
  listOf(user: UserKey, limit: number, skip?: number): Promise<AnswerRecord[]>
  countOf(user: UserKey): Promise<number>
  /** All answers of an account, newest first, page by page. */
  ofAccount(companyId: string, locationId: string): AsyncIterable<AnswerRecord>
  /** What was answered stays as a figure of nobody; words and name go. Idempotent. */
  forget(person: ForgottenPerson): Promise<void>
  purge(companyId: string): Promise<void>
}

const pageLength = 200

/** The id of the answer that this user gives under this key: the same key is the same answer. */
export function answerIdOf(user: UserKey, idempotencyKey: string): string {
  return hashOf('answer', user.companyId, user.locationId, user.userId, idempotencyKey).slice(0, 24)
}

export function createAnswerBook({ connection }: { connection: Connection }): AnswerBook {
  const { answers } = feedbackModels(connection)
  const of = ({ companyId, locationId, userId }: UserKey) => ({ companyId, locationId, userId })

  return {
    async insert({ answerId, level, comment, ...answer }) {
      const record: AnswerRecord = { _id: answerId, ...answer, given: { level, comment }, edits: [], level, comment, revision: 0, derivedRevision: -1 }
      try {
        await answers.create([record])
        return record
      } catch (error) {
        if (isDuplicateKey(error)) return null
        throw error
      }
    },

    find: (companyId, answerId) => answers.findOne({ _id: answerId, companyId }).lean<AnswerRecord>(),

    findAll: (companyId, answerIds) => answers.find({ _id: { $in: [...answerIds] }, companyId }).lean<AnswerRecord[]>(),

    withWords: (companyId, locationId, limit) =>
      answers.find({ companyId, locationId, comment: { $type: 'string' } }).sort({ at: -1, _id: -1 }).limit(limit).lean<AnswerRecord[]>(),

    async correct(record, to, at) {
      const revision = record.revision + 1
      return answers
        .findOneAndUpdate(
          // Whose it was in the meantime forgotten has nothing to correct any more.
          { _id: record._id, companyId: record.companyId, userId: record.userId, revision: record.revision },
          { $set: { ...to, revision }, $push: { edits: { revision, at, ...to } } },
          { returnDocument: 'after' },
        )
        .lean<AnswerRecord>()
    },

    async markDerived(companyId, answerId, revision) {
      const { matchedCount } = await answers.updateOne({ _id: answerId, companyId, revision }, { $max: { derivedRevision: revision } })
      return matchedCount === 1
    },

    newestOf: (user) => answers.findOne(of(user)).sort({ at: -1, _id: -1 }).lean<AnswerRecord>(),

    listOf: (user, limit, skip = 0) => answers.find(of(user)).sort({ at: -1, _id: -1 }).skip(skip).limit(limit).lean<AnswerRecord[]>(),

    countOf: (user) => answers.countDocuments(of(user)),

    async since(companyId, locationId, fromAt) {
      const found = await answers
        .find({ companyId, locationId, at: { $gte: fromAt } }, { userId: 1, at: 1, given: 1, edits: 1, comment: 1 })
        .lean<AnswerRecord[]>()
      return found.map((record) => ({
        kind: 'answer' as const,
        answerId: record._id,
        userId: record.userId,
        at: record.at,
        level: record.given.level,
        edits: record.edits.map(({ revision, at, level }) => ({ revision, at, level })),
        comment: record.comment,
      }))
    },

    async *ofAccount(companyId, locationId) {
      for (let skip = 0; ; skip += pageLength) {
        const page = await answers.find({ companyId, locationId }).sort({ at: -1, _id: -1 }).skip(skip).limit(pageLength).lean<AnswerRecord[]>()
        yield* page
        if (page.length < pageLength) return
      }
    },

    async forget({ companyId, userId, locationIds, alias }) {
      for (const locationId of locationIds) {
        const theirs = { companyId, locationId, userId }
        // Until none is left: one that was corrected in between has its turn again.
        for (let given = await answers.findOne(theirs).lean<AnswerRecord>(); given !== null; given = await answers.findOne(theirs).lean<AnswerRecord>()) {
          const { _id, edits, revision } = given
          const wordless = edits.map((edit) => ({ ...edit, comment: null }))
          // What was not derived yet is not any more: it would be told with the name.
          const set = { userId: alias, userName: somebody, idempotencyKey: _id, comment: null, 'given.comment': null, edits: wordless, derivedRevision: revision }
          await answers.updateOne({ _id, companyId, revision }, { $set: set })
        }
      }
    },

    async purge(companyId) {
      await answers.deleteMany({ companyId })
    },
  }
}
