import type { Connection } from 'mongoose'
import { agencySettings, defaultAgencySettings, type AgencySettings, type AgencySettingsPatch, type SettingsView } from '../http/contract/settings.ts'
import type { Clock } from '../kernel/clock.ts'
import { RequestError, type FieldProblem } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import { settingsModel } from './model.ts'
import { completeSettings, differences, isSettingsPath, overlay, pathsOf, without } from './rules.ts'

/** The agency's settings over the product's defaults. */
export interface Settings {
  /** Complete settings; cached for a few seconds, a change in this process is seen at once. */
  get(companyId: string): Promise<AgencySettings>
  view(companyId: string): Promise<SettingsView>
  /**
   * Changes the members given, keeps all others.
   * @throws RequestError 422 `settings_invalid` with one entry per faulty member; nothing is stored then
   */
  update(companyId: string, patch: AgencySettingsPatch, changedBy: string): Promise<SettingsView>
  /**
   * Puts members, groups or sections back to the default.
   * @throws RequestError 422 `settings_invalid` for a path that is no setting
   */
  reset(companyId: string, paths: string[], changedBy: string): Promise<SettingsView>
  /** Removes everything stored for the agency. */
  purge(companyId: string): Promise<void>
}

export interface SettingsDeps {
  connection: Connection
  clock: Clock
  logger: Logger
  /** The agency's own name, what customers read until the agency sets another; null → the product's word. */
  agencyName?: (companyId: string) => Promise<string | null>
  /** How long another process's change may go unseen. */
  cacheMs?: number
}

interface Cached {
  settings: AgencySettings
  /** The product's defaults with this agency's own name. */
  defaults: AgencySettings
  changes: Record<string, unknown>
  version: number
  until: number
}

const maxCached = 2_000
const maxAttempts = 5

export function createSettings({ connection, clock, logger, agencyName, cacheMs = 5_000 }: SettingsDeps): Settings {
  const model = settingsModel(connection)
  const cache = new Map<string, Cached>()

  async function read(companyId: string): Promise<Cached> {
    const record = await model.findOne({ _id: companyId }).lean()
    const changes = record?.changes ?? {}
    const { settings, dropped } = completeSettings(changes)
    if (dropped.length > 0) logger.warn({ companyId, sections: dropped }, 'stored settings are no longer valid; using the defaults for these sections')
    const name = (await agencyName?.(companyId)) ?? defaultAgencySettings.brand.name
    const defaults = { ...defaultAgencySettings, brand: { ...defaultAgencySettings.brand, name } }
    // A stored name is the agency's choice; without one customers read the agency's own name, never ours.
    if (settings.brand.name === defaultAgencySettings.brand.name) settings.brand = { ...settings.brand, name }
    const entry: Cached = { settings, defaults, changes, version: record?.version ?? 0, until: clock.nowMs() + cacheMs }
    if (cache.size >= maxCached) cache.clear()
    cache.set(companyId, entry)
    return entry
  }

  function viewOf(entry: Cached): SettingsView {
    return { settings: entry.settings, defaults: entry.defaults, customised: pathsOf(differences(entry.defaults, entry.settings)), version: entry.version }
  }

  /** Read, change, write if nobody else wrote in between. */
  async function change(companyId: string, changedBy: string, apply: (changes: Record<string, unknown>) => Record<string, unknown>): Promise<SettingsView> {
    for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
      const before = await read(companyId)
      const parsed = agencySettings.safeParse(overlay(defaultAgencySettings, apply(before.changes)))
      if (!parsed.success) {
        const fields: FieldProblem[] = parsed.error.issues.map((issue) => ({ field: issue.path.join('.'), problem: issue.message }))
        throw new RequestError(422, 'settings_invalid', fields.map(({ field, problem }) => `${field}: ${problem}`).join('; '), { details: { fields } })
      }
      const next = {
        companyId,
        changes: differences(defaultAgencySettings, parsed.data),
        version: before.version + 1,
        updatedAt: clock.now(),
        updatedBy: changedBy,
      }
      try {
        const { matchedCount, upsertedCount } = await model.updateOne({ _id: companyId, version: before.version }, { $set: next }, { upsert: before.version === 0 })
        if (matchedCount + upsertedCount === 1) {
          cache.delete(companyId)
          return viewOf(await read(companyId))
        }
      } catch (error) {
        if (!isDuplicateKey(error)) throw error
      }
    }
    throw new RequestError(409, 'settings_busy', 'Somebody else is changing the settings right now. Load them again and repeat your change.')
  }

  return {
    async get(companyId) {
      const cached = cache.get(companyId)
      if (cached !== undefined && cached.until > clock.nowMs()) return cached.settings
      return (await read(companyId)).settings
    },
    view: async (companyId) => viewOf(await read(companyId)),
    update: (companyId, patch, changedBy) => change(companyId, changedBy, (changes) => overlay(changes, patch)),
    async reset(companyId, paths, changedBy) {
      const unknown = paths.filter((path) => !isSettingsPath(path))
      if (unknown.length > 0) {
        const fields: FieldProblem[] = unknown.map((field) => ({ field, problem: 'is not a setting' }))
        throw new RequestError(422, 'settings_invalid', `Not a setting: ${unknown.join(', ')}`, { details: { fields } })
      }
      return change(companyId, changedBy, (changes) => paths.reduce(without, changes))
    },
    async purge(companyId) {
      await model.deleteMany({ companyId })
      cache.delete(companyId)
    },
  }
}
