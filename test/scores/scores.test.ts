import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { accountScores } from '../../src/http/contract/feedback.ts'
import { dayMs } from '../../src/kernel/clock.ts'
import { createScores, type ScoreEntry, type Scores } from '../../src/scores/index.ts'
import { openTestStore, type TestStore } from '../support/store.ts'

let store: TestStore
let scores: Scores
beforeEach(async () => {
  store = await openTestStore()
  scores = createScores({ connection: store.connection })
  await store.ensureIndexes()
})
afterEach(() => store.close())

const start = new Date('2026-01-01T00:00:00Z')
function entry(key: string, points: number, changes: Partial<ScoreEntry> = {}): ScoreEntry {
  return { key, companyId: 'c', locationId: 'l', userId: 'u', kind: 'answer', points, note: 'Answered', at: start, ...changes }
}

it('a fact is booked once, however often and at once it is told', async () => {
  const results = await Promise.all(Array.from({ length: 8 }, () => scores.book(entry('answer:1:0', 50))))
  expect(results.filter((result) => result === 'booked')).toHaveLength(1)
  expect(await scores.total('c', 'l')).toBe(50)
})

it('the same key in another agency is another fact', async () => {
  await scores.book(entry('k', 50))
  expect(await scores.book(entry('k', 25, { companyId: 'd' }))).toBe('booked')
  expect([await scores.total('c', 'l'), await scores.total('d', 'l')]).toEqual([50, 25])
})

it('sums per account, per user and since an instant; lists newest first', async () => {
  await scores.book(entry('1', 50))
  await scores.book(entry('2', -25, { userId: 'v', at: new Date(start.getTime() + dayMs) }))
  await scores.book(entry('3', -50, { at: new Date(start.getTime() + 2 * dayMs) }))
  expect(await scores.total('c', 'l')).toBe(-25)
  expect(await scores.total('c', 'l', { userId: 'v' })).toBe(-25)
  expect(await scores.total('c', 'l', { sinceAt: new Date(start.getTime() + 2 * dayMs) })).toBe(-50)
  expect(await scores.total('c', 'elsewhere')).toBe(0)
  const statement = accountScores.parse(await scores.statement('c', 'l', { page: 1, pageSize: 2 }))
  expect(statement).toMatchObject({
    total: -25,
    byUser: [
      { userId: 'u', total: 0 },
      { userId: 'v', total: -25 },
    ],
    entries: { total: 3 },
  })
  expect(statement.entries.items.map((item) => item.id)).toEqual(['3', '2'])
})
