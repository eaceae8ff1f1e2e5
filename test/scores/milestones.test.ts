import { afterEach, beforeEach, expect, it } from '@jest/globals'
import type { DomainEvent } from '../../src/events/index.ts'
import { createScores, type Scores } from '../../src/scores/index.ts'
import { openTestStore, type TestStore } from '../support/store.ts'

let store: TestStore
let scores: Scores
let events: DomainEvent[]
let lastKey = 0

beforeEach(async () => {
  store = await openTestStore()
  events = []
  const append = async (event: DomainEvent) => {
    if (events.some(({ key }) => key === event.key)) return 'duplicate' as const
    events.push(event)
    return 'inserted' as const
  }
  scores = createScores({ connection: store.connection, events: { append } })
  await store.ensureIndexes()
})
afterEach(() => store.close())

async function book(points: number, key = `k${(lastKey += 1)}`, locationId = 'l'): Promise<void> {
  await scores.book({ key, companyId: 'c', locationId, userId: 'u', kind: 'answer', points, note: 'Answered', at: new Date('2026-01-01T00:00:00Z') })
}
const told = () => events.map(({ locationId, data }) => [locationId, data['milestone']])

it('a milestone is told once when it is reached, the highest of several, and again after a fall below it', async () => {
  await book(60)
  await book(39)
  expect(told()).toEqual([])
  await book(1)
  await book(50)
  expect(told()).toEqual([['l', 100]])
  await book(1_000)
  expect(told()).toEqual([['l', 100], ['l', 1_000]])
  await book(-500)
  await book(400)
  expect(told()).toEqual([['l', 100], ['l', 1_000], ['l', 1_000]])
})

it('a booking that comes again tells nothing again, and accounts are apart', async () => {
  await book(120, 'same')
  await book(120, 'same')
  await book(120, 'other', 'l2')
  expect(told()).toEqual([['l', 100], ['l2', 100]])
})

it('bookings of one moment miss no milestone and tell it once', async () => {
  await Promise.all(Array.from({ length: 6 }, () => book(50)))
  expect(told()).toEqual([['l', 100]])
  expect(await scores.total('c', 'l')).toBe(300)
})
