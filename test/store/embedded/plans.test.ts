import { describe, expect, it } from '@jest/globals'
import { Decimal128, Double, Long, MongoClient, MongoServerError, ObjectId, type Collection, type Document, type Filter, type Sort } from 'mongodb'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedStore, type EmbeddedStore } from '../../../src/store/index.ts'

/** More seeds make a longer run: PLAN_SEEDS=50 npm test -- test/store/embedded/plans */
const seeds = Number(process.env['PLAN_SEEDS'] ?? 3)

interface Random { (): number; below(limit: number): number; of<T>(items: readonly T[]): T; chance(probability: number): boolean }

function randomOf(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  return Object.assign(next, {
    below: (limit: number) => Math.floor(next() * limit),
    of: <T>(items: readonly T[]): T => items[Math.floor(next() * items.length)] as T,
    chance: (probability: number) => next() < probability,
  })
}

const longText = 'l'.repeat(1_200)
const scalars: readonly unknown[] = [
  null, 0, 1, 2, 3, -1, 1.5, 2.5, Number.NaN, new Double(2), Long.fromString('9007199254740993'), Long.fromString('9007199254740992'), 9007199254740992,
  Decimal128.fromString('2'), Decimal128.fromString('0.1'), 0.1, Infinity, -Infinity, '', 'a', 'ab', 'b', 'b\0c', 'é', '\uffff', '😀', `${longText}a`, `${longText}b`, longText,
  true, false, new Date(0), new Date(1_000), new Date(-1), new ObjectId('65f000000000000000000001'), new ObjectId('65f000000000000000000002'), Buffer.from([1, 2]), {},
]

function valueOf(random: Random, depth = 0): unknown {
  if (depth < 2 && random.chance(0.18)) return Array.from({ length: random.below(4) }, () => valueOf(random, depth + 1))
  if (depth < 2 && random.chance(0.2)) return { b: valueOf(random, depth + 1), ...(random.chance(0.5) ? { c: random.of(scalars) } : {}) }
  return random.of(scalars)
}

function documentOf(random: Random, id: number): Document {
  const doc: Document = { _id: id }
  for (const field of ['a', 'd', 's', 'k']) {
    if (random.chance(0.15)) continue
    doc[field] = field === 's' ? random.of(['x', 'y', 'z']) : field === 'k' ? random.below(8) : valueOf(random)
  }
  return doc
}

const paths = ['a', 'd', 's', 'k', 'a.b', 'a.c', 'd.b'] as const

function conditionOf(random: Random, depth = 0): unknown {
  const value = (): unknown => (random.chance(0.9) ? random.of(scalars) : valueOf(random))
  switch (random.below(12)) {
    case 0: case 1: case 2: return value()
    case 3: return { $in: Array.from({ length: random.below(4) }, value) }
    case 4: return { $gt: value() }
    case 5: return { $gte: value(), $lt: value() }
    case 6: return { $lte: value() }
    case 7: return { $ne: value() }
    case 8: return { $exists: random.chance(0.5) }
    case 9: return depth > 0 ? value() : { $elemMatch: random.chance(0.5) ? { $gte: value(), $lte: value() } : { b: conditionOf(random, 1), c: conditionOf(random, 1) } }
    case 10: return { $not: { $lt: value() } }
    default: return random.of([{ $regex: '^a' }, { $regex: '^ab?' }, /b/, { $regex: 'x$|l+b' }, { $not: /^a/ }, { $size: 2 }, { $type: 'number' }, { $all: [value(), value()] }, { $nin: [value()] }])
  }
}

function filterOf(random: Random, depth = 0): Document {
  const filter: Document = {}
  for (let at = random.below(3); at >= 0; at -= 1) {
    const path = random.of(paths)
    filter[path] = path === 's' && random.chance(0.8) ? random.of(['x', 'y', { $in: ['x', 'z'] }, { $regex: '[yz]' }]) : path === 'k' && random.chance(0.8) ? random.of([random.below(8), { $gte: random.below(8) }, { $in: [1, 3, 5] }]) : conditionOf(random)
  }
  if (depth === 0 && random.chance(0.3)) filter['$or'] = [filterOf(random, 1), filterOf(random, 1)]
  return filter
}

