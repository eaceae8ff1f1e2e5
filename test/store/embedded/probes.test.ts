import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { BSON, Double, MongoClient, type Int32, MongoServerError, type Collection, type CreateIndexesOptions, type Db, type Document, type IndexSpecification } from 'mongodb'
import { openTestStore, type TestStore } from '../../support/store.ts'
import {
  filterErrors, filterRows, oid, projected, projectionRows, refusedFilters, refusedProjections, refusedUpdates, sortRows, updateRows, upsertRows, values,
} from './probe-rows.ts'

const isEmbedded = (process.env['MONGODB_URI'] ?? '') === ''
const describeEmbedded = isEmbedded ? describe : () => undefined

type Probed = Document & { _id: string | number }

let store: TestStore
let client: MongoClient
let db: Db

beforeAll(async () => {
  store = await openTestStore()
  client = await new MongoClient(store.uri, { promoteValues: false }).connect()
  db = client.db()
})

afterAll(async () => {
  await client.close()
  await store.close()
})

function collectionOf(name: string): Collection<Probed> {
  return db.collection<Probed>(name)
}

/** Text that keeps number types and field order apart. */
function exact(value: unknown): string {
  return BSON.EJSON.stringify(value, { relaxed: false })
}

/** Counts come as the driver's number type here, since numbers are not promoted. */
function count(value: unknown): number {
  return Number(value)
}

async function codeOf(action: () => Promise<unknown>): Promise<number | undefined> {
  try {
    await action()
    return undefined
  } catch (error) {
    if (error instanceof MongoServerError) return count(error.code)
    throw error
  }
}

const names = Object.keys(values)
function named(list: string): string[] {
  const given = list.replace('!', '').split(' ').filter((name) => name !== '')
  return list.startsWith('!') ? names.filter((name) => !given.includes(name)) : names.filter((name) => given.includes(name))
}

describe('filters', () => {
  beforeAll(async () => {
    for (const name of ['plain', 'indexed', 'descending']) await collectionOf(name).insertMany(names.map((id) => ({ _id: id, ...values[id] })))
    await collectionOf('indexed').createIndex({ a: 1 }, {}, {})
    await collectionOf('indexed').createIndex({ 'a.x': 1, 'a.y': -1 }, {}, {})
    await collectionOf('descending').createIndex({ a: -1 }, {}, {})
    await collectionOf('descending').createIndex({ 'a.x': -1 }, {}, {})
  })

  it.each(filterRows.map(([filter, expected]) => [exact(filter), filter, expected] as const))('%s', async (_text, filter, expected) => {
    for (const name of ['plain', 'indexed', 'descending']) {
      const found = await collectionOf(name).find(filter).map(({ _id }) => String(_id)).toArray()
      expect([name, ...names.filter((id) => found.includes(id))]).toEqual([name, ...named(expected)])
      expect(count(await collectionOf(name).countDocuments(filter))).toBe(found.length)
    }
  })

  it.each(sortRows)('sort %i', async (direction, groups) => {
    for (const name of ['plain', 'indexed', 'descending']) {
      const found = await collectionOf(name).find().sort({ a: direction }).map(({ _id }) => String(_id)).toArray()
      const sizes = groups.map((group) => group.split(' ').length)
      const grouped = sizes.map((size) => found.splice(0, size))
      expect(grouped.map((group) => names.filter((id) => group.includes(id)).join(' '))).toEqual(groups.map((group) => named(group).join(' ')))
    }
  })

  it.each(filterErrors.map(([filter, code]) => [exact(filter), filter, code] as const))('%s is an error', async (_text, filter, code) => {
    expect(await codeOf(() => collectionOf('plain').find(filter).toArray())).toBe(code)
  })
})

