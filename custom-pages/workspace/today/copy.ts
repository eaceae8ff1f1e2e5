import type { TodayAction } from '../../../src/http/contract/today.ts'
import { number, plural } from '../../shared/lib/format.ts'

export type ListName = 'actNow' | 'goingStale' | 'goodNews'

const some = (count: number, atLeast: boolean) => `${number(count)}${atLeast ? '+' : ''}`

/** Words of the page Today. */
export const copy = {
  title: 'Today',
  whose: 'Whose accounts',
  mine: 'Mine',
  everybody: 'Everybody',
  of: (label: string, count: number) => `${label} ${number(count)}`,
  lead: ({ act, stale, good }: { act: number; stale: number; good: number }) =>
    act + stale + good === 0
      ? 'Nothing waits for anybody.'
      : `${act === 1 ? '1 account needs' : `${number(act)} accounts need`} someone today, ${stale === 1 ? '1 is' : `${number(stale)} are`} going stale, ${good === 1 ? '1 has' : `${number(good)} have`} good news.`,
  lists: { actNow: 'Act now', goingStale: 'Going stale', goodNews: 'Good news' } satisfies Record<ListName, string>,
  hints: { actNow: 'Most urgent first', goingStale: 'Longest first', goodNews: 'The last 7 days' } satisfies Record<ListName, string>,
  count: some,
  countInWords: (count: number, atLeast: boolean) => `${atLeast ? 'more than ' : ''}${plural(count, 'account', 'accounts')}`,
  setUp: 'Set-up',
  more: (count: number) => `+${count} more`,
  moreInWords: (count: number) => `, and ${plural(count, 'further reason', 'further reasons')}`,
  showAll: (count: number) => `Show all ${number(count)}`,
  showLess: 'Show fewer',
  only: (shown: number) => `These are the ${number(shown)} most urgent. The rest follows as they are done.`,
  overdueBy: (span: string) => `Overdue by ${span}`,
  due: (time: string, span: string) => `Due ${time}, in ${span}`,
  since: (span: string) => (span === 'now' ? 'Just now' : `Since ${span}`),
  ago: (span: string) => (span === 'now' ? 'Just now' : `${span} ago`),
  answered: (answered: number, eligible: number) => `${answered} of ${eligible}`,
  usersAnswered: ' users answered',
  dissent: 'Somebody is Not Happy',
  actions: {
    open_set_up: 'Open Set-up',
    open_case: 'Open case',
    open_account: 'Open account',
    review_status: 'Review status',
    set_status: 'Set status',
    add_note: 'Add the note',
    open_run: 'Look at it',
    still_true: 'Still true',
    ask_testimonial: 'Ask for a review',
  } satisfies Record<TodayAction, string>,
  /** Behind the words of the button, for readers. */
  actionOf: (account: string) => `: ${account}`,
  confirmed: (name: string, level: string) => `${name} is still ${level}.`,
  change: 'Change it',
  keys: 'J and K move between the rows, Enter does what the button says',
  empty: {
    actNow: { title: 'Nothing needs you today', text: 'Cases, falls, missing notes and failed steps appear here.' },
    goingStale: { title: 'Every status is fresh', text: 'A status that nobody confirmed for long, and accounts that fell silent, appear here.' },
    goodNews: { title: 'No news in the last 7 days', text: 'Rises, recoveries, closed cases and first answers appear here.' },
  } satisfies Record<ListName, { title: string; text: string }>,
  notSetUp: {
    title: 'Choose where your team works',
    text: 'Pick the sub-account in which your CSMs work. Fields, tags and pipelines are made there; then feedback can begin.',
    go: 'Open Set-up',
  },
  noAccounts: { title: 'No accounts yet', text: 'They appear while they are read from your CRM. That takes about a minute.', go: 'Open Set-up' },
  noneOfMine: {
    title: 'No account is yours yet',
    text: 'Somebody can make you the owner of accounts under Accounts. Until then, see what waits for everybody.',
    go: 'Show everybody’s',
    toAccounts: 'Accounts without an owner',
  },
  testimonial: {
    title: (name: string) => `Ask ${name} for a review`,
    text: 'They are happy, nobody dissents and no case is open. These words are a start; change them as you like.',
    whom: 'Whom',
    nobody: 'Nobody of this account has an e-mail address.',
    subject: 'A favour',
    words: (first: string) => `Hi ${first},\n\nthank you for your kind feedback. Would you put it into a sentence or two that we may show to others? A few honest words are enough, and you decide what is used.\n\nThank you`,
    label: 'Words',
    hint: 'Nothing is sent from here. The letter opens in your mail program.',
    copyWords: 'Copy the words',
    copied: 'The words are copied.',
    notCopied: 'The browser did not let the words be copied. Select and copy them yourself.',
    write: 'Write the e-mail',
    toAccount: 'Open account',
  },
}