const indexes: { key: Record<string, 1 | -1>; options?: { unique?: boolean; sparse?: boolean; partialFilterExpression?: Document } }[] = [
  { key: { a: 1 } }, { key: { a: -1, k: 1 } }, { key: { s: 1, k: -1 } }, { key: { 'a.b': 1, 'a.c': 1 } }, { key: { s: 1, a: 1, _id: 1 } }, { key: { k: 1, 'd.b': -1, s: 1 } },
  { key: { d: 1 }, options: { sparse: true } }, { key: { d: -1, s: 1 }, options: { partialFilterExpression: { k: { $gt: 3 } } } },
  { key: { k: 1 }, options: { partialFilterExpression: { s: 'x' } } }, { key: { s: 1, k: 1, d: 1, _id: 1 } },
  { key: { a: 1, s: 1 }, options: { partialFilterExpression: { a: { $exists: true } } } }, { key: { k: 1, _id: -1 } },
]
const sorts: readonly Record<string, 1 | -1>[] = [
  { _id: 1 }, { a: 1, _id: 1 }, { a: -1, _id: -1 }, { k: 1, _id: -1 }, { k: -1, _id: 1 }, { s: 1, k: 1, d: 1, _id: 1 }, { d: 1, _id: 1 }, { 'd.b': -1, _id: 1 }, { a: 1, k: -1, _id: 1 },
]

/** The number of matching documents in every way a client can ask for it, with the indexes of the hints and with the one that the planner takes. */
async function countsOf(collection: Collection<Document & { _id: number }>, filter: Filter<Document & { _id: number }>, hints: Document[]): Promise<Record<string, number>> {
  const grouped = async (match: Document[], _id: unknown): Promise<number> => {
    const [found] = await collection.aggregate<{ n: number }>([...match, { $group: { _id, n: { $sum: 1 } } }]).toArray()
    return found?.n ?? 0
  }
  const counts: Record<string, number> = {
    countDocuments: await collection.countDocuments(filter),
    nested: await collection.countDocuments({ $and: [{ $and: [filter] }, {}] }),
    groupedByNull: await grouped([{ $match: filter }], null),
    groupedByOne: await grouped([{ $match: { _id: { $gte: 0 } } }, { $match: filter }], 1),
    command: Number((await collection.db.command({ count: collection.collectionName, query: filter }))['n']),
  }
  for (const hint of hints) counts[JSON.stringify(hint)] = await collection.countDocuments(filter, { hint })
  return counts
}

async function compare(collection: Collection<Document & { _id: number }>, random: Random, hints: Document[]): Promise<string> {
  const filter = filterOf(random) as Filter<Document & { _id: number }>
  const sort: Sort | undefined = random.chance(0.5) ? random.of(sorts) : undefined
  const limit = sort !== undefined && random.chance(0.5) ? 1 + random.below(10) : 0
  const run = async (hint: Document | undefined): Promise<number[] | string> => {
    try {
      const found = await collection.find(filter, { ...(sort === undefined ? {} : { sort }), limit, ...(hint === undefined ? {} : { hint }), projection: { _id: 1 } }).toArray()
      const ids = found.map(({ _id }) => _id)
      return sort === undefined ? ids.sort((a, b) => a - b) : ids
    } catch (error) {
      if (error instanceof MongoServerError) return `error ${String(error.code)}`
      throw error
    }
  }
  const [planned, scanned] = [await run(undefined), await run({ $natural: 1 })]
  expect({ filter, sort, limit, ids: planned }).toEqual({ filter, sort, limit, ids: scanned })
  if (limit === 0 && typeof scanned !== 'string') {
    const counts = await countsOf(collection, filter, [random.of(hints)])
    expect({ filter, counts }).toEqual({ filter, counts: Object.fromEntries(Object.keys(counts).map((way) => [way, scanned.length])) })
  }
  const plan = await collection.find(filter, { ...(sort === undefined ? {} : { sort }), limit }).explain() as { queryPlanner: { winningPlan: { stage: string; inputStage?: { stage: string } } } }
  const { stage, inputStage } = plan.queryPlanner.winningPlan
  return inputStage === undefined ? stage : `${stage}+${inputStage.stage}`
}