describe('updates', () => {
  it.each(updateRows.map((row) => [`${exact(row.before)} ${exact(row.update)}`, row] as const))('%s', async (_text, { before, update, after, filter, arrayFilters, modifies }) => {
    const collection = collectionOf('updates')
    await collection.deleteMany({})
    await collection.insertOne({ _id: 1, ...before })
    const run = async (): Promise<void> => {
      const result = await collection.updateOne({ _id: 1, ...filter }, update, arrayFilters === undefined ? {} : { arrayFilters })
      expect({ matched: count(result.matchedCount), modified: count(result.modifiedCount) }).toEqual({ matched: 1, modified: modifies === false ? 0 : 1 })
    }
    if (typeof after === 'number') expect(await codeOf(run)).toBe(after)
    else await run()
    expect(exact(await collection.findOne({ _id: 1 }))).toBe(exact({ _id: 1, ...(typeof after === 'number' ? before : after) }))
    // The same through findAndModify.
    await collection.replaceOne({ _id: 1 }, before)
    const again = (): Promise<unknown> => collection.findOneAndUpdate({ _id: 1, ...filter }, update, { returnDocument: 'after', ...(arrayFilters === undefined ? {} : { arrayFilters }) })
    if (typeof after === 'number') expect(await codeOf(again)).toBe(after)
    else expect(exact(await again())).toBe(exact({ _id: 1, ...after }))
  })

  it('$currentDate sets a date or a timestamp', async () => {
    const collection = collectionOf('dates')
    await collection.insertOne({ _id: 1 })
    await collection.updateOne({ _id: 1 }, { $currentDate: { d: { $type: 'date' }, t: { $type: 'timestamp' }, e: { $type: 'date' } } })
    expect(count(await collection.countDocuments({ d: { $type: 'date' }, e: { $type: 'date' }, t: { $type: 'timestamp' } }))).toBe(1)
  })

  it('replacements keep the _id and may not change it', async () => {
    const collection = collectionOf('replacements')
    await collection.insertOne({ _id: 1, a: 1, b: 2 })
    await collection.replaceOne({ a: 1 }, { c: 3 })
    expect(exact(await collection.findOne())).toBe(exact({ _id: 1, c: 3 }))
    expect(await codeOf(() => collection.replaceOne({ _id: 1 }, { _id: 2 }))).toBe(66)
    
    const mixed = await db.command({ update: 'replacements', updates: [{ q: {}, u: { a: 1, $set: { b: 1 } } }] }) as { writeErrors: { code: Int32 }[] }
    expect(count(mixed.writeErrors[0]?.code)).toBe(52)
  })

  it.each(upsertRows.map(([filter, update, expected]) => [`${exact(filter)} ${exact(update)}`, filter, update, expected] as const))('upsert %s', async (_text, filter, update, expected) => {
    const collection = collectionOf('upserts')
    await collection.deleteMany({})
    const run = (): Promise<unknown> => collection.updateOne(filter, update, { upsert: true })
    if (typeof expected === 'number') {
      expect(await codeOf(run)).toBe(expected)
      return
    }
    await run()
    const found = await collection.findOne({}, { projection: { _id: 0 } })
    expect(exact(found)).toBe(exact(expected))
  })
})

describe('projections', () => {
  it.each(projectionRows.map(([projection, expected]) => [exact(projection), projection, expected] as const))('%s', async (_text, projection, expected) => {
    const collection = collectionOf('projections')
    await collection.replaceOne({ _id: 1 }, projected, { upsert: true })
    const run = (): Promise<unknown> => collection.findOne({}, { projection })
    if (typeof expected === 'number') expect(await codeOf(run)).toBe(expected)
    else expect(exact(await run())).toBe(exact(expected))
  })
})

const sales = [
  { _id: 1, k: 'a', n: 1, t: ['x', 'y'] }, { _id: 2, k: 'b', n: new Double(2.5), t: [] }, { _id: 3, k: 'a', n: 3, t: 'z' }, { _id: 4, k: 'b', n: 'text' }, { _id: 5, n: null, t: null }, { _id: 6, k: null, n: 4, d: { x: 1 } },
]
const pipelines: [pipeline: Document[], expected: Document[] | number][] = [
  [[{ $match: { k: 'a' } }, { $sort: { n: -1 } }, { $project: { n: 1, _id: 0 } }], [{ n: 3 }, { n: 1 }]],
  [[{ $sort: { _id: -1 } }, { $skip: 1 }, { $limit: 2 }, { $project: { _id: 1 } }], [{ _id: 5 }, { _id: 4 }]],
  [[{ $group: { _id: '$k', n: { $sum: '$n' } } }, { $sort: { _id: 1 } }], [{ _id: null, n: 4 }, { _id: 'a', n: 4 }, { _id: 'b', n: new Double(2.5) }]],
  [[{ $group: { _id: null, c: { $sum: 1 }, lo: { $min: '$n' }, hi: { $max: '$n' }, avg: { $avg: '$n' } } }], [{ _id: null, c: 6, lo: 1, hi: 'text', avg: new Double(2.625) }]],
  [[{ $sort: { _id: 1 } }, { $group: { _id: null, f: { $first: '$n' }, l: { $last: '$k' }, all: { $push: '$k' } } }], [{ _id: null, f: 1, l: null, all: ['a', 'b', 'a', 'b', null] }]],
  [[{ $match: { k: 'nothing' } }, { $group: { _id: null, n: { $sum: 1 } } }], []],
  [[{ $match: { _id: 5 } }, { $group: { _id: '$k', s: { $sum: '$n' }, a: { $avg: '$n' }, m: { $min: '$n' }, p: { $push: '$zz' }, f: { $first: '$zz' } } }], [{ _id: null, s: 0, a: null, m: null, p: [], f: null }]],
  [[{ $group: { _id: { k: '$k', x: '$d.x' } } }, { $match: { '_id.x': 1 } }], [{ _id: { k: null, x: 1 } }]],
  [[{ $group: { _id: null, s: { $addToSet: '$k' } } }, { $unwind: '$s' }, { $sort: { s: 1 } }, { $project: { _id: 0 } }], [{ s: null }, { s: 'a' }, { s: 'b' }]],
  [[{ $unwind: '$t' }, { $sort: { _id: 1, t: 1 } }, { $project: { t: 1 } }], [{ _id: 1, t: 'x' }, { _id: 1, t: 'y' }, { _id: 3, t: 'z' }]],
  [[{ $match: { _id: { $lte: 2 } } }, { $unwind: { path: '$t', preserveNullAndEmptyArrays: true } }, { $sort: { _id: 1, t: 1 } }, { $project: { t: 1 } }], [{ _id: 1, t: 'x' }, { _id: 1, t: 'y' }, { _id: 2 }]],
  [[{ $match: { k: { $ne: null } } }, { $count: 'n' }], [{ n: 4 }]], [[{ $match: { k: 'nothing' } }, { $count: 'n' }], []],
  [[{ $match: { _id: 6 } }, { $project: { _id: 0, x: '$d.x', y: { $literal: '$k' }, z: '$nothing' } }], [{ x: 1, y: '$k' }]],
  [[{ $nope: {} }], 40324], [[{ $match: {}, $limit: 1 }], 40323], [[{ $group: { n: { $sum: 1 } } }], 15955], [[{ $group: { _id: 1, n: { $nope: 1 } } }], 15952], [[{ $limit: 0 }], 15958], [[{ $count: '' }], 40156], [[{ $unwind: 't' }], 28818],
  [[{ $match: 5 }], 15959], [[{ $sort: { a: 2 } }], 15975], [[{ $sort: {} }], 15976], [[{ $group: { _id: null, 'a.b': { $sum: 1 } } }], 40235], [[{ $group: { _id: null, a: 5 } }], 40234],
]

