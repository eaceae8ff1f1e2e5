import type { Account, Accounts, AccountUser } from '../accounts/index.ts'
import type { AnswerChange, AnswerSource, AnswerView } from '../http/contract/feedback.ts'
import type { AgencySettings } from '../http/contract/settings.ts'
import { secondMs, type Clock } from '../kernel/clock.ts'
import { CodedError, describeError, notFound, RequestError } from '../kernel/errors.ts'
import { noFaultPoint, type FaultPoint } from '../kernel/fault-point.ts'
import type { HappinessLevel } from '../kernel/levels.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Settings } from '../settings/index.ts'
import type { LeasedQueue } from '../store/index.ts'
import { answerIdOf, type AnswerBook, type UserKey } from './answer-book.ts'
import { refusals } from './copy.ts'
import type { Derivation, Fresh } from './derivation.ts'
import type { AnswerRecord } from './model.ts'
import { answerViewOf, editableUntil, keptComment, maxCorrections } from './rules.ts'

/** The account user who answers, by the session or by a signed link; never by the request's body. */
export interface Respondent extends UserKey {
  userName: string
}

export interface AnswerInput {
  level: HappinessLevel
  comment: string | null | undefined
  idempotencyKey: string
  source: AnswerSource
}

/** Work that the safety net finishes if the process that took the answer could not. */
export interface AnswerWork {
  answerId: string
}

/** Taking and correcting answers. The fact is stored first; everything else follows from it. */
export interface Answers {
  /** @throws RequestError 403 `feedback_off`, `user_removed`; 404; 409 `idempotency_conflict`; 400 `invalid_input` */
  give(respondent: Respondent, input: AnswerInput): Promise<{ created: boolean; answer: AnswerView }>
  /** @throws RequestError 404 (not there, or not this user's); 409 `too_late`, `too_many_changes`; 400 `invalid_input` */
  change(user: UserKey, answerId: string, to: AnswerChange): Promise<AnswerView>
}

export interface AnswersDeps {
  book: AnswerBook
  derivation: Derivation
  queue: LeasedQueue<AnswerWork>
  accounts: Pick<Accounts, 'get' | 'users'>
  settings: Pick<Settings, 'get'>
  clock: Clock
  logger: Logger
  faultPoint?: FaultPoint
}

/** After that long without being done, an answer is taken over by the safety net. */
const netDelayMs = 10 * secondMs
const maxAttempts = 20

