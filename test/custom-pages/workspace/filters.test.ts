import { describe, expect, it } from '@jest/globals'
import { accountFilter } from '../../../src/http/contract/accounts.ts'
import { countsOf, filterNames, filterOf, filtersFrom, filtersInWords } from '../../../custom-pages/workspace/accounts/filters.ts'
import { lastList, rememberList } from '../../../custom-pages/workspace/accounts/last-list.ts'

const none = filtersFrom({})

describe('the filters of the accounts', () => {
  it('mean the same in a bulk action as in the list', () => {
    const texts = filtersFrom({ q: 'dental', group: 'premium', health: 'none', happiness: 'happy', csm: 'u1', feedback: 'off', stale: 'true', noteWanted: 'true', disagreement: 'any', dissent: 'true', page: '3', other: 'x' })
    const filter = filterOf(texts)
    expect(accountFilter.parse(filter)).toEqual({ q: 'dental', group: 'premium', health: 'none', happiness: 'happy', csm: 'u1', feedback: false, stale: true, noteWanted: true, disagreement: 'any', dissent: true })
    expect(Object.keys(filter)).toHaveLength(filterNames.length)
    expect(filterOf(none)).toEqual({})
  })

  it('are said in words, and an empty set in none', () => {
    expect(filtersInWords(none, null)).toEqual([])
    expect(filtersInWords({ ...none, health: 'none', csm: 'u1', stale: 'true' }, 'Priya Nair')).toEqual(['Health No reading', 'Stale status', 'Owner Priya Nair'])
  })
})

describe('the counts on the chips', () => {
  const cells = [
    { health: 'steady' as const, happiness: 'happy' as const, count: 3 },
    { health: 'steady' as const, happiness: null, count: 2 },
    { health: null, happiness: 'happy' as const, count: 4 },
  ]

  it('are those of the rows that the chip would show', () => {
    expect(countsOf(cells, none)).toEqual({ health: { steady: 5, none: 4 }, happiness: { happy: 7, none: 2 } })
    expect(countsOf(cells, { ...none, happiness: 'happy' })).toEqual({ health: { steady: 3, none: 4 }, happiness: { happy: 7, none: 2 } })
  })

  it('are left out where they could promise rows that do not come', () => {
    expect(countsOf(cells, { ...none, stale: 'true' })).toBeNull()
    expect(countsOf(cells, { ...none, q: 'dental' })).toBeNull()
  })
})

describe('the way back to the list', () => {
  it('leads to it as it was, without the account that was open', () => {
    rememberList('accounts', { health: 'steady', page: '2', open: 'loc1', set: '1' })
    rememberList('accounts', { account: 'loc1' })
    rememberList('cases', {})
    expect(lastList()).toBe('#/accounts?health=steady&page=2')
  })
})
