import { randomBytes } from 'node:crypto'
import { minuteMs } from '../../src/kernel/clock.ts'
import { missing } from './api/api-error.ts'
import { installationAt, installationKey } from './state/state.ts'
import type { Installation } from './state/records.ts'
import type { World } from './world.ts'

export interface InstallChoice {
  companyId: string
  /** Sub-accounts to install in; all of the agency's when absent. */
  locationIds?: string[]
  /** An installation by one sub-account instead of the agency. */
  single?: string
  userId?: string
  scopes?: string[]
  installToFutureLocations?: boolean
}

export interface Installed {
  code: string
  installation: Installation
}

/** A one-time authorization code for what was chosen. */
function newCode(world: World, companyId: string, scopes: string[], locationId: string | undefined): string {
  const code = randomBytes(20).toString('hex')
  world.state.codes.put({
    code, companyId, scopes, used: false, expiresAtMs: world.settings.clock.nowMs() + 10 * minuteMs, ...(locationId === undefined ? {} : { locationId }),
  })
  return code
}

/** Records an installation, as the chooser page does on "install", and returns the code for the app. Emits nothing yet. */
export function recordInstall(world: World, choice: InstallChoice): Installed {
  const { state, settings } = world
  const company = state.companies.get(choice.companyId)
  if (company === undefined) throw missing(`Company ${choice.companyId} not found`)
  const now = world.isoNow()
  const admin = state.users.by('company', company.id).find((user) => user.type === 'agency' && user.role === 'admin' && !user.deleted)
  const chosen = choice.single === undefined ? (choice.locationIds ?? state.locations.by('company', company.id).map((location) => location.id)) : [choice.single]
  const before = state.installations.get(installationKey(choice.single === undefined ? { companyId: company.id } : { companyId: company.id, singleLocationId: choice.single }))
  const installation = state.installations.put({
    companyId: company.id, ...(choice.single === undefined ? {} : { singleLocationId: choice.single }), userId: choice.userId ?? admin?.id ?? '',
    planId: before?.planId ?? state.ids.hex24('plan'), locations: { ...before?.locations, ...Object.fromEntries(chosen.map((id) => [id, now])) },
    approveAllLocations: choice.locationIds === undefined && choice.single === undefined,
    installToFutureLocations: choice.installToFutureLocations ?? (choice.locationIds === undefined && choice.single === undefined), installedAt: now,
  })
  return { code: newCode(world, company.id, choice.scopes ?? settings.app.scopes, choice.single), installation }
}

/** The INSTALL events of an installation: one for the agency, then one per sub-account. */
export function emitInstall(world: World, installation: Installation, locationIds: string[]): void {
  const company = world.state.companies.get(installation.companyId)
  const members = {
    userId: installation.userId, planId: installation.planId, trial: {}, companyName: company?.name ?? '',
    isWhitelabelCompany: company?.whitelabelDomain !== undefined,
    whitelabelDetails: company?.whitelabelDomain === undefined ? {} : { domain: company.whitelabelDomain, logoUrl: '' },
  }
  if (installation.singleLocationId === undefined) world.emit('INSTALL', { companyId: installation.companyId }, { ...members, installType: 'Company' })
  for (const locationId of locationIds) {
    world.emit('INSTALL', { locationId }, { ...members, companyId: installation.companyId, installType: 'Location' })
  }
}

/** Removes the app: its tokens die at once, then UNINSTALL is emitted. */
export function uninstall(world: World, place: { companyId: string } | { locationId: string }): void {
  const { state } = world
  // Workflows keep their other steps; what belonged to the app is taken out without an event of its own.
  for (const trigger of state.workflowTriggers.values()) {
    const companyId = state.locations.get(trigger.locationId)?.companyId
    if ('companyId' in place ? companyId === place.companyId : trigger.locationId === place.locationId) state.workflowTriggers.delete(trigger.id)
  }
  if ('companyId' in place) {
    for (const installation of state.installations.by('company', place.companyId)) state.installations.delete(installationKey(installation))
    for (const grant of state.grants.by('company', place.companyId)) state.grants.put({ ...grant, revoked: true })
    world.emit('UNINSTALL', { companyId: place.companyId }, {})
    return
  }
  const installation = installationAt(state, place.locationId)
  if (installation === undefined) throw missing('The app is not installed on this location.')
  const { [place.locationId]: _gone, ...locations } = installation.locations
  if (installation.singleLocationId !== undefined) state.installations.delete(installationKey(installation))
  else state.installations.put({ ...installation, locations, approveAllLocations: false })
  for (const grant of state.grants.by('company', installation.companyId)) {
    if (grant.locationId === place.locationId) state.grants.put({ ...grant, revoked: true })
  }
  world.emit('UNINSTALL', { locationId: place.locationId }, {})
}
