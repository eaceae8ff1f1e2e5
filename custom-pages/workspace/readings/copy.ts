import type { Disagreement } from '../../../src/http/contract/accounts.ts'
import type { alertKinds } from '../../../src/http/contract/reports.ts'
import { number, plural } from '../../shared/lib/format.ts'

const accounts = (count: number) => plural(count, 'account', 'accounts')
const percent = (part: number) => `${Math.round(part * 100)} %`

export const viewNames = ['grid', 'disagreements', 'trends', 'ranking', 'alerts', 'books', 'hours'] as const
export type ViewName = (typeof viewNames)[number]

/** Words of the Readings page. */
export const copy = {
  title: 'Readings',
  places: 'Views of the readings',
  views: { grid: 'Grid', disagreements: 'Disagreements', trends: 'Trends', ranking: 'Ranking', alerts: 'Alerts', books: 'Owners', hours: 'Hours' } satisfies Record<ViewName, string>,
  leads: {
    grid: 'Health Status down, Happiness across. A red edge marks readings two or more levels apart.',
    disagreements: 'Accounts whose two readings tell different stories. The widest apart come first, then the longest.',
    trends: 'How the readings moved, and how many people answered.',
    ranking: 'Accounts in the order of their users’ answers.',
    alerts: 'What needs somebody now. Each line says what happened.',
    books: 'How each person’s accounts are doing. Every number opens its accounts.',
    hours: 'Time that the team logged.',
  } satisfies Record<ViewName, string>,
  asOf: (time: string) => `as of ${time}`,
  csv: 'CSV',
  csvOf: (what: string) => `Download ${what} as CSV`,
  owner: 'Owner',
  nobody: 'Nobody',
  health: 'Health',
  happiness: 'Happiness',
  account: 'Account',
  noReading: 'No reading',

  scope: {
    title: 'Which accounts',
    group: 'Group',
    groups: { saas: 'SaaS', regular: 'Regular', premium: 'Premium', churned: 'Churned' } as Record<string, string>,
    owner: 'Owner',
    mine: 'Mine',
    noOwner: 'Nobody',
    everybody: 'Everybody',
    pick: 'Accounts of one person',
    all: 'All accounts',
    accounts: 'Accounts',
    groupAccounts: (group: string) => `${group} accounts`,
    ofOwner: (whose: string, name: string) => `${whose} of ${name}`,
    withoutOwner: (whose: string) => `${whose} without an owner`,
    somebody: 'one owner',
    clear: 'Show all accounts',
    fixed: 'Hours count all accounts; group and owner do not narrow them.',
  },

  nothing: {
    accountsTitle: 'No accounts yet',
    accountsText: 'They appear here while they are read from your CRM. That takes about a minute; Set-up shows how far it is.',
    toSetUp: 'Open Set-up',
    fitsTitle: 'No account fits',
    fitsText: (whose: string) => `You are looking at: ${whose}.`,
  },

  grid: {
    title: 'Health × Happiness',
    caption: 'Accounts by Health Status (rows) and Happiness (columns)',
    healthDown: 'Health',
    apart: 'apart',
    /** Read after the count. */
    cell: (count: number, health: string, happiness: string) => ` ${count === 1 ? 'account' : 'accounts'} with health ${health} and happiness ${happiness}`,
    row: (count: number, health: string) => `${accounts(count)} with health ${health}`,
    column: (count: number, happiness: string) => `${accounts(count)} with happiness ${happiness}`,
    total: (count: number) => accounts(count),
    apartSum: (count: number) => (count === 0 ? 'No account’s readings are two or more levels apart.' : `${number(count)} of them ${count === 1 ? 'has' : 'have'} readings two or more levels apart.`),
    toApart: 'Open the disagreements',
    noneTitle: 'No readings yet, and that is expected.',
    noneText: 'Health appears when somebody on the team sets a status, happiness with the first answer.',
    keys: 'Arrow keys move between the cells, Enter opens the accounts.',
  },

  disagreements: {
    title: 'Disagreements',
    kinds: { levels_apart: 'Levels apart', happiness_fell: 'Happiness fell' } satisfies Record<Disagreement, string>,
    kindsTitle: 'Kind',
    all: 'All',
    reason: 'Why',
    since: 'Since',
    sinceUnknown: 'Not known',
    emptyTitle: 'No disagreement',
    emptyText: 'Health and happiness tell the same story. An account appears here when they are two levels apart, or when happiness falls while the status stays.',
    emptyKind: 'None of this kind. The other kinds are under All.',
  },

  trends: {
    title: { health: 'Health over time', happiness: 'Happiness over time' },
    reading: 'Reading',
    readings: { happiness: 'Happiness', health: 'Health' },
    step: 'Step',
    steps: { week: 'Weeks', month: 'Months' },
    asTable: 'Show as table',
    asChart: 'Show as chart',
    gap: { health: 'not known', happiness: 'not asked' },
    on: { week: 'Week to', month: 'Month to' },
    total: 'Accounts',
    counted: 'Accounts at the end of each week or month. Churned accounts are not counted.',
    /** Said while the history is shorter than the chart. */
    begins: (day: string, step: 'week' | 'month') => `History begins with the ${step} to ${day}. Each ${step} adds a column.`,
    newest: (shown: number, all: number) => `The newest ${shown} of ${all}; the table has them all.`,
    says: (what: string, day: string, parts: string[], gaps: number) => `${what}. On ${day}: ${parts.length === 0 ? 'nothing known' : parts.join(', ')}.${gaps === 0 ? '' : ` Nothing is known of ${plural(gaps, 'earlier column', 'earlier columns')}.`}`,
    emptyTitle: { health: 'No history yet', happiness: 'No history yet' },
    emptyText: {
      health: 'Columns appear from the day on which the first status was set.',
      happiness: 'Columns appear from the day on which the first account was asked.',
    },
  },

  response: {
    title: 'Participation',
    funnel: (cycle: string) => `Prompts of ${cycle}`,
    caption: 'What became of the prompts, by the month in which they were due',
    cycle: 'Month',
    counts: { eligible: 'Users', due: 'Due', shown: 'Shown', answered: 'Answered a prompt', commented: 'Left a comment', snoozed: 'Asked for later', closed: 'Closed it', ignored: 'Ignored it' },
    short: { eligible: 'Users', due: 'Due', shown: 'Shown', answered: 'Answered', snoozed: 'Later', closed: 'Closed', ignored: 'Ignored' },
    participation: 'Participation',
    participationIs: 'answered of all users',
    promptResponse: 'Prompt response',
    promptResponseIs: 'answered of those who saw the prompt',
    of: (count: number, of: number) => `${number(count)} of ${number(of)}`,
    percent,
    range: (low: number, high: number) => `95 % range ${Math.round(low * 100)} to ${percent(high)}`,
    few: 'No percentage: fewer than five.',
    none: 'Nobody so far',
    unasked: (count: number) => `${plural(count, 'more person', 'more people')} answered unasked, by button or link. They are in neither share.`,
    nobody: 'Nobody was asked.',
    begins: (month: string) => `The first prompts were due in ${month}. Each month adds a line.`,
    emptyTitle: 'Nobody was asked yet, and that is expected',
    emptyText: 'Months appear here once feedback is switched on for an account and its first prompt is due.',
    toAccounts: 'Choose accounts to ask',
  },

  ranking: {
    title: { bottom: 'Ranking, lowest first', top: 'Ranking, highest first' },
    order: 'Order',
    orders: { bottom: 'Lowest first', top: 'Highest first' },
    rank: 'Rank',
    score: 'Score',
    shrunk: 'For the order',
    users: 'Answers',
    says: (mean: string) => `Where few people answered, the score for the order is drawn towards the agency’s mean of ${mean}. Levels are never changed by that: each account keeps the level that its users gave.`,
    scale: 'Scores go from −50 to 50.',
    emptyTitle: 'Nothing to rank yet',
    emptyText: 'Accounts appear here with their first answer. Churned accounts are left out.',
  },

  alerts: {
    title: 'Alerts',
    kinds: { user_fell: 'Person fell', account_changed: 'Level changed', silence: 'Silence' } satisfies Record<(typeof alertKinds)[number], string>,
    kindsTitle: 'Kind',
    all: 'All',
    what: 'What happened',
    when: 'When',
    open: 'Open',
    openOf: (name: string) => `: ${name}`,
    emptyTitle: 'Nothing needs you now',
    emptyText: 'A line appears when a person falls two levels or to Not Happy, when an account’s level changes, or when an account falls silent.',
    emptyKind: 'None of this kind. The other kinds are under All.',
  },

  books: {
    title: 'Accounts per owner',
    accounts: 'Accounts',
    apart: 'Levels apart',
    /** Read after the count. */
    apartOf: (owner: string) => ` of ${owner}`,
    answered: 'People who answered',
    nobodyAsked: 'Nobody is asked',
    /** Read before the count. */
    levelIs: (level: string) => `${level}: `,
  },

  hours: {
    title: { csm: 'Hours per person', account: 'Hours per account' },
    by: 'Sum per',
    bys: { csm: 'Person', account: 'Account' },
    period: 'Period',
    periods: { '30': '30 days', '90': '90 days', '365': 'One year' },
    name: { csm: 'Person', account: 'Account' },
    time: 'Time',
    entries: 'Entries',
    accounts: 'Accounts',
    one: { csm: 'person', account: 'account' },
    what: { csm: 'people', account: 'accounts' },
    sum: (time: string, from: string, to: string) => `${time} in all, ${from} to ${to}.`,
    emptyTitle: 'No time logged in this period',
    emptyText: 'Time is logged on an account’s page. Take a longer period to see older entries.',
  },
}
