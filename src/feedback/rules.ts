import type { AnswerView, NextAsk } from '../http/contract/feedback.ts'
import { minuteMs } from '../kernel/clock.ts'
import { happinessLabels, type HappinessLevel } from '../kernel/levels.ts'
import type { AnswerRecord } from './model.ts'
import type { PromptDecision } from './prompt-rules.ts'

/** Corrections of one answer at most: enough for a change of mind, not for a toy. */
export const maxCorrections = 20

/** What an answer said at each revision: as given, then after each correction. */
export interface AnswerState {
  revision: number
  at: Date
  level: HappinessLevel
  comment: string | null
}

export function statesOf(record: Pick<AnswerRecord, 'at' | 'given' | 'edits'>): AnswerState[] {
  const edits = [...record.edits].sort((a, b) => a.revision - b.revision)
  return [{ revision: 0, at: record.at, level: record.given.level, comment: record.given.comment }, ...edits]
}

/** Points that each revision books: the answer its own, a correction the difference. Revisions that book nothing are left out. */
export function ledgerOf(
  states: readonly AnswerState[],
  points: Record<HappinessLevel, number>,
): { revision: number; at: Date; points: number; note: string }[] {
  return states.flatMap((state, index) => {
    const before = states[index - 1]
    if (before === undefined)
      return [{ revision: 0, at: state.at, points: points[state.level], note: `Answered ${happinessLabels[state.level]}` }]
    const difference = points[state.level] - points[before.level]
    return difference === 0
      ? []
      : [
          {
            revision: state.revision,
            at: state.at,
            points: difference,
            note: `Changed from ${happinessLabels[before.level]} to ${happinessLabels[state.level]}`,
          },
        ]
  })
}

export function editableUntil(answerAt: Date, editMinutes: number): Date {
  return new Date(answerAt.getTime() + editMinutes * minuteMs)
}

/** A comment as it is kept: trimmed, null if nothing is left. */
export function keptComment(comment: string | null | undefined): string | null {
  const trimmed = comment?.trim() ?? ''
  return trimmed === '' ? null : trimmed
}

export function answerViewOf(record: AnswerRecord, editMinutes: number): AnswerView {
  return {
    answerId: record._id,
    level: record.level,
    comment: record.comment,
    at: record.at.toISOString(),
    editableUntil: editableUntil(record.at, editMinutes).toISOString(),
  }
}

/** The prompt's decision as the asked person may know it: not which of the team's records holds it back. */
export function nextAskOf({ due, reason, nextAt }: Pick<PromptDecision, 'due' | 'reason' | 'nextAt'>): NextAsk {
  // An invitation that was shown today and not dismissed still stands.
  if (due || reason === 'shown_today') return 'now'
  if (nextAt !== null) return 'scheduled'
  return reason === 'case_open' ? 'talking' : 'off'
}
