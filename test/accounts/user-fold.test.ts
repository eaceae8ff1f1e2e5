import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { accountState } from '../../src/accounts/rules.ts'
import { emptyUser, factOrder, foldUser, isPresent, isStaff, joinedAt, leftAt, presentIn, type UserFact } from '../../src/accounts/user-fold.ts'

const places = ['l1', 'l2', 'l3']
const minute = (n: number): Date => new Date(Date.UTC(2026, 10, 1, 9, n))

const someFact: fc.Arbitrary<UserFact> = fc
  .record({
    n: fc.integer({ min: 0, max: 8 }),
    id: fc.constantFrom('a', 'b', 'c', 'd'),
    says: fc.constantFrom('present' as const, 'left' as const, 'deleted' as const, 'staff' as const),
    rank: fc.constantFrom('mirror' as const, 'created' as const, 'updated' as const),
    locationIds: fc.subarray(places, { minLength: 1 }),
    completeList: fc.boolean(),
    first: fc.subarray(places),
    name: fc.constantFrom('Ann', 'Bo', 'Cy'),
  })
  .map(({ n, id, says, rank, locationIds, completeList, first, name }) => {
    const gone = says === 'left' || says === 'deleted'
    return {
      // One id is one fact: everything that tells two facts apart is in the id, as with real events.
      order: factOrder(minute(n), gone ? 'removed' : rank, [id, says, name, locationIds.join('+'), String(completeList), first.join('+')].join('/')),
      at: minute(n), says, locationIds, completeList, created: rank === 'created' && says === 'present', firstReadLocationIds: new Set(rank === 'mirror' ? first : []),
      details: gone ? null : { name, firstName: name, lastName: null, email: null, phone: null, role: 'user' as const },
    }
  })

const fact = (n: number, says: UserFact['says'], locationIds: string[], more: Partial<UserFact> = {}): UserFact => ({
  order: factOrder(minute(n), says === 'left' || says === 'deleted' ? 'removed' : 'updated', `e${n}`), at: minute(n), says, locationIds, completeList: false, created: false,
  firstReadLocationIds: new Set(), details: null, ...more,
})

describe('facts about a user', () => {
  it('end in the same record whatever order they arrive in, and however often', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(someFact, { maxLength: 7, selector: (one) => one.order }).chain((facts) => fc.tuple(fc.constant(facts), fc.shuffledSubarray([...facts, ...facts], { minLength: facts.length * 2, maxLength: facts.length * 2 }))),
        ([inOrder, shuffledTwice]) => {
          expect(shuffledTwice.reduce(foldUser, emptyUser)).toEqual(inOrder.reduce(foldUser, emptyUser))
        },
      ),
      { numRuns: 500 },
    )
  })

  it('a deletion that arrives before the creation still deletes', () => {
    const user = [fact(5, 'deleted', []), fact(1, 'present', ['l1'], { created: true })].reduce(foldUser, emptyUser)
    expect(presentIn(user)).toEqual([])
    expect(user.memberships.map((membership) => leftAt(user, membership))).toEqual([minute(5)])
  })

  it('a user who was deleted and added again is there', () => {
    expect(presentIn([fact(1, 'present', ['l1']), fact(5, 'deleted', []), fact(9, 'present', ['l1'])].reduce(foldUser, emptyUser))).toEqual(['l1'])
  })

  it('a complete list takes the user out of every account it leaves out, an incomplete one does not', () => {
    const before = fact(1, 'present', ['l1', 'l2'])
    expect(presentIn([before, fact(2, 'present', ['l2'], { completeList: true })].reduce(foldUser, emptyUser))).toEqual(['l2'])
    expect(presentIn([before, fact(2, 'present', ['l3'])].reduce(foldUser, emptyUser))).toEqual(['l1', 'l2', 'l3'])
  })

  it('agency staff are in no account', () => {
    const user = [fact(1, 'present', ['l1']), fact(2, 'staff', ['l1', 'l2'])].reduce(foldUser, emptyUser)
    expect(isStaff(user)).toBe(true)
    expect(user.memberships.some((membership) => isPresent(user, membership))).toBe(false)
  })

  it('people who were there at the first reading did not join; somebody with a creation event did', () => {
    const there = foldUser(emptyUser, fact(1, 'present', ['l1'], { firstReadLocationIds: new Set(['l1']) }))
    expect(there.memberships.map(joinedAt)).toEqual([null])
    const late = foldUser(there, fact(0, 'present', ['l1'], { created: true }))
    expect(late.memberships.map(joinedAt)).toEqual([minute(0)])
  })
})

describe('facts about an account', () => {
  it('the later of installed and removed counts, the removal at the same instant', () => {
    const none = { installedAt: null, uninstalledAt: null, movedAt: null, ownedAt: null }
    expect(accountState(none)).toBe('active')
    expect(accountState({ ...none, installedAt: minute(2), uninstalledAt: minute(1) })).toBe('active')
    expect(accountState({ ...none, installedAt: minute(2), uninstalledAt: minute(2) })).toBe('removed')
    expect(accountState({ ...none, ownedAt: minute(1), movedAt: minute(2), installedAt: minute(3) })).toBe('moved')
  })
})
