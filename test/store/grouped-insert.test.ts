import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Collection } from 'mongodb'
import { createGroupedInsert } from '../../src/store/grouped-insert.ts'
import { openTestStore, type TestStore } from '../support/store.ts'

interface Row {
  _id: string
  n: number
}

const rows = (count: number, from = 0): Row[] => Array.from({ length: count }, (_, n) => ({ _id: `row-${from + n}`, n: from + n }))
const settledKinds = (results: PromiseSettledResult<unknown>[]): unknown[] => results.map((result) => (result.status === 'fulfilled' ? result.value : 'rejected'))

describe('inserts that travel together', () => {
  let store: TestStore
  let number = 0

  beforeAll(async () => {
    store = await openTestStore()
  })
  afterAll(() => store.close())

  function open(): Collection<Row> {
    number += 1
    return store.connection.collection<Row>(`grouped_${number}`)
  }

  it('are each stored once, each with its own verdict: also duplicates of what is stored, and of each other', async () => {
    const records = open()
    const insert = createGroupedInsert(records)
    await insert({ _id: 'row-3', n: -1 })
    const wanted = [...rows(20), ...rows(5, 10)]
    const outcomes = await Promise.all(wanted.map((row) => insert(row)))
    expect(outcomes.map((outcome, at) => [wanted[at]?._id, outcome]).filter(([, outcome]) => outcome === 'duplicate').map(([key]) => key)).toEqual(['row-3', 'row-10', 'row-11', 'row-12', 'row-13', 'row-14'])
    const stored = await records.find().toArray()
    expect(stored.length).toBe(20)
    expect(stored.find(({ _id }) => _id === 'row-3')?.n).toBe(-1)
  })

  it('share commands, keep their order, and are there when they are answered', async () => {
    const records = open()
    const commands: Row[][] = []
    const counted = recording(records, commands)
    const insert = createGroupedInsert(counted, { maxGroup: 30 })
    const wanted = rows(100)
    await Promise.all(
      wanted.map(async (row) => {
        await insert(row)
        expect(await records.findOne({ _id: row._id })).toEqual(row)
      }),
    )
    expect(commands.length).toBeLessThan(20)
    expect(Math.max(...commands.map((command) => command.length))).toBe(30)
    expect(commands.flat().map(({ n }) => n)).toEqual(wanted.map(({ n }) => n))
  })

  it('fail alone where the store refuses one record for a reason of its own', async () => {
    const records = open()
    const insert = createGroupedInsert(records)
    const refused = { _id: ['no', 'key'] as unknown as string, n: 1 }
    const results = await Promise.allSettled([...rows(3), refused, ...rows(3)].map((row) => insert(row)))
    expect(settledKinds(results)).toEqual(['inserted', 'inserted', 'inserted', 'rejected', 'duplicate', 'duplicate', 'duplicate'])
    await expect(insert(refused)).rejects.toThrow()
  })

  it('all fail where the command fails, or was not acknowledged as it must be', async () => {
    const notAcknowledged = Object.assign(new Error('waiting for replication timed out'), { code: 64, insertedCount: 2, writeErrors: [], result: { getWriteConcernError: () => ({ code: 64 }) } })
    const both = Object.assign(new Error('E11000'), { code: 11_000, insertedCount: 2, writeErrors: [{ index: 0, code: 11_000 }], result: { getWriteConcernError: () => ({ code: 64 }) } })
    const halfKnown = Object.assign(new Error('E11000'), { code: 11_000, insertedCount: 0, writeErrors: [{ index: 0, code: 11_000 }] })
    for (const error of [new Error('connection closed'), notAcknowledged, both, halfKnown]) {
      const insert = createGroupedInsert(fake({ insertMany: () => Promise.reject(error) }))
      expect(settledKinds(await Promise.allSettled(rows(3).map((row) => insert(row))))).toEqual(['rejected', 'rejected', 'rejected'])
    }
  })

  it('wait while a command is under way, but not for one that hangs', async () => {
    const sent: string[] = []
    let answer: () => void = () => undefined
    const insert = createGroupedInsert(
      fake({
        insertOne: ({ _id }) => {
          sent.push(_id)
          return _id === 'slow' ? new Promise<void>((resolve) => (answer = resolve)) : Promise.resolve()
        },
        insertMany: async (group) => void sent.push(group.map(({ _id }) => _id).join('+')),
      }),
      { patienceMs: 50 },
    )
    const slow = insert({ _id: 'slow', n: 0 })
    await new Promise((resolve) => setImmediate(resolve))
    expect(await Promise.all([insert({ _id: 'a', n: 1 }), insert({ _id: 'b', n: 2 })])).toEqual(['inserted', 'inserted'])
    expect(sent).toEqual(['slow', 'a+b'])
    answer()
    expect(await slow).toBe('inserted')
  })
})

/** Notes what each command carries, and passes it on. */
function recording(records: Collection<Row>, commands: Row[][]): Collection<Row> {
  return fake({
    insertOne: (row) => {
      commands.push([row])
      return records.insertOne(row)
    },
    insertMany: (group) => {
      commands.push([...group])
      return records.insertMany(group, { ordered: false })
    },
  })
}

function fake(methods: { insertOne?: (row: Row) => Promise<unknown>; insertMany?: (group: Row[]) => Promise<unknown> }): Collection<Row> {
  return methods as unknown as Collection<Row>
}
