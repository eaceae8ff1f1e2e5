import { describe, expect, it } from '@jest/globals'
import { agencySettings, defaultAgencySettings, type AgencySettings } from '../../src/http/contract/settings.ts'
import type { Needs } from '../../src/kernel/route.ts'
import { accountFault, caseFault, dependsOnBook, faultOf, rightsOf } from '../../src/roles/rules.ts'

const team: AgencySettings['team'] = {
  everybodyElse: 'csm',
  people: [{ userId: 'lea', role: 'lead' }, { userId: 'cy', role: 'csm' }, { userId: 'rhea', role: 'read_only' }, { userId: 'ada', role: 'read_only' }],
}
const rights = {
  admin: rightsOf({ role: 'agency_admin', userId: 'ada' }, team),
  lead: rightsOf({ role: 'agency_user', userId: 'lea' }, team),
  unnamed: rightsOf({ role: 'agency_user', userId: 'una' }, defaultAgencySettings.team),
  csm: rightsOf({ role: 'agency_user', userId: 'cy' }, team),
  readOnly: rightsOf({ role: 'agency_user', userId: 'rhea' }, team),
  customer: rightsOf({ role: 'account_user', userId: 'lea' }, team),
}

describe('rights', () => {
  it('of an admin are all, whatever the list says of them', () => {
    expect(rights.admin).toEqual({ role: 'agency_admin', accounts: 'all', workflows: true, settings: true })
  })
  it('come from the list, else from what holds for everybody else', () => {
    expect(rights.lead).toEqual({ role: 'lead', accounts: 'all', workflows: true, settings: false })
    expect(rights.csm).toEqual({ role: 'csm', accounts: 'own', workflows: false, settings: false })
    expect(rights.readOnly).toEqual({ role: 'read_only', accounts: 'none', workflows: false, settings: false })
    expect(rightsOf({ role: 'agency_user', userId: 'nobody-named' }, team).role).toBe('csm')
  })
  it('of somebody whom nobody named are those of a lead without the follow-ups', () => {
    expect(rights.unnamed).toEqual({ role: 'lead', accounts: 'all', workflows: false, settings: false })
  })
  it('of a customer are none of these, whoever carries their id in the list', () => {
    expect(rights.customer).toEqual({ role: 'account_user', accounts: 'none', workflows: false, settings: false })
  })
})

/** Who may do what: `yes`, `no`, or `book` where it depends on whose the account or case is. */
const table: [needs: Needs, admin: string, lead: string, unnamed: string, csm: string, readOnly: string][] = [
  ['read', 'yes', 'yes', 'yes', 'yes', 'yes'],
  ['own', 'yes', 'yes', 'yes', 'yes', 'yes'],
  ['proof', 'yes', 'yes', 'yes', 'yes', 'yes'],
  ['part', 'yes', 'yes', 'yes', 'yes', 'no'],
  ['own_book', 'yes', 'yes', 'yes', 'book', 'no'],
  ['own_case', 'yes', 'yes', 'yes', 'book', 'no'],
  ['own_accounts', 'yes', 'yes', 'yes', 'yes', 'no'],
  ['workflows', 'yes', 'yes', 'no', 'no', 'no'],
  ['admin', 'yes', 'no', 'no', 'no', 'no'],
]
describe('what a route needs', () => {
  it.each(table)('%s: admin %s, named lead %s, anybody %s, CSM %s, read-only %s', (needs, ...expected) => {
    const found = (['admin', 'lead', 'unnamed', 'csm', 'readOnly'] as const).map((who) => {
      const fault = faultOf(rights[who], needs)
      return fault !== null ? 'no' : dependsOnBook(rights[who], needs) ? 'book' : 'yes'
    })
    expect(found).toEqual(expected)
  })
  it('is refused in a sentence that says what to do', () => {
    expect(faultOf(rights.readOnly, 'own_book')).toMatchObject({ status: 403, code: 'read_only', message: expect.stringContaining('agency admin can give you another role') })
    expect(faultOf(rights.readOnly, 'workflows')).toMatchObject({ code: 'read_only' })
    expect(faultOf(rights.csm, 'workflows')).toMatchObject({ status: 403, code: 'needs_lead', message: expect.stringContaining('agency admins') })
  })
})

describe('whose it is', () => {
  const priya = { userId: 'pri', name: 'Priya Nair' }
  const cy = { userId: 'cy', name: 'Cy' }
  it('an account is its owner\'s; a colleague\'s names the colleague, nobody\'s the lead', () => {
    expect(accountFault('cy', cy)).toBeNull()
    expect(accountFault('cy', priya)).toMatchObject({ status: 403, code: 'not_your_account', message: 'This account is looked after by Priya Nair. Ask them or a lead.' })
    expect(accountFault('cy', null)?.message).toBe('Nobody looks after this account yet. Ask a lead to give it to you.')
  })
  it('a case is whose it is, and whose account it is about', () => {
    expect(caseFault('cy', cy, priya)).toBeNull()
    expect(caseFault('cy', priya, cy)).toBeNull()
    expect(caseFault('cy', null, cy)).toBeNull()
    expect(caseFault('cy', priya, null)).toMatchObject({ status: 403, code: 'not_your_case', message: 'This case is with Priya Nair. Ask them or a lead.' })
    expect(caseFault('cy', null, priya)?.message).toContain('Priya Nair')
    expect(caseFault('cy', null, null)?.message).toContain('Ask a lead')
  })
})

it('nobody can be given two roles at once', () => {
  const twice = { ...defaultAgencySettings, team: { everybodyElse: 'csm', people: [{ userId: 'cy', role: 'csm' }, { userId: 'cy', role: 'lead' }] } }
  expect(agencySettings.safeParse(twice).error?.issues).toMatchObject([{ path: ['team', 'people', 1, 'userId'] }])
})
