import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { durationText, leastLoaded, nextInTurn, peopleView, planAssignment, primaryOf, type Candidates, type Owned } from '../../src/people/rules.ts'

const csmIds = ['ann', 'bob', 'cy', 'dee', 'eve']
const csms = fc.uniqueArray(fc.constantFrom(...csmIds), { minLength: 1 }).map((ids): Candidates[] => ids.map((userId) => ({ userId, name: userId.toUpperCase() })))
const owner = fc.option(fc.constantFrom(...csmIds, 'gone'), { nil: null })
const accounts = fc.array(owner, { maxLength: 60 }).map((owners): Owned[] => owners.map((userId, index) => ({ locationId: `l${String(index).padStart(3, '0')}`, csm: userId === null ? null : { userId, name: userId } })))
const rule = fc.constantFrom<'round_robin' | 'least_loaded'>('round_robin', 'least_loaded')

/** What everybody has: the accounts given out, and others besides. */
function loadOf(list: readonly Owned[], others: readonly number[]): Map<string, number> {
  return new Map(csmIds.map((userId, index) => [userId, (others[index] ?? 0) + list.filter((account) => account.csm?.userId === userId).length]))
}
const others = fc.array(fc.nat(20), { minLength: 5, maxLength: 5 })

function given(list: readonly Owned[], assigned: ReturnType<typeof planAssignment>['assigned']): Owned[] {
  return list.map((account) => ({ ...account, csm: assigned.find((entry) => entry.locationId === account.locationId)?.csm ?? null }))
}

describe('giving accounts out by a rule', () => {
  it('gives every account to exactly one of the people, the same way every time, and counts right', () => {
    fc.assert(
      fc.property(accounts, csms, rule, others, (list, people, how, rest) => {
        const plan = planAssignment(list, people, how, loadOf(list, rest))
        expect(plan.assigned.map((entry) => entry.locationId)).toEqual(list.map((account) => account.locationId))
        expect(plan.assigned.every((entry) => people.some((csm) => csm.userId === entry.csm.userId))).toBe(true)
        expect(planAssignment(list, people, how, loadOf(list, rest))).toEqual(plan)
        const after = loadOf(given(list, plan.assigned), rest)
        for (const csm of people) expect(plan.load.get(csm.userId)).toBe(after.get(csm.userId))
      }),
    )
  })

  it('round robin gives everybody as many as everybody else, one more at most, in the given order', () => {
    fc.assert(
      fc.property(accounts, csms, others, (list, people, rest) => {
        const { assigned } = planAssignment(list, people, 'round_robin', loadOf(list, rest))
        assigned.forEach((entry, index) => expect(entry.csm.userId).toBe(people[index % people.length]?.userId))
        const counts = people.map((csm) => assigned.filter((entry) => entry.csm.userId === csm.userId).length)
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('least loaded never widens the gap: an account goes to somebody with the fewest at that moment', () => {
    fc.assert(
      fc.property(accounts, csms, others, (list, people, rest) => {
        const load = loadOf(list, rest)
        for (const entry of planAssignment(list, people, 'least_loaded', loadOf(list, rest)).assigned) {
          if (entry.before !== null && load.has(entry.before.userId)) load.set(entry.before.userId, (load.get(entry.before.userId) ?? 0) - 1)
          const fewest = Math.min(...people.map((csm) => load.get(csm.userId) ?? 0))
          expect(load.get(entry.csm.userId)).toBe(fewest)
          load.set(entry.csm.userId, fewest + 1)
        }
      }),
    )
  })

  it('least loaded among people without anything balances to within one, and doing it again moves nothing', () => {
    fc.assert(
      fc.property(accounts, csms, (list, people) => {
        const fresh = list.map((account) => ({ ...account, csm: null }))
        const plan = planAssignment(fresh, people, 'least_loaded', new Map())
        const counts = [...plan.load.values()]
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
        const again = planAssignment(given(fresh, plan.assigned), people, 'least_loaded', plan.load)
        expect(again.assigned.every((entry) => entry.before?.userId === entry.csm.userId)).toBe(true)
      }),
    )
  })

  it('ties are decided by name', () => {
    const people = [{ userId: '1', name: 'zoe' }, { userId: '2', name: 'Adam' }, { userId: '3', name: 'bea' }]
    expect(leastLoaded(people, new Map())?.name).toBe('Adam')
    expect(leastLoaded(people, new Map([['2', 1]]))?.name).toBe('bea')
    expect(leastLoaded([], new Map())).toBeNull()
  })

  it('turns go on after whoever had the last one, and start over where that person is gone', () => {
    const people = ['a', 'b', 'c'].map((userId) => ({ userId, name: userId }))
    expect([null, 'a', 'b', 'c', 'gone'].map((last) => nextInTurn(people, last)?.userId)).toEqual(['a', 'b', 'c', 'a', 'a'])
    expect(nextInTurn([], 'a')).toBeNull()
  })
})

describe('the primary contact', () => {
  const user = fc.record({ userId: fc.string({ minLength: 1, maxLength: 4 }), role: fc.constantFrom<'admin' | 'user'>('admin', 'user'), joinedAt: fc.option(fc.constantFrom('2026-01-01T00:00:00.000Z', '2026-02-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z'), { nil: null }) })
  const users = fc.uniqueArray(user, { selector: (one) => one.userId, maxLength: 8 })

  it('is who was chosen while they are there, else the longest-standing admin, else the longest-standing user; the same in any order', () => {
    fc.assert(
      fc.property(users, fc.string({ minLength: 1, maxLength: 4 }), (list, chosen) => {
        const found = primaryOf(list, chosen)
        expect(primaryOf([...list].reverse(), chosen)).toEqual(found)
        if (list.length === 0) expect(found).toBeNull()
        else if (list.some((one) => one.userId === chosen)) expect(found).toMatchObject({ user: { userId: chosen }, by: 'person' })
        else {
          const admins = list.filter((one) => one.role === 'admin')
          const among = admins.length > 0 ? admins : list
          expect(among.some((one) => one.userId === found?.user.userId)).toBe(true)
          expect(among.every((one) => (found?.user.joinedAt ?? '') <= (one.joinedAt ?? ''))).toBe(true)
        }
      }),
    )
  })

  it('comes first in the list, and there is at most one', () => {
    const person = (userId: string, role: 'admin' | 'user') => ({ userId, name: userId, locationId: 'l', firstName: null, lastName: null, email: null, phone: null, role, joinedAt: null, removedAt: null })
    const list = [person('a', 'user'), person('b', 'admin'), person('c', 'user')]
    expect(peopleView(list, null, ['c']).map(({ userId, primary, primaryBy, key }) => [userId, primary, primaryBy, key])).toEqual([['b', true, 'default', false], ['c', false, null, true], ['a', false, null, false]])
    expect(peopleView(list, 'a', []).map((one) => one.primaryBy)).toEqual(['person', null, null])
  })
})

it('durations read as people say them', () => {
  expect([1, 60, 95, 1_440].map(durationText)).toEqual(['1 min', '1 h', '1 h 35 min', '24 h'])
})