describe('aggregation', () => {
  beforeAll(async () => {
    await collectionOf('sales').insertMany(sales)
  })
  it.each(pipelines.map(([pipeline, expected]) => [exact(pipeline), pipeline, expected] as const))('%s', async (_text, pipeline, expected) => {
    const run = (): Promise<unknown> => collectionOf('sales').aggregate(pipeline).toArray()
    if (typeof expected === 'number') expect(await codeOf(run)).toBe(expected)
    else expect(exact(await run())).toBe(exact(expected))
  })
})

describe('indexes', () => {
  let collection: Collection<Probed>
  let number = 0
  beforeEach(async () => {
    number += 1
    collection = collectionOf(`indexes${number}`)
    await collection.insertOne({ _id: 'first' })
    await collection.deleteMany({})
  })
  const create = (key: IndexSpecification, options: CreateIndexesOptions = {}): Promise<string> => collection.createIndex(key, options, {})

  it('conflict by name and by options with MongoDB\'s codes', async () => {
    await create({ a: 1 })
    await create({ a: 1 })
    expect(await codeOf(() => create({ a: 1 }, { name: 'other' }))).toBe(85)
    expect(await codeOf(() => create({ b: 1 }, { name: 'a_1' }))).toBe(86)
    expect(await codeOf(() => create({ a: 1 }, { unique: true }))).toBe(86)
    expect(await codeOf(() => create({ a: 1 }, { expireAfterSeconds: 5 }))).toBe(85)
    expect(await codeOf(() => create({ a: 1, b: 1 }, { expireAfterSeconds: 5 }))).toBe(67)
    expect(await codeOf(() => create({ c: 0 as 1 }))).toBe(67)
    expect(await codeOf(() => collection.dropIndex('nothing'))).toBe(27)
    expect(await codeOf(() => collectionOf('not there').indexes())).toBe(26)
    expect(await codeOf(() => create({ s: 1 }, { sparse: true, partialFilterExpression: { a: 1 } }))).toBe(67)
    expect(await codeOf(() => create({ s: 1 }, { partialFilterExpression: { a: { $ne: 1 } } }))).toBe(67)
  })

  it('unique ones count missing as null, numbers of different types as equal, and every array element', async () => {
    await create({ a: 1 }, { unique: true })
    await collection.insertOne({ _id: 1 })
    expect(await codeOf(() => collection.insertOne({ _id: 2 }))).toBe(11000)
    expect(await codeOf(() => collection.insertOne({ _id: 2, a: null }))).toBe(11000)
    await collection.insertOne({ _id: 3, a: [1, 1, 2] })
    expect(await codeOf(() => collection.insertOne({ _id: 4, a: new Double(2) }))).toBe(11000)
    await collection.insertOne({ _id: 4, a: 3 })
    expect(await codeOf(() => collection.updateOne({ _id: 4 }, { $set: { a: 1 } }))).toBe(11000)
    expect(await codeOf(() => collection.insertOne({ _id: 4 }))).toBe(11000)
    await collection.updateOne({ _id: 3 }, { $set: { a: [5] } })
    await collection.insertOne({ _id: 6, a: 2 })
  })

  it('cannot become unique over duplicates, nor index parallel arrays', async () => {
    await collection.insertMany([{ _id: 1, a: 1 }, { _id: 2, a: 1 }])
    expect(await codeOf(() => create({ a: 1 }, { unique: true }))).toBe(11000)
    expect((await collection.indexes()).map(({ name }) => name)).toEqual(['_id_'])
    await create({ a: 1, b: 1 })
    expect(await codeOf(() => collection.insertOne({ _id: 3, a: [1], b: [2] }))).toBe(171)
    expect(count(await collection.countDocuments())).toBe(2)
  })

  it('sparse and partial unique ones look only at their own documents', async () => {
    await create({ a: 1 }, { unique: true, sparse: true })
    await create({ b: 1 }, { unique: true, partialFilterExpression: { live: true } })
    await collection.insertMany([{ _id: 1, b: 1 }, { _id: 2, b: 1, live: false }, { _id: 3, b: 1, live: true }])
    expect(await codeOf(() => collection.insertOne({ _id: 4, b: 1, live: true }))).toBe(11000)
    expect(await codeOf(() => collection.updateOne({ _id: 2 }, { $set: { live: true } }))).toBe(11000)
    expect((await collection.find({ a: null }).toArray())).toHaveLength(3)
    expect((await collection.find({ b: 1 }).toArray())).toHaveLength(3)
    expect((await collection.find({ b: 1, live: true }).toArray())).toHaveLength(1)
  })

  it('duplicate key errors name the index, the pattern and the values', async () => {
    await create({ a: 1, 'b.c': -1 }, { unique: true })
    await collection.insertOne({ _id: 1, a: 'x', b: { c: oid } })
    const error = await collection.insertOne({ _id: 2, a: 'x', b: { c: oid } }).catch((caught: unknown) => caught as MongoServerError)
    expect((error as MongoServerError).message).toBe(`E11000 duplicate key error collection: ${collection.namespace} index: a_1_b.c_-1 dup key: { a: "x", b.c: ObjectId('65f000000000000000000001') }`)
    expect(exact([(error as MongoServerError)['keyPattern'], (error as MongoServerError)['keyValue']])).toBe(exact([{ a: 1, 'b.c': -1 }, { a: 'x', 'b.c': oid }]))
  })
})

