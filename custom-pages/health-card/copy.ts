import { plural } from '../shared/lib/format.ts'

/** All words of the card. What a customer reads beside them (levels, questions, names) is the agency's own and comes with the data. */
export const copy = {
  connecting: 'Opening',
  outside: {
    title: 'Open this page from the navigation',
    text: 'It works inside your CRM, where it can see who you are. In this window it cannot.',
  },
  refused: {
    title: 'You could not be signed in',
    text: 'Reload the page. If it stays like this, tell the team that looks after your account.',
  },
  offline: { title: 'No connection', text: 'The server did not answer. Nothing is lost; try again in a moment.' },
  tryAgain: 'Try again',

  /** What a customer's own user reads. */
  mine: {
    what: 'Your feedback',
    noneTitle: 'You have not answered yet',
    noneText: 'One tap is enough, and a comment is up to you.',
    noneClosed: 'When we ask, your answers appear here. Only you and our team can see them.',
    youTold: (level: string) => `You told us: ${level}`,
    answerNow: 'Tell us something now',
    notNow: 'Not now',
    done: 'Done',
    earlier: 'Your earlier answers',
    onlyYours: 'only yours',
    earlierNone: 'Your answers will gather here, newest first.',
    older: 'Show older',
    contactTitle: 'Who reads this',
    contact: (team: string) => `${team} reads every answer.`,
    person: (name: string) => `${name} looks after your account and is the person to reach.`,
    nextTitle: 'When we ask next',
    next: {
      now: () => 'We would like to hear from you now.',
      scheduled: (day: string) => `We will ask you next on ${day}. You can tell us something sooner at any time.`,
      talking: () => 'We are working on what you told us, and ask again after we have come back to you.',
      off: () => 'We are not asking at the moment.',
    },
  },

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
