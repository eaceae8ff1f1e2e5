import { createRandom } from './make-ids.ts'
import { accountNames, firstNames, lastNames, zones } from './names.ts'
import type { Location } from './records.ts'
import type { State } from './state.ts'

export interface SeedOptions {
  /** Same seed, same ids and names. Default 'northwind'. */
  seed?: string
  /** Agencies. Default 1; the first is "Northwind Growth". */
  companies?: number
  /** Customers' sub-accounts per agency, beside the agency's own. Default 25. */
  accounts?: number
  /** Users of each sub-account: a number, or from–to. Default 1 to 5. */
  usersPerAccount?: number | readonly [number, number]
  /** People of the first accounts whom the agency has in its contacts already. Default 3. */
  knownContacts?: number
}

const companyNames = ['Northwind Growth', 'Harborline Media', 'Fieldstone Partners']

function slug(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, '')
}

/** Fills an empty state: agencies with an own location "… HQ", customers' sub-accounts, users, and what a used CRM holds already. */
export function seedState(state: State, options: SeedOptions, now: string, allow: Pick<Location, 'allowDuplicateContact' | 'allowDuplicateOpportunity'>): void {
  const random = createRandom(Buffer.from(options.seed ?? 'northwind').reduce((sum, byte) => (sum * 31 + byte) >>> 0, 7))
  const pick = <T>(list: readonly T[], fallback: T): T => list[Math.floor(random() * list.length)] ?? fallback
  const perAccount = options.usersPerAccount ?? [1, 5]
  const [fewest, most] = typeof perAccount === 'number' ? [perAccount, perAccount] : perAccount
  let phone = 0
  const nextPhone = (): string => `+1555${String((phone += 1)).padStart(7, '0')}`

  function addLocation(companyId: string, name: string, timezone: string): Location {
    return state.locations.put({
      id: state.ids.id20('location'), companyId, name, email: `hello@${slug(name)}.example`, phone: nextPhone(), address: `${100 + state.locations.size} Main St`, city: 'Springfield',
      state: 'NY', country: 'US', postalCode: '10001', website: `https://${slug(name)}.example`, timezone, active: true, ...allow, dateAdded: now,
    })
  }

  function addPerson(companyId: string, type: 'account' | 'agency', role: 'admin' | 'user', locationIds: string[], domain: string, name: [string, string], owner = false): string {
    const email = `${name[0]}.${name[1]}`.toLowerCase()
    const taken = state.users.size
    return state.users.put({
      id: state.ids.id20('user'), companyId, firstName: name[0], lastName: name[1], email: `${email}${type === 'account' ? taken : ''}@${domain}`, phone: nextPhone(), type, role,
      locationIds, isAgencyOwner: owner, deleted: false,
    }).id
  }

  for (let agency = 0; agency < (options.companies ?? 1); agency += 1) {
    const name = companyNames[agency] ?? `Agency ${agency + 1}`
    const domain = `${slug(name)}.example`
    const company = state.companies.put({ id: state.ids.id20('company'), name, email: `team@${domain}`, domain: `app.${domain}`, timezone: 'America/New_York' })
    const headquarters = addLocation(company.id, `${name.split(' ')[0] ?? name} HQ`, 'America/New_York')
    addPerson(company.id, 'agency', 'admin', [], domain, ['Dana', 'Whitfield'], true)
    addPerson(company.id, 'agency', 'user', [headquarters.id], domain, ['Theo', 'Marsh'])
    addPerson(company.id, 'agency', 'user', [headquarters.id], domain, ['Rosa', 'Delgado'])
    const accountIds: string[] = []
    for (let index = 0; index < (options.accounts ?? 25); index += 1) {
      const base = accountNames[index % accountNames.length] ?? 'Account'
      const accountName = index < accountNames.length ? base : `${base} ${Math.floor(index / accountNames.length) + 1}`
      const location = addLocation(company.id, accountName, pick(zones, 'America/New_York'))
      accountIds.push(location.id)
      const people = fewest + Math.floor(random() * (most - fewest + 1))
      for (let person = 0; person < people; person += 1) {
        const who: [string, string] = [pick(firstNames, 'Ava'), pick(lastNames, 'Reed')]
        addPerson(company.id, 'account', person === 0 ? 'admin' : 'user', [location.id], `${slug(accountName)}.example`, who)
      }
    }
    // Customer success people work in every account.
    for (const user of state.users.by('company', company.id)) {
      if (user.type === 'agency' && user.role === 'user') state.users.put({ ...user, locationIds: [headquarters.id, ...accountIds] })
    }
    seedHeadquarters(state, headquarters, accountIds.slice(0, options.knownContacts ?? 3), now)
  }
}

/** What the agency's own location holds before the app comes: a sales pipeline, workflows, a few contacts. */
function seedHeadquarters(state: State, headquarters: Location, knownAccounts: string[], now: string): void {
  const { ids } = state
  const stages = ['New lead', 'Proposal sent', 'Won'].map((name, position) => ({ id: ids.uuid('stage'), name, position, showInFunnel: true, showInPieChart: true }))
  state.pipelines.put({
    id: ids.id20('pipeline'), locationId: headquarters.id, name: 'Sales', stages, showInFunnel: true, showInPieChart: true, colorRenderMode: 'dot', position: 'a0V',
    dateAdded: now, dateUpdated: now,
  })
  for (const [name, status] of [['Welcome new customers', 'published'], ['Renewal check-in', 'published'], ['Win-back (draft)', 'draft']] as const) {
    state.workflows.put({ id: ids.uuid('workflow'), locationId: headquarters.id, name, status, version: 1, createdAt: now, updatedAt: now })
  }
  state.tags.put({ id: ids.id20('tag'), locationId: headquarters.id, name: 'customer' })
  for (const accountId of knownAccounts) {
    const [user] = state.users.by('home', accountId)
    const account = state.locations.get(accountId)
    if (user === undefined || account === undefined) continue
    state.contacts.put({
      id: ids.id20('contact'), locationId: headquarters.id, firstName: user.firstName, lastName: user.lastName, email: user.email, phone: user.phone,
      companyName: account.name, address1: '', city: '', state: '', country: 'US', postalCode: '', website: '', timezone: account.timezone, source: 'import', type: 'customer',
      assignedTo: '', dateOfBirth: '', dnd: false, dndSettings: {}, tags: ['customer'], customFields: [], dateAdded: now, dateUpdated: now, lastActivity: now,
    })
  }
}
