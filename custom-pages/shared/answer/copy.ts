import type { Level } from './level.ts'

/** Every word the widget can show. The server sends the agency's own; English stands in for what it does not send. */
export interface WidgetCopy {
  /** BCP 47 language of these words. */
  language: string
  direction: 'ltr' | 'rtl'
  button: string
  question: string
  hint: string
  later: string
  close: string
  levels: Record<Level, string>
  commentLabels: Record<Level, string>
  saved: string
  change: string
  send: string
  skip: string
  retry: string
  thanks: string
  thanksNext: string
  laterThanks: string
  answerNow: string
  offline: string
  refused: string
  /** In characters. */
  maxCommentLength: number
}

export const defaultCopy: WidgetCopy = {
  language: 'en',
  direction: 'ltr',
  button: 'Feedback',
  question: 'How are we doing for you?',
  hint: 'One tap. Our team reads every answer.',
  later: 'Ask me later',
  close: 'Close',
  levels: { not_happy: 'Not Happy', neutral: 'Neutral', happy: 'Happy', very_happy: 'Very Happy' },
  commentLabels: {
    not_happy: 'What should we fix first?',
    neutral: 'What would make it better?',
    happy: 'What is working best?',
    very_happy: 'What is working best?',
  },
  saved: 'Saved.',
  change: 'Change',
  send: 'Send',
  skip: 'Skip',
  retry: 'Try again',
  thanks: 'Thank you',
  thanksNext: 'We read every answer. The button stays here until we ask again.',
  laterThanks: 'No problem. The button is here if you want to say something sooner.',
  answerNow: 'Answer now after all',
  offline: 'Not sent yet. Your answer is kept here and goes out when you are back online.',
  refused: 'This answer could not be saved. Please try again later.',
  maxCommentLength: 2_000,
}

/** Defaults overlaid with what the server sent: known members of the right kind only. */
export function mergeCopy(given: Record<string, unknown>): WidgetCopy {
  const copy: Record<string, unknown> = { ...defaultCopy }
  for (const [key, own] of Object.entries(defaultCopy)) if (typeof given[key] === typeof own && given[key] !== null) copy[key] = given[key]
  return copy as unknown as WidgetCopy
}
