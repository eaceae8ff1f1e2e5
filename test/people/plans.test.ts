import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { accountFilterOf, accountSortOf } from '../../src/accounts/listing.ts'
import { accountModels } from '../../src/accounts/model.ts'
import { peopleModels } from '../../src/people/model.ts'
import { openTestStore, type TestStore } from '../support/store.ts'

let store: TestStore
beforeAll(async () => {
  store = await openTestStore()
  accountModels(store.connection)
  peopleModels(store.connection)
  await store.ensureIndexes()
})
afterAll(() => store.close())

/** The index that a plan reads, and whether it sorts afterwards. */
function planOf(explained: unknown): { index: string | undefined; sorts: boolean } {
  const text = JSON.stringify((explained as { queryPlanner: { winningPlan: unknown } }).queryPlanner.winningPlan)
  return { index: /"indexName":"([^"]+)"/.exec(text)?.[1], sorts: text.includes('"SORT"') }
}

it.each([
  ['one group', { group: 'saas' }, 'companyId_1_listed_1_group_1_nameKey_1__id_1'],
  ['premium accounts', { group: 'premium' }, 'companyId_1_listed_1_premium_1_nameKey_1__id_1'],
  ['accounts of one owner', { csm: 'cora' }, 'companyId_1_listed_1_csm.userId_1_nameKey_1__id_1'],
] as const)('the list of %s is read off its index, in its order', async (_name, filter, index) => {
  const { accounts } = accountModels(store.connection)
  const explained = await accounts.collection.find(accountFilterOf('c1', filter, new Date()) as object).sort(accountSortOf('name')).limit(50).explain('queryPlanner')
  expect(planOf(explained)).toEqual({ index, sorts: false })
})

it('the entries of an account are read off their index, newest day first', async () => {
  const { hours } = peopleModels(store.connection)
  const explained = await hours.collection.find({ companyId: 'c1', locationId: 'l1', counts: true }).sort({ on: -1, loggedAt: -1, _id: -1 }).limit(50).explain('queryPlanner')
  expect(planOf(explained)).toEqual({ index: 'companyId_1_locationId_1_counts_1_on_-1_loggedAt_-1__id_-1', sorts: false })
})
