import type { CardWords } from '../../http/contract/feedback.ts'
import type { AgencySettings } from '../../http/contract/settings.ts'

interface Refused {
  title: string
  text: string
}

/** Everything that a customer's user reads of the widget, of the one-tap page and of their own page, in one language. */
export interface CustomerWords {
  direction: 'ltr' | 'rtl'
  /** The widget. `{days}` in `thanksNext` becomes the days until the user is asked again. */
  widget: AgencySettings['widget']['copy']
  /** Under the four faces. Fields and stages in the CRM keep the product's own words. */
  levels: AgencySettings['widget']['levels']
  /** The one-tap page, besides the question and the thanks, which are the widget's. */
  link: {
    legend: string
    commentLabel: string
    send: string
    change: string
    notSentYet: string
    chooseOne: string
    /** @param most characters */
    commentTooLong: (most: number) => string
    savedTitle: string
    saved: (level: string) => string
    changeHint: (minutes: number) => string
    expired: Refused
    invalid: Refused
    gone: Refused
    off: Refused
    tooLate: Refused
  }
  /** A person's own page: what they said, what was done, whom they reach. `{level}`, `{day}`, `{team}` and `{name}` become what they name. */
  card: CardWords
}
