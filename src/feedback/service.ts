import type { Connection } from 'mongoose'
import type { Accounts, BulkHandler } from '../accounts/index.ts'
import type { Cases } from '../cases/index.ts'
import type { DomainEvent } from '../events/index.ts'
import type { Happiness } from '../happiness/index.ts'
import type { Clock } from '../kernel/clock.ts'
import type { CryptoBox } from '../kernel/crypto-box.ts'
import { PermanentError, RequestError } from '../kernel/errors.ts'
import type { FaultPoint } from '../kernel/fault-point.ts'
import type { ForgottenPerson } from '../kernel/forgotten.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Wake } from '../kernel/wake.ts'
import type { Scores } from '../scores/index.ts'
import type { Settings } from '../settings/index.ts'
import { createLeasedQueue, createPump, type LeasedQueue, type Pump } from '../store/index.ts'
import type { AnswerBook } from './answer-book.ts'
import { createAnswers, type Answers, type AnswerWork } from './answers.ts'
import { createDerivation } from './derivation.ts'
import { createLinks, type Links } from './links.ts'
import { createPrompts, type Prompts, type PromptsDeps } from './prompts.ts'

/** Asking customers' users how they are doing, and taking their answers. */
export interface Feedback {
  answers: Answers
  prompts: Prompts
  links: Links
  /** The safety net: answers whose effects a crash or a fault left undone. */
  queue: LeasedQueue<AnswerWork>
  pump: Pump
  /** For `accounts.registerBulkAction('request_feedback', …)`. */
  requestFeedbackInBulk: BulkHandler
  /** Takes away what makes this person's answers theirs. Idempotent. */
  forget(person: ForgottenPerson): Promise<void>
  /** Removes everything stored for the agency. */
  purge(companyId: string): Promise<void>
}

export interface FeedbackDeps {
  connection: Connection
  clock: Clock
  book: AnswerBook
  happiness: Pick<Happiness, 'recompute'>
  cases: Cases
  scores: Pick<Scores, 'book'>
  accounts: Pick<Accounts, 'get' | 'user' | 'users' | 'agencyUser'>
  settings: Pick<Settings, 'get'>
  events: { append(event: DomainEvent): Promise<unknown> }
  box: Pick<CryptoBox, 'signingKeys'>
  publicUrl: string
  wake: Wake
  /** Other work lets answers go first. */
  logger: Logger
  faultPoint?: FaultPoint
  deeds?: NonNullable<PromptsDeps['deeds']>
  reacted?: NonNullable<PromptsDeps['reacted']>
}

export function createFeedback(deps: FeedbackDeps): Feedback {
  const { connection, clock, book, accounts, settings, logger, wake } = deps
  const faults = deps.faultPoint === undefined ? {} : { faultPoint: deps.faultPoint }
  const queue = createLeasedQueue<AnswerWork>(connection, { collection: 'answer_work', clock, doneTtlDays: 7, ...faults })
  const derivation = createDerivation(deps)
  const answers = createAnswers({ book, derivation, queue, accounts, settings, clock, logger, ...faults })
  const prompts = createPrompts(deps)
  const links = createLinks({ box: deps.box, publicUrl: deps.publicUrl, clock, book, answers, accounts, settings })
  const pump = createPump<AnswerWork>({
    name: 'answers',
    queue,
    clock,
    logger,
    wake,
    pumpName: 'answers',
    async handle({ companyId, data }) {
      if (companyId === null) throw new PermanentError('answer_without_agency', 'This answer names no agency.')
      return derivation.derive(companyId, data.answerId, true)
    },
  })

  return {
    answers,
    prompts,
    links,
    queue,
    pump,
    requestFeedbackInBulk: async (session, locationIds, request) => {
      const actor = { kind: 'agency_user' as const, id: session.userId, name: session.userName }
      const wanted = {
        ...(request.userIds === undefined ? {} : { userIds: request.userIds }),
        ...(request.note === undefined ? {} : { note: request.note }),
      }
      const results = []
      for (const locationId of locationIds) {
        try {
          await prompts.requestNow(session.companyId, locationId, wanted, actor, 'page')
          results.push({ locationId, ok: true })
        } catch (error) {
          if (!(error instanceof RequestError)) throw error
          results.push({ locationId, ok: false, error: { code: error.code, message: error.message } })
        }
      }
      return results
    },
    async forget(person) {
      await book.forget(person)
      await prompts.forget(person)
    },
    async purge(companyId) {
      await book.purge(companyId)
      await prompts.purge(companyId)
    },
  }
}