export function createAnswers({
  book,
  derivation,
  queue,
  accounts,
  settings,
  clock,
  logger,
  faultPoint = noFaultPoint,
}: AnswersDeps): Answers {
  /** Derivations running in this process: repeats of a request join them. */
  const running = new Map<string, Promise<void>>()

  /** The safety net is spread before the fact is stored, so that no crash leaves a fact without it. */
  async function spreadNet(user: UserKey, answerId: string, revision: number): Promise<void> {
    await queue.insert({
      key: `${answerId}:${revision}`,
      lane: `${user.companyId}:${user.locationId}`,
      companyId: user.companyId,
      dueAt: new Date(clock.nowMs() + netDelayMs),
      data: { answerId },
    })
  }

  async function derive(record: Pick<AnswerRecord, 'companyId' | 'revision'>, answerId: string, fresh?: Fresh): Promise<void> {
    try {
      await derivation.derive(record.companyId, answerId, false, fresh)
      await queue.cancel(record.companyId, `${answerId}:${record.revision}`, 'done at once')
    } catch (error) {
      // The answer itself is safe: the net tries again.
      logger.warn({ companyId: record.companyId, answerId, code: describeError(error).code }, 'answer stored, its effects follow later')
    }
  }

  async function deriveOnce(record: Pick<AnswerRecord, 'companyId' | 'revision'>, answerId: string, fresh?: Fresh): Promise<void> {
    const key = `${answerId}:${record.revision}`
    const joined = running.get(key)
    if (joined !== undefined) {
      await joined
      return
    }
    const run = derive(record, answerId, fresh).finally(() => running.delete(key))
    running.set(key, run)
    await run
  }

  async function commentOf(companyId: string, given: string | null | undefined): Promise<string | null> {
    const { maxCommentLength } = (await settings.get(companyId)).answers
    const comment = keptComment(given)
    if (comment !== null && comment.length > maxCommentLength) {
      const message = refusals.commentTooLong(maxCommentLength)
      throw new RequestError(400, 'invalid_input', message, { details: { in: 'body', fields: [{ field: 'comment', problem: message }] } })
    }
    return comment
  }

  /** The account and all of its users, once for the whole answer. */
  async function sceneOf({ companyId, locationId }: UserKey): Promise<{ account: Account | null; users: AccountUser[]; rules: AgencySettings }> {
    const [account, users, rules] = await Promise.all([
      accounts.get(companyId, locationId),
      accounts.users(companyId, locationId, { includeRemoved: true }),
      settings.get(companyId),
    ])
    return { account, users, rules }
  }

  /** @returns why this user may not answer; null if they may */
  function refusalFor({ userId }: UserKey, { account, users, rules }: Awaited<ReturnType<typeof sceneOf>>): RequestError | null {
    if (account === null) return notFound('account')
    if (users.some((person) => person.userId === userId && person.removedAt !== null)) return new RequestError(403, 'user_removed', refusals.userRemoved)
    if (!account.feedbackEnabled || !rules.prompt.enabled) return new RequestError(403, 'feedback_off', refusals.feedbackOff)
    return null
  }

  async function repeated(
    record: AnswerRecord,
    level: HappinessLevel,
    comment: string | null,
  ): Promise<{ created: false; answer: AnswerView }> {
    if (record.given.level !== level || record.given.comment !== comment)
      throw new RequestError(409, 'idempotency_conflict', refusals.otherBody)
    if (record.derivedRevision < record.revision) await deriveOnce(record, record._id)
    const { editMinutes } = (await settings.get(record.companyId)).answers
    return { created: false, answer: answerViewOf(record, editMinutes) }
  }

  return {
    async give(respondent, { level, comment: given, idempotencyKey, source }) {
      const { companyId, locationId, userId, userName } = respondent
      const user = { companyId, locationId, userId }
      const answerId = answerIdOf(user, idempotencyKey)
      const comment = await commentOf(companyId, given)
      const scene = await sceneOf(user)
      const refusal = refusalFor(user, scene)
      if (refusal !== null) {
        // A repeat of an answer that was taken is still true after feedback was switched off.
        const known = await book.find(companyId, answerId)
        if (known === null) throw refusal
        return repeated(known, level, comment)
      }
      await spreadNet(user, answerId, 0)
      const at = clock.now()
      const record = await book.insert({ ...user, answerId, userName, idempotencyKey, source, level, comment, at })
      if (record === null) {
        const known = await book.find(companyId, answerId)
        if (known === null) throw new CodedError('answer_missing', 'The answer could not be read back. Try again.')
        return repeated(known, level, comment)
      }
      faultPoint('answers.inserted')
      await deriveOnce(record, answerId, { record, ...scene })
      const { editMinutes } = (await settings.get(companyId)).answers
      const view = { answerId, level, comment, at: at.toISOString(), editableUntil: editableUntil(at, editMinutes).toISOString() }
      return { created: true, answer: view }
    },

    async change(user, answerId, to) {
      const comment = to.comment === undefined ? undefined : await commentOf(user.companyId, to.comment)
      const { editMinutes } = (await settings.get(user.companyId)).answers
      for (let count = 1; count <= maxAttempts; count += 1) {
        const record = await book.find(user.companyId, answerId)
        if (record === null || record.locationId !== user.locationId || record.userId !== user.userId) throw notFound('answer')
        const next = { level: to.level ?? record.level, comment: comment === undefined ? record.comment : comment }
        if (next.level === record.level && next.comment === record.comment) {
          if (record.derivedRevision < record.revision) await deriveOnce(record, answerId)
          return answerViewOf(record, editMinutes)
        }
        const now = clock.now()
        if (now.getTime() > editableUntil(record.at, editMinutes).getTime())
          throw new RequestError(409, 'too_late', refusals.tooLate(editMinutes))
        if (record.revision >= maxCorrections) throw new RequestError(409, 'too_many_changes', refusals.tooMany)
        await spreadNet(user, answerId, record.revision + 1)
        const corrected = await book.correct(record, next, now)
        if (corrected === null) continue
        faultPoint('answers.corrected')
        await deriveOnce(corrected, answerId)
        return answerViewOf(corrected, editMinutes)
      }
      throw new CodedError('answer_busy', 'This answer is being changed elsewhere right now. Try again.')
    },
  }
}
