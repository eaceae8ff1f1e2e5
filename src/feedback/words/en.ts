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

/** English: what the settings begin with, so that both are one text. */
export const en: CustomerWords = { direction: 'ltr', widget: defaultAgencySettings.widget.copy, levels: defaultAgencySettings.widget.levels, link }
