import type { AccountFilter } from '../../../src/http/contract/accounts.ts'
import type { HappinessLevel, HealthLevel } from '../../../src/kernel/levels.ts'
import type { GridReport } from '../../../src/http/contract/reports.ts'
import { happinessLabel, healthLabel } from '../../shared/lib/levels.ts'
import { copy } from './copy.ts'

/** Everything that narrows the list, as it stands in the hash. */
export const filterNames = ['q', 'group', 'health', 'happiness', 'csm', 'feedback', 'stale', 'noteWanted', 'disagreement', 'dissent'] as const
export type FilterName = (typeof filterNames)[number]
export type FilterTexts = Record<FilterName, string>

type GridCell = Pick<GridReport['cells'][number], 'health' | 'happiness' | 'count'>

/** Filters that are on or not there. */
export const lookAt = [
  { name: 'stale', value: 'true', icon: 'clock' },
  { name: 'noteWanted', value: 'true', icon: 'speech' },
  { name: 'disagreement', value: 'any', icon: 'flag' },
  { name: 'dissent', value: 'true', icon: 'person' },
] as const

/** The filters that are set, from the parameters of the hash. */
export function filtersFrom(params: Readonly<Record<string, string>>): FilterTexts {
  return Object.fromEntries(filterNames.map((name) => [name, params[name] ?? ''])) as FilterTexts
}

/** The list's filter in the words of a bulk request. */
export function filterOf(texts: FilterTexts): AccountFilter {
  const flags = new Set<FilterName>(['stale', 'noteWanted', 'dissent'])
  const given = filterNames.map((name) => [name, texts[name]] as const).filter(([, value]) => value !== '')
  return Object.fromEntries(given.map(([name, value]) => [name, name === 'feedback' ? value === 'on' : flags.has(name) ? value === 'true' : value]))
}

/** How many accounts each chip of the two readings would show; by level, `none` for no reading. */
export interface ReadingCounts {
  health: Record<string, number>
  happiness: Record<string, number>
}

/** Filters that the counts know; under any other a count would promise rows that do not come. */
const counted = new Set<FilterName>(['group', 'csm', 'health', 'happiness'])

/** Counts for the chips from the pairs of readings, each reading within what is chosen of the other; null where they would not agree with the rows. */
export function countsOf(cells: readonly GridCell[], texts: FilterTexts): ReadingCounts | null {
  if (filterNames.some((name) => texts[name] !== '' && !counted.has(name))) return null
  const counts: ReadingCounts = { health: {}, happiness: {} }
  for (const { count, ...cell } of cells) {
    const health = cell.health ?? 'none'
    const happiness = cell.happiness ?? 'none'
    if (texts.happiness === '' || texts.happiness === happiness) counts.health[health] = (counts.health[health] ?? 0) + count
    if (texts.health === '' || texts.health === health) counts.happiness[happiness] = (counts.happiness[happiness] ?? 0) + count
  }
  return counts
}

/** The set filters in words, for the empty list. @param ownerName name of the person behind `csm` */
export function filtersInWords(texts: FilterTexts, ownerName: string | null): string[] {
  return [
    ...(texts.q === '' ? [] : [`“${texts.q}”`]),
    ...(texts.health === '' ? [] : [`${copy.health} ${healthLabel(texts.health === 'none' ? null : (texts.health as HealthLevel))}`]),
    ...(texts.happiness === '' ? [] : [`${copy.happiness} ${happinessLabel(texts.happiness === 'none' ? null : (texts.happiness as HappinessLevel))}`]),
    ...(texts.group === '' ? [] : [copy.groups[texts.group] ?? texts.group]),
    ...lookAt.filter(({ name }) => texts[name] !== '').map(({ name }) => copy.lookAt[name]),
    ...(texts.csm === '' ? [] : [`${copy.owner} ${texts.csm === 'none' ? copy.noOwner : (ownerName ?? texts.csm)}`]),
    ...(texts.feedback === '' ? [] : [`${copy.feedback} ${texts.feedback}`]),
  ]
}
