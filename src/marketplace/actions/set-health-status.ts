import { healthLabels, healthLevels } from '../../kernel/levels.ts'
import { noLevel } from '../catalog.ts'
import { badField, chosen, listOf, textOf, type ActionHandler } from './action.ts'

const longestNote = 1_000
const levels = healthLevels.map((value) => ({ label: healthLabels[value], value }))

/** Sets the Health Status of the contact's account through the same service as our page. The level that it is already is a confirmation. */
export const setHealthStatus: ActionHandler = async ({ companyId, data, standings, actor, idempotencyKey }, { health, settings }) => {
  const [{ account }] = standings
  const level = healthLevels.find((known) => known === chosen(levels, data['level']))
  if (level === undefined) throw badField('level', `must be one of ${levels.map(({ label }) => label).join(', ')}`)
  const note = textOf(data['note'])
  if (note.length > longestNote) throw badField('note', `must not be longer than ${longestNote} characters`)
  const rules = (await settings.get(companyId)).health
  const known = rules.reasonCodes.map(({ code, label }) => ({ value: code, label }))
  // What is none of them goes on as it is: the service says so, in the same words as to everybody else.
  const reasonCodes = listOf(data['reasonCodes']).map((given) => chosen(known, given) ?? given)
  const before = (await health.status(companyId, account.locationId)).level
  const after = await health.set(companyId, account.locationId, { level, note, ...(reasonCodes.length === 0 ? {} : { reasonCodes }), idempotencyKey }, { actor, source: 'api' })
  return {
    level: after.level ?? noLevel,
    levelLabel: after.level === null ? 'No reading' : healthLabels[after.level],
    changed: before === after.level ? 'no' : 'yes',
    before: before === null ? 'No reading' : healthLabels[before],
    accountName: account.name,
  }
}
