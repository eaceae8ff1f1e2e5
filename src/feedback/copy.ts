import type { CardWords, PromptGate, WidgetCopy } from '../http/contract/feedback.ts'
import type { MyDeed } from '../http/contract/deeds.ts'
import type { AgencySettings } from '../http/contract/settings.ts'
import { wordsFor } from './words/index.ts'

/** Every sentence of the widget for one reader. @param accepted the reader's languages, as their browser sends them */
export function widgetCopyOf(settings: AgencySettings, answeredBefore: boolean, accepted: string | undefined): WidgetCopy {
  const { widget, brand, answers } = settings
  const words = wordsFor(settings, accepted)
  const { againQuestion, question, ...rest } = words.widget
  return {
    ...rest,
    thanksNext: rest.thanksNext.replaceAll('{days}', String(settings.prompt.answeredDays)),
    language: words.language,
    direction: words.direction,
    question: answeredBefore ? againQuestion : question,
    levels: words.levels,
    position: widget.position,
    theme: widget.theme,
    brand: { name: brand.name, teamName: brand.teamName, accentColour: brand.accentColour, logoUrl: brand.logoUrl },
    maxCommentLength: answers.maxCommentLength,
  }
}

/** Of a long comment as much as reminds of it. */
const quoteLength = 140

function quoteOf(comment: string): string {
  const letters = Array.from(new Intl.Segmenter().segment(comment), ({ segment }) => segment)
  return letters.length <= quoteLength ? comment : `${letters.slice(0, quoteLength).join('').trimEnd()}…`
}

/** What was done, for after an answer: their own words first, where they said them. */
export function newsOf({ said, did }: MyDeed, settings: AgencySettings, accepted: string | undefined): string[] {
  const { card, direction, language } = wordsFor(settings, accepted)
  // Sentences of another direction keep their full stop on their own side.
  const colon = language === 'fr' ? '\u00a0:' : ':'
  const told = (label: string, text: string) => `${label}${colon} ${direction === 'rtl' ? `\u2068${text}\u2069` : text}`
  return [...(said === null ? [] : [told(card.youSaid, quoteOf(said.comment))]), told(card.weDid, did)]
}

/** Every sentence of one reader's own page, in the language of their widget. */
export const cardWordsOf = (settings: AgencySettings, accepted: string | undefined): CardWords => wordsFor(settings, accepted).card

/** The prompt inspector's line for each gate. */
export const gateLabels: Record<PromptGate['key'], string> = {
  feedback_on: 'Feedback is on for this account',
  account_user: 'A user of the account, not agency staff',
  user_present: 'Still a user of the account',
  not_new: 'No longer in the first days',
  not_churned: 'The account is not churned',
  no_open_case: 'No Not Happy case is open',
  cycle_over: 'The time since the last answer is over',
  not_snoozed: 'Not snoozed or closed recently',
  not_ignored: 'Not shown today, and not ignored too often',
}

/** What a person sees who answers through the API without being allowed to. */
export const refusals = {
  feedbackOff: 'Feedback is off for this account. An agency admin can turn it on.',
  userRemoved: 'This person is no longer a user of the account, so the answer was not recorded.',
  otherBody: 'This idempotency key was used for another answer. Use a new key for a new answer, or change the old one with PATCH.',
  tooLate: (minutes: number) => `An answer can be changed for ${minutes} minutes. Give a new answer instead.`,
  tooMany: 'This answer was changed too often. Give a new answer instead.',
  promptGone: 'This prompt is no longer current. Ask for the prompt again.',
  commentTooLong: (most: number) => `comment: must be at most ${most} characters.`,
}
