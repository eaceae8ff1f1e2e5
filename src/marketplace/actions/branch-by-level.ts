import { happinessLabels, healthLabels, type HappinessLevel, type HealthLevel } from '../../kernel/levels.ts'
import { actions, noLevel, type Choice } from '../catalog.ts'
import { plain } from '../filters.ts'
import type { Branch } from '../wire.ts'
import { badField, chosen, listOf, type ActionHandler } from './action.ts'

const own = actions.find(({ key }) => key === 'branch_by_level')
const readings = own?.fields[0]?.options ?? []
const levels = own?.branchFields[0]?.options ?? []
const labels: Record<string, string> = { ...happinessLabels, ...healthLabels }
/** Names of a branch for everything that no other one takes. */
const others = new Set(['else', 'otherwise', 'other', 'default', 'any other', 'all others'])

/** The levels that a branch is for: by its field, else by its name. */
function levelsOf(branch: Branch, choices: readonly Choice[]): string[] {
  const given = listOf(branch.fields['level'])
  const named = given.length === 0 ? [branch.name] : given
  return named.flatMap((word) => {
    const level = chosen(choices, word)
    if (level === undefined && given.length > 0) throw badField(`branches.${branch.name === '' ? branch.id : branch.name}`, `"${word}" is no level. Use ${choices.map(({ label }) => label).join(', ')}`)
    return level === undefined ? [] : [level]
  })
}

/** Answers the branch of the level that is true now. Changes nothing. */
export const branchByLevel: ActionHandler = async ({ companyId, data, branches, standings }, deps) => {
  const [{ account, userId }] = standings
  const { locationId } = account
  const reading = chosen(readings, data['reading'])
  if (reading === undefined) throw badField('reading', `must be one of ${readings.map(({ label }) => label).join(', ')}`)
  if (reading === 'person_happiness' && userId === null) throw badField('reading', 'this contact stands for an account and not for one of its people; choose a reading of the account')
  const takes = branches.map((branch) => ({ branch, levels: levelsOf(branch, levels) }))

  let level: HappinessLevel | HealthLevel | null
  if (reading === 'health_status') level = (await deps.health.status(companyId, locationId)).level
  else if (reading === 'person_happiness' && userId !== null) level = await deps.userLevel(companyId, locationId, userId)
  else level = (await deps.happiness.reading(companyId, locationId)).level

  const word = level ?? noLevel
  const found = takes.find((one) => one.levels.includes(word)) ?? takes.find(({ branch }) => others.has(plain(branch.name)))
  return {
    ...(found === undefined ? {} : { branchId: found.branch.id }),
    level: word,
    levelLabel: level === null ? 'No reading' : (labels[level] ?? level),
    accountName: account.name,
  }
}
