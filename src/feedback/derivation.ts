import type { Account, Accounts, AccountUser } from '../accounts/index.ts'
import type { Cases } from '../cases/index.ts'
import type { Actor, DomainEvent, EventSource } from '../events/index.ts'
import type { Happiness } from '../happiness/index.ts'
import { CodedError } from '../kernel/errors.ts'
import { happinessLabels } from '../kernel/levels.ts'
import type { Scores } from '../scores/index.ts'
import type { Settings } from '../settings/index.ts'
import type { AnswerBook } from './answer-book.ts'
import type { AnswerRecord } from './model.ts'
import { ledgerOf, maxCorrections, statesOf, type AnswerState } from './rules.ts'

export interface DerivationDeps {
  book: AnswerBook
  accounts: Pick<Accounts, 'get'>
  happiness: Pick<Happiness, 'recompute'>
  cases: Pick<Cases, 'attach' | 'withdraw'>
  scores: Pick<Scores, 'book'>
  settings: Pick<Settings, 'get'>
}

/** What was read or stored a moment ago for this very answer, and need not be read again. */
export interface Fresh {
  record: AnswerRecord
  account: Account | null
  users: readonly AccountUser[]
}

/** What an answer means for everything else. May run any number of times, at once or after a crash: the outcome is the same. */
export interface Derivation {
  /**
   * @param again also if it is marked as done: somebody may have crashed after acting on an older revision
   * @returns `ignored` if there is no such answer, or its account is no longer the agency's
   */
  derive(companyId: string, answerId: string, again?: boolean, fresh?: Fresh): Promise<'done' | 'ignored'>
}

/** Corrections that overtake a derivation make it start over; there are few of them. */
const maxRounds = maxCorrections + 2

const eventSourceOf: Record<AnswerRecord['source'], EventSource> = { widget: 'widget', button: 'button', link: 'link' }

export function createDerivation({ book, accounts, happiness, cases, scores, settings }: DerivationDeps): Derivation {
  function eventOf(
    record: AnswerRecord,
    state: AnswerState,
    before: AnswerState | undefined,
    accountName: string,
    actor: Actor,
  ): DomainEvent {
    const label = happinessLabels[state.level]
    const data = {
      answerId: record._id,
      accountName,
      userName: record.userName,
      level: state.level,
      levelLabel: label,
      comment: state.comment,
      answerSource: record.source,
    }
    const base = {
      companyId: record.companyId,
      locationId: record.locationId,
      userId: record.userId,
      at: state.at,
      actor,
      source: eventSourceOf[record.source],
    }
    if (before === undefined) {
      return {
        ...base,
        key: `feedback.received:${record._id}`,
        type: 'feedback.received',
        summary: `${record.userName} answered ${label}.`,
        after: state.level,
        data,
      }
    }
    const said =
      before.level === state.level
        ? `${record.userName} ${state.comment === null ? 'took the comment back' : before.comment === null ? 'added a comment' : 'changed the comment'}.`
        : `${record.userName} changed the answer from ${happinessLabels[before.level]} to ${label}.`
    return {
      ...base,
      key: `feedback.changed:${record._id}:${state.revision}`,
      type: 'feedback.changed',
      summary: said,
      before: before.level,
      after: state.level,
      data: { ...data, levelChanged: before.level !== state.level },
    }
  }

  /** @returns null if the answer was corrected meanwhile: what was done may rest on the older state */
  async function round(companyId: string, answerId: string, again: boolean, fresh: Fresh | undefined): Promise<'done' | 'ignored' | null> {
    const record = fresh?.record ?? (await book.find(companyId, answerId))
    if (record === null) return 'ignored'
    if (record.derivedRevision >= record.revision && !again) return 'done'
    const { locationId, userId, userName } = record
    const [account, rules] = await Promise.all([fresh?.account ?? accounts.get(companyId, locationId), settings.get(companyId)])
    if (account === null) return (await book.markDerived(companyId, answerId, record.revision)) ? 'ignored' : null
    const actor: Actor = { kind: 'account_user', id: userId, name: userName }
    const states = statesOf(record)

    const told = states.flatMap((state, index) =>
      state.revision > record.derivedRevision ? [eventOf(record, state, states[index - 1], account.name, actor)] : [],
    )
    const source = eventSourceOf[record.source]
    const at = states.at(-1)?.at ?? record.at
    // The reading first: the contact is written while the rest is done.
    const cause = { at, actor, source, userId, data: { answerId }, events: told }
    await happiness.recompute(companyId, locationId, cause, fresh === undefined ? undefined : { account, users: fresh.users })
    const booked = ledgerOf(states, rules.happiness.points).filter((entry) => entry.revision > record.derivedRevision)
    await Promise.all(
      booked.map((entry) =>
        scores.book({
          key: `answer:${answerId}:${entry.revision}`,
          companyId,
          locationId,
          userId,
          kind: entry.revision === 0 ? 'answer' : 'answer_changed',
          points: entry.points,
          note: entry.note,
          at: entry.at,
        }),
      ),
    )
    if (record.level === 'not_happy') {
      await cases.attach({ companyId, locationId, userId, userName, answerId, comment: record.comment, at: record.at, source })
    } else if (states.some((state) => state.level === 'not_happy')) await cases.withdraw(companyId, answerId, at, actor)
    return (await book.markDerived(companyId, answerId, record.revision)) ? 'done' : null
  }

  return {
    async derive(companyId, answerId, again = false, fresh) {
      for (let count = 1; count <= maxRounds; count += 1) {
        const outcome = await round(companyId, answerId, again || count > 1, count === 1 ? fresh : undefined)
        if (outcome !== null) return outcome
      }
      throw new CodedError('answer_busy', 'This answer is being corrected again and again; it will be worked on later.')
    },
  }
}
