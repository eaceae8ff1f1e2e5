import { plural } from '../shared/lib/format.ts'

/** What the agency's people read on the card. A customer's words come with the data, in their language; until then, `first-words.ts`. */
export const copy = {
  close: 'Close',

  /** What the agency's people read. */
  team: {
    what: 'This account',
    noLocationTitle: 'Open a sub-account first',
    noLocationText: 'This card shows the account you are in. Switch to one of your accounts, then open it again.',
    toWorkspace: 'Open in the workspace',
    premium: 'Premium',
    reading: 'Happiness Level, from their answers',
    owner: (name: string | null) => (name === null ? 'Nobody looks after this account yet.' : `${name} looks after this account.`),
    feedback: 'Request feedback',
    feedbackSaid: (on: boolean) => `Feedback is ${on ? 'requested' : 'not requested'}`,
    toggled: (on: boolean) => `Request feedback is ${on ? 'on' : 'off'}.`,
    people: 'People',
    noPeopleTitle: 'Nobody works in this account yet',
    noPeopleText: 'Users appear here as soon as they are added to the sub-account.',
    noAnswer: 'No answer yet',
    ago: (span: string) => (span === 'now' ? 'just now' : `${span} ago`),
    cases: 'Open cases',
    noCases: 'No open case.',
    case: (name: string) => `Case: ${name}`,
    overdue: 'Overdue',
    due: (when: string) => `Due ${when}`,
    moreCases: (count: number) => `${plural(count, 'more case', 'more cases')} in the workspace`,
    timeline: 'Newest',
    noTimeline: 'Nothing has happened yet.',
  },
}
