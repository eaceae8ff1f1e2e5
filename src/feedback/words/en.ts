import { defaultAgencySettings } from '../../http/contract/settings.ts'
import type { CustomerWords } from './types.ts'

/** The sentences of the one-tap page. */
const link: CustomerWords['link'] = {
  legend: 'Your answer',
  commentLabel: 'Anything you want to tell us? (optional)',
  send: 'Send my answer',
  change: 'Send the change',
  notSentYet: 'Nothing is sent until you press the button.',
  chooseOne: 'Please choose one of the four answers first.',
  commentTooLong: (most: number) => `Please shorten your text to ${most} characters.`,
  savedTitle: 'Thank you',
  saved: (level: string) => `Your answer is saved: ${level}.`,
  changeHint: (minutes: number) => `Changed your mind? You can change it here for ${minutes} minutes.`,
  expired: {
    title: 'This link has expired',
    text: 'Links work for a limited time. You can still answer with the feedback button in your account, or ask us for a new link.',
  },
  invalid: {
    title: 'This link does not work',
    text: 'It may have been shortened or cut off on its way. Please open it again from the original message.',
  },
  gone: {
    title: 'This link is no longer valid',
    text: 'It was made for a person who is no longer a user of this account, so nothing was recorded.',
  },
  off: {
    title: 'No answers are collected right now',
    text: 'Feedback is switched off for your account. If you want to tell us something, please reply to our message.',
  },
  tooLate: {
    title: 'Your answer is already in',
    text: 'It can no longer be changed with this link. You can give a new answer with the feedback button in your account.',
  },
}

/** The sentences of a person's own page. */
const card: CustomerWords['card'] = {
  title: 'Your feedback',
  noneTitle: 'You have not answered yet',
  noneText: 'One tap is enough, and a comment is up to you.',
  noneClosed: 'When we ask, your answers appear here. Only you and our team can see them.',
  youTold: 'You told us: {level}',
  answerNow: 'Tell us something now',
  notNow: 'Not now',
  done: 'Done',
  earlier: 'Your earlier answers',
  onlyYours: 'only yours',
  earlierNone: 'Your answers will gather here, newest first.',
  older: 'Show older',
  deeds: 'You said, we did',
  youSaid: 'You said',
  weDid: 'We did',
  contactTitle: 'Who reads this',
  contact: '{team} reads every answer.',
  person: '{name} looks after your account and is the person to reach.',
  nextTitle: 'When we ask next',
  nextNow: 'We would like to hear from you now.',
  nextScheduled: 'We will ask you next on {day}. You can tell us something sooner at any time.',
  nextTalking: 'We are working on what you told us, and ask again after we have come back to you.',
  nextOff: 'We are not asking at the moment.',
  failed: 'This could not be loaded. Check your connection and try again.',
}

/** English: what the settings begin with, so that both are one text. */
export const en: CustomerWords = { direction: 'ltr', widget: defaultAgencySettings.widget.copy, levels: defaultAgencySettings.widget.levels, link, card }
