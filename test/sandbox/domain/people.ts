import { missing } from '../api/api-error.ts'
import { installationAt } from '../state/state.ts'
import type { Location, User } from '../state/records.ts'
import type { World } from '../world.ts'

/** Every permission of the platform, granted; what one user may do is not modelled. */
const permissionNames = [
  'adwordsReportingEnabled', 'affiliateManagerEnabled', 'agentReportingEnabled', 'appointmentsEnabled', 'attributionsReportingEnabled', 'bloggingEnabled',
  'botService', 'bulkRequestsEnabled', 'campaignsEnabled', 'cancelSubscriptionEnabled', 'communitiesEnabled', 'contactsEnabled', 'contentAiEnabled',
  'conversationsEnabled', 'dashboardStatsEnabled', 'facebookAdsReportingEnabled', 'funnelsEnabled', 'invoiceEnabled', 'leadValueEnabled', 'marketingEnabled',
  'membershipEnabled', 'onlineListingsEnabled', 'opportunitiesEnabled', 'paymentsEnabled', 'phoneCallEnabled', 'recordPaymentEnabled', 'refundsEnabled',
  'reviewsEnabled', 'settingsEnabled', 'socialPlanner', 'tagsEnabled', 'triggersEnabled', 'websitesEnabled', 'workflowsEnabled',
]
export const permissions: Record<string, boolean> = {
  ...Object.fromEntries(permissionNames.map((name) => [name, true])), assignedDataOnly: false, campaignsReadOnly: false, workflowsReadOnly: false,
}

function emitUser(world: World, type: string, user: User): void {
  const members = {
    id: user.id, firstName: user.firstName, lastName: user.lastName, email: user.email, phone: user.phone, extension: '', role: user.role, permissions,
  }
  if (user.type === 'agency') {
    world.emit(type, { companyId: user.companyId }, { ...members, locations: user.locationIds })
    return
  }
  for (const locationId of user.locationIds) world.emit(type, { locationId }, members)
}

export interface NewUser {
  firstName: string
  lastName?: string
  email: string
  phone?: string
  /** For a user of a sub-account. */
  locationId?: string
  /** For an agency user. */
  companyId?: string
  locationIds?: string[]
  role?: 'admin' | 'user'
  isAgencyOwner?: boolean
}

/** Adds a user of a sub-account (`locationId`) or of the agency (`companyId`). */
export function createUser(world: World, input: NewUser): User {
  const companyId = input.companyId ?? (input.locationId === undefined ? undefined : world.state.locations.get(input.locationId)?.companyId)
  if (companyId === undefined) throw missing('A new user needs an existing locationId or a companyId')
  const user = world.state.users.put({
    id: world.state.ids.id20('user'), companyId, firstName: input.firstName, lastName: input.lastName ?? '', email: input.email.toLowerCase(),
    phone: input.phone ?? '', type: input.locationId === undefined ? 'agency' : 'account', role: input.role ?? 'user',
    locationIds: input.locationId === undefined ? (input.locationIds ?? []) : [input.locationId], isAgencyOwner: input.isAgencyOwner ?? false, deleted: false,
  })
  emitUser(world, 'UserCreate', user)
  return user
}

export function updateUser(world: World, userId: string, change: Partial<Pick<User, 'firstName' | 'lastName' | 'email' | 'phone' | 'role' | 'locationIds'>>): User {
  const before = world.state.users.get(userId)
  if (before === undefined) throw missing(`User with id ${userId} not found`)
  const after = world.state.users.put({ ...before, ...change })
  emitUser(world, 'UserUpdate', after)
  return after
}

export function removeUser(world: World, userId: string): void {
  const user = world.state.users.get(userId)
  if (user === undefined) throw missing(`User with id ${userId} not found`)
  world.state.users.put({ ...user, deleted: true })
  emitUser(world, 'UserDelete', user)
}

function emitLocation(world: World, type: string, location: Location): void {
  world.emit(type, { companyId: location.companyId }, { id: location.id, name: location.name, email: location.email, stripeProductId: '' })
}

export interface NewLocation {
  companyId: string
  name: string
  email?: string
  timezone?: string
}

export function blankLocation(world: World, input: NewLocation): Location {
  return {
    id: world.state.ids.id20('location'), companyId: input.companyId, name: input.name, email: input.email ?? '', phone: '', address: '', city: '', state: '',
    country: 'US', postalCode: '', website: '', timezone: input.timezone ?? 'America/New_York', active: true,
    allowDuplicateContact: world.settings.allowDuplicateContact, allowDuplicateOpportunity: world.settings.allowDuplicateOpportunity, dateAdded: world.isoNow(),
  }
}

/** Opens a sub-account. Where the agency chose "future locations too", the app is installed there at once. */
export function createLocation(world: World, input: NewLocation): Location {
  const location = world.state.locations.put(blankLocation(world, input))
  emitLocation(world, 'LocationCreate', location)
  const installation = world.state.installations.get(location.companyId)
  if (installation?.installToFutureLocations === true) {
    world.state.installations.put({ ...installation, locations: { ...installation.locations, [location.id]: world.isoNow() } })
    const named = world.settings.webhookFormat.futureInstallWithCompany ? { companyId: location.companyId, userId: installation.userId } : {}
    world.emit('INSTALL', { locationId: location.id }, { ...named, planId: installation.planId, installType: 'Location' })
  }
  return location
}

export function updateLocation(world: World, locationId: string, change: Partial<Pick<Location, 'name' | 'email' | 'timezone' | 'active' | 'allowDuplicateOpportunity'>>): Location {
  const before = world.state.locations.get(locationId)
  if (before === undefined) throw missing(`Location with id ${locationId} not found`)
  const after = world.state.locations.put({ ...before, ...change })
  emitLocation(world, 'LocationUpdate', after)
  return after
}

/** Another agency's from now on. The app is not installed for that one; nothing tells the former one but the event with the new agency. */
export function moveLocation(world: World, locationId: string, companyId: string): Location {
  const before = world.state.locations.get(locationId)
  if (before === undefined) throw missing(`Location with id ${locationId} not found`)
  const after = world.state.locations.put({ ...before, companyId })
  for (const grant of world.state.grants.by('company', before.companyId)) if (grant.locationId === locationId) world.state.grants.put({ ...grant, revoked: true })
  emitLocation(world, 'LocationUpdate', after)
  return after
}

export function deleteLocation(world: World, locationId: string): void {
  const { state } = world
  for (const contact of state.contacts.by('location', locationId)) state.contacts.delete(contact.id)
  for (const card of state.opportunities.values()) if (card.locationId === locationId) state.opportunities.delete(card.id)
  if (!state.locations.delete(locationId)) throw missing(`Location with id ${locationId} not found`)
}

/** Whether the app may work for a place: installed in the sub-account, or in the agency. */
export function isInstalled(world: World, place: { locationId?: string; companyId?: string }): boolean {
  if (place.locationId !== undefined) return installationAt(world.state, place.locationId) !== undefined
  return place.companyId !== undefined && world.state.installations.has(place.companyId)
}