describeEmbedded('outside the list, the embedded store', () => {
  it.each(refusedFilters.map((filter) => [exact(filter), filter] as const))('refuses the filter %s', async (_text, filter) => {
    expect(await codeOf(() => collectionOf('plain').find(filter).toArray())).toBe(2)
  })
  it.each(refusedUpdates.map((update) => [exact(update), update] as const))('refuses the update %s', async (_text, update) => {
    expect(await codeOf(() => collectionOf('plain').updateOne({}, update))).toBe(9)
  })
  it.each(refusedProjections.map((projection) => [exact(projection), projection] as const))('refuses the projection %s', async (_text, projection) => {
    expect(await codeOf(() => collectionOf('plain').find({}, { projection }).toArray())).toBeGreaterThan(0)
  })
  it.each(['$lookup', '$facet', '$addFields', '$set', '$out', '$merge', '$unionWith', '$sample', '$graphLookup', '$bucket'])('refuses the stage %s', async (stage) => {
    expect(await codeOf(() => db.collection('plain').aggregate([{ [stage]: {} }]).toArray())).toBe(40324)
  })
  it('refuses expressions, collations, pipeline updates, capped collections and views', async () => {
    const plain = collectionOf('plain')
    expect(await codeOf(() => plain.aggregate([{ $group: { _id: { $add: ['$a', 1] } } }]).toArray())).toBe(168)
    expect(await codeOf(() => plain.find({}, { collation: { locale: 'de' } }).toArray())).toBe(115)
    expect(await codeOf(() => plain.updateOne({}, [{ $set: { b: 1 } }]))).toBe(115)
    expect(await codeOf(() => db.createCollection('capped', { capped: true, size: 1000 }))).toBe(115)
    expect(await codeOf(() => db.createCollection('view', { viewOn: 'plain', pipeline: [] }))).toBe(115)
    expect(await codeOf(() => plain.createIndex({ a: 'text' }, {}, {}))).toBe(115)
    expect(await codeOf(() => db.command({ mapReduce: 'plain' }))).toBe(59)
    expect(await codeOf(() => db.command({ find: 'plain', nope: 1 }))).toBe(40415)
  })
})
