import { accountColumns } from '../accounts/index.ts'
import type { AccountConfidence, GridReport, LevelHistory, ReportFilter } from '../http/contract/reports.ts'
import { csvAnswer, csvOf, type CsvColumn } from '../kernel/csv.ts'
import { happinessLabels, healthLabels } from '../kernel/levels.ts'
import { countedLevels } from './level-rules.ts'
import type { LevelPoint } from './levels.ts'
import type { AlertRecord, Reading } from './model.ts'
import type { Book, Cycle, Disagreements, RankedAccount } from './types.ts'

type Answer = ReturnType<typeof csvAnswer>
type About = readonly (readonly [name: string, value: string | null])[]

/** What stands above a table: the filters, and of when it is. */
export function aboutOf(filter: ReportFilter, asOf: string, more: About = []): About {
  return [['Group', filter.group ?? null], ['Owner', filter.csm ?? null], ...more, ['As of', asOf]]
}

function levelLabel(level: string | null, none = 'No current reading'): string {
  return { ...happinessLabels, ...healthLabels }[level ?? ''] ?? none
}

function file<Row>(name: string, about: About, columns: readonly CsvColumn<Row>[], rows: readonly Row[]): Answer {
  return csvAnswer(name, csvOf(about, columns, rows))
}

const ofAccount = <Row extends { account: Parameters<(typeof accountColumns)[number]['value']>[0] }>(names: readonly string[]): CsvColumn<Row>[] =>
  accountColumns.filter(({ name }) => names.includes(name)).map(({ name, value }) => ({ name, value: (row) => value(row.account) }))

const shortAccount = ['Account', 'Account id', 'Group', 'Premium', 'Owner', 'Health Status', 'Happiness Level', 'Happiness score']

export const csv = {
  grid: (about: About, cells: GridReport['cells']) =>
    file('health-and-happiness', about, [
      { name: 'Health Status', value: ({ health }) => levelLabel(health, 'Not set') },
      { name: 'Happiness Level', value: ({ happiness }) => levelLabel(happiness) },
      { name: 'Accounts', value: ({ count }) => count },
      { name: 'Two or more levels apart', value: ({ apart }) => apart },
    ], cells),

  books: (about: About, items: readonly Book[]) =>
    file('books', about, [
      { name: 'Owner', value: ({ csm }) => csm?.name ?? 'Nobody' },
      { name: 'Owner id', value: ({ csm }) => csm?.userId },
      { name: 'Accounts', value: ({ accounts }) => accounts },
      ...(['health', 'happiness'] as const).flatMap((reading) => countedLevels(reading).map((level): CsvColumn<Book> => ({
        name: levelLabel(level, reading === 'health' ? 'Not set' : 'No current reading'), value: (book) => (book[reading] as Record<string, number>)[level],
      }))),
      { name: 'Two or more levels apart', value: ({ apart }) => apart },
      { name: 'Users who answered', value: ({ answered }) => answered.count },
      { name: 'Users who can be asked', value: ({ answered }) => answered.of },
    ], items),

  disagreements: (about: About, items: Disagreements['items']) =>
    file('disagreements', about, [
      ...ofAccount<Disagreements['items'][number]>(shortAccount),
      { name: 'Kind', value: ({ kind }) => (kind === 'levels_apart' ? 'Levels apart' : 'Happiness fell') },
      { name: 'Levels apart', value: ({ levelsApart }) => levelsApart },
      { name: 'Since', value: ({ since }) => since },
      { name: 'Reason', value: ({ reason }) => reason },
    ], items),

  distribution: (about: About, reading: Reading, points: readonly LevelPoint[]) =>
    file(`${reading}-over-time`, about, [
      { name: 'On', value: ({ on }) => on },
      ...countedLevels(reading).map((level): CsvColumn<LevelPoint> => ({ name: levelLabel(level, reading === 'health' ? 'Not set' : 'No current reading'), value: ({ counts }) => counts?.[level] })),
      { name: 'Accounts', value: ({ total }) => total },
    ], points),

  levels: (about: About, history: LevelHistory) =>
    file(`${history.reading}-of-account`, about, [
      { name: 'Level', value: ({ level }) => levelLabel(level, history.reading === 'health' ? 'Not set' : 'No current reading') },
      { name: 'From', value: ({ from }) => from },
      { name: 'To', value: ({ to }) => to },
    ], history.segments),

  response: (about: About, cycles: readonly Cycle[]) =>
    file('response', about, [
      { name: 'Cycle from', value: ({ from }) => from },
      { name: 'Cycle to', value: ({ to }) => to },
      ...(['eligible', 'due', 'shown', 'answered', 'snoozed', 'closed', 'ignored', 'commented'] as const).map((name): CsvColumn<Cycle> => ({ name: `${name[0]?.toUpperCase() ?? ''}${name.slice(1)}`, value: (cycle) => cycle[name] })),
      { name: 'Unasked answers', value: ({ selfInitiated }) => selfInitiated },
      ...(['participation', 'promptResponse'] as const).flatMap((name): CsvColumn<Cycle>[] => {
        const heading = name === 'participation' ? 'Participation' : 'Prompt response'
        return [
          { name: heading, value: (cycle) => cycle[name].value },
          { name: `${heading} low (95 %)`, value: (cycle) => cycle[name].low },
          { name: `${heading} high (95 %)`, value: (cycle) => cycle[name].high },
        ]
      }),
    ], cycles),

  ranking: (about: About, items: readonly RankedAccount[]) =>
    file('ranking', about, [
      { name: 'Rank', value: ({ rank }) => rank },
      ...ofAccount<RankedAccount>(shortAccount),
      { name: 'Score used for the order', value: ({ shrunkScore }) => shrunkScore },
      { name: 'Users who answered', value: ({ users }) => users },
    ], items),

  confidence: (about: About, confidence: AccountConfidence) =>
    file('confidence', about, [
      { name: 'Confidence', value: ({ word }) => word ?? 'No current reading' },
      { name: 'Answered', value: ({ answered }) => answered },
      { name: 'Users', value: ({ eligible }) => eligible },
      { name: 'Median age in days', value: ({ medianAgeDays }) => medianAgeDays },
      { name: 'Lowest mean', value: ({ bounds }) => bounds?.low },
      { name: 'Highest mean', value: ({ bounds }) => bounds?.high },
      { name: 'In words', value: ({ says }) => says },
    ], [confidence]),

  alerts: (about: About, items: readonly AlertRecord[]) =>
    file('alerts', about, [
      { name: 'At', value: ({ at }) => at },
      { name: 'Kind', value: ({ kind }) => ({ user_fell: 'User fell', account_changed: 'Account changed', silence: 'Silent' })[kind] },
      { name: 'Account', value: ({ accountName }) => accountName },
      { name: 'Account id', value: ({ locationId }) => locationId },
      { name: 'User', value: ({ userName }) => userName },
      { name: 'Reason', value: ({ reason }) => reason },
    ], items),
}