async function change(collection: Collection<Document & { _id: number }>, random: Random): Promise<void> {
  const filter = (random.chance(0.7) ? { _id: random.below(200) } : { k: random.below(8) }) as Filter<Document & { _id: number }>
  const updates: Document[] = [
    { $set: { a: valueOf(random) } }, { $set: { 'a.b': random.of(scalars) } }, { $unset: { d: 1 } }, { $inc: { k: 1 } }, { $set: { d: valueOf(random), s: random.of(['x', 'y']) } },
    { $push: { a: random.of(scalars) } }, { $rename: { a: 'd' } }, { $addToSet: { d: random.of(scalars) } }, { $min: { a: random.of(scalars) } },
  ]
  try {
    if (random.chance(0.15)) await collection.deleteOne(filter)
    else if (random.chance(0.3)) await collection.updateMany(filter, random.of(updates))
    else if (random.chance(0.2)) await collection.replaceOne({ _id: random.below(200) }, documentOf(random, 0), { upsert: true }).catch(() => collection.deleteOne({ _id: random.below(200) }))
    else await collection.updateOne(filter, random.of(updates))
  } catch (error) {
    // Updates that do not fit a document (a path through a scalar, parallel arrays) are errors and change nothing.
    if (!(error instanceof MongoServerError)) throw error
  }
}

describe('index plans', () => {
  it('give the same answers as full scans, through random changes and reopening', async () => {
    const plans = new Map<string, number>()
    for (let seed = 1; seed <= seeds; seed += 1) {
      const random = randomOf(seed * 7919)
      const dataDir = await mkdtemp(join(tmpdir(), 'barometer-plans-'))
      const faults: Error[] = []
      const start = (): Promise<EmbeddedStore> => startEmbeddedStore({ dataDir, onUndone: (error) => faults.push(error) })
      let store = await start()
      let client = await new MongoClient(store.uri).connect()
      let collection = client.db('plans').collection<Document & { _id: number }>('docs')
      const chosen = indexes.filter(() => random.chance(0.6))
      const makeIndexes = async (): Promise<void> => {
        for (const { key, options } of chosen) await collection.createIndex(key, options ?? {}, {}).catch((error: unknown) => expect(error).toMatchObject({ code: 171 }))
      }
      if (random.chance(0.5)) await makeIndexes()
      const documents = Array.from({ length: 150 }, (_, id) => documentOf(random, id))
      await collection.insertMany(documents as (Document & { _id: number })[], { ordered: false }).catch((error: unknown) => expect(error).toMatchObject({ code: 171 }))
      await makeIndexes()
      // Two indexes may have the same key: the key alone does not name one of them.
      const made = await collection.indexes()
      const hints = made.map(({ key }): Document => key).filter((key, _, all) => all.filter((other) => JSON.stringify(other) === JSON.stringify(key)).length === 1)
      for (let round = 0; round < 2; round += 1) {
        for (let at = 0; at < 70; at += 1) {
          const plan = await compare(collection, random, hints)
          plans.set(plan, (plans.get(plan) ?? 0) + 1)
          if (random.chance(0.4)) await change(collection, random)
          // The number of all documents is kept up to date from the first time it is asked for.
          if (at % 10 === 5) expect(await collection.countDocuments()).toBe((await collection.find().toArray()).length)
        }
        await client.close()
        await store.stop()
        store = await start()
        client = await new MongoClient(store.uri).connect()
        collection = client.db('plans').collection('docs')
      }
      await client.close()
      await store.stop()
      await rm(dataDir, { recursive: true })
      expect({ seed, faults }).toEqual({ seed, faults: [] })
    }
    // The run must have met every kind of plan, or it has shown nothing.
    for (const plan of ['COLLSCAN', 'FETCH+IXSCAN', 'SORT+FETCH', 'OR']) expect([...plans.keys()]).toContain(plan)
  }, 60_000 * Math.max(2, seeds))
})
