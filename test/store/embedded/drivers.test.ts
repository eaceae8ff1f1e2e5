import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { MongoBackend } from '@agendajs/mongo-backend'
import { MongoDBSessionStorage } from '@gohighlevel/api-client'
import { Agenda } from 'agenda'
import { Decimal128, Double, Int32, Long, MongoClient, MongoServerError, ObjectId, type Db } from 'mongodb'
import mongoose from 'mongoose'
import { createRequire } from 'node:module'
import { openTestStore, type TestStore } from '../../support/store.ts'
import { until } from '../../support/until.ts'

let store: TestStore
let client: MongoClient
let db: Db

beforeAll(async () => {
  store = await openTestStore()
  client = await new MongoClient(store.uri, { serverSelectionTimeoutMS: 5_000 }).connect()
  db = client.db()
})

afterAll(async () => {
  await client.close()
  await store.close()
})

describe('the mongodb driver', () => {
  it('gets back every value type as it was stored', async () => {
    const doc = {
      _id: new ObjectId(), text: 'ä€😀', int: 7, double: 1.5, big: Long.fromString('9007199254740993'), decimal: Decimal128.fromString('12.340'),
      date: new Date(1_700_000_000_123), bytes: Buffer.from([0, 1, 255]), yes: true, nothing: null, list: [1, 'a', [2, { b: 3 }]], deep: { z: 1, a: { b: 2 } },
      pattern: /^a.b$/i,
    }
    await db.collection('types').insertOne(doc)
    await db.collection('types').updateOne({ _id: doc._id }, { $set: { extra: 1 } })
    const found = await db.collection('types').findOne({ _id: doc._id }, { promoteLongs: false, promoteBuffers: true })
    expect(Object.keys(found ?? {})).toEqual([...Object.keys(doc), 'extra'])
    expect(found?.['big']).toEqual(doc.big)
    expect(found?.['decimal']).toEqual(doc.decimal)
    expect({ ...found, big: undefined, decimal: undefined, int: undefined, list: undefined, deep: undefined, extra: undefined })
      .toMatchObject({ text: doc.text, double: 1.5, date: doc.date, bytes: doc.bytes, yes: true, nothing: null, pattern: doc.pattern })
  })

  it('keeps int, double and long apart through updates of other fields', async () => {
    const types = db.collection('numbers')
    await types.insertOne({ key: 1, i: new Int32(1), d: new Double(1), l: Long.fromNumber(1) })
    await types.updateOne({ key: 1 }, { $set: { other: true } })
    for (const [field, type] of [['i', 'int'], ['d', 'double'], ['l', 'long']] as const) {
      expect(await types.countDocuments({ [field]: { $type: type } })).toBe(1)
    }
  })

  it('pages through a result by cursor batches', async () => {
    const many = db.collection<{ n: number }>('many')
    await many.insertMany(Array.from({ length: 1_000 }, (_, n) => ({ n })))
    const seen: number[] = []
    for await (const doc of many.find({ n: { $gte: 100 } }).sort({ n: -1 }).batchSize(70)) seen.push(doc.n)
    expect(seen).toEqual(Array.from({ length: 900 }, (_, at) => 999 - at))
    const cursor = many.find().batchSize(10)
    await cursor.next()
    await cursor.close()
  })

  it('runs mixed bulk writes and reports what each did', async () => {
    const bulk = db.collection<{ _id: number; v?: number }>('bulk')
    const result = await bulk.bulkWrite([
      { insertOne: { document: { _id: 1, v: 1 } } },
      { insertOne: { document: { _id: 2, v: 1 } } },
      { updateOne: { filter: { _id: 1 }, update: { $inc: { v: 5 } } } },
      { updateMany: { filter: {}, update: { $set: { v: 9 } } } },
      { replaceOne: { filter: { _id: 3 }, replacement: { v: 3 }, upsert: true } },
      { deleteOne: { filter: { _id: 2 } } },
    ])
    expect(result).toMatchObject({ insertedCount: 2, matchedCount: 3, modifiedCount: 3, deletedCount: 1, upsertedCount: 1, upsertedIds: { 4: 3 } })
    expect(await bulk.find().sort({ _id: 1 }).toArray()).toEqual([{ _id: 1, v: 9 }, { _id: 3, v: 3 }])
  })

  it('reports duplicate keys as MongoDB does, and goes on when unordered', async () => {
    const unique = db.collection<{ email: string }>('unique')
    await unique.createIndex({ email: 1 }, { unique: true }, {})
    const error = await unique.insertMany([{ email: 'a' }, { email: 'a' }, { email: 'b' }], { ordered: false }).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(MongoServerError)
    expect(error).toMatchObject({ code: 11000, writeErrors: [{ index: 1 }] })
    expect(await unique.countDocuments()).toBe(2)
    const single = await unique.insertOne({ email: 'b' }).catch((caught: unknown) => caught)
    expect(single).toMatchObject({ code: 11000, keyPattern: { email: 1 }, keyValue: { email: 'b' } })
    expect((single as Error).message).toContain(`E11000 duplicate key error collection: ${db.databaseName}.unique index: email_1 dup key: { email: "b" }`)
  })

  it('finds and changes one document in every way', async () => {
    const one = db.collection<{ _id: number; v?: number; w?: number }>('one')
    await one.insertMany([{ _id: 1, v: 1 }, { _id: 2, v: 2 }])
    expect(await one.findOneAndUpdate({ v: 1 }, { $set: { w: 5 } })).toEqual({ _id: 1, v: 1 })
    expect(await one.findOneAndUpdate({}, { $inc: { v: 1 } }, { sort: { _id: -1 }, returnDocument: 'after', projection: { v: 1, _id: 0 } })).toEqual({ v: 3 })
    expect(await one.findOneAndUpdate({ _id: 9 }, { $setOnInsert: { v: 9 } }, { upsert: true, returnDocument: 'after', includeResultMetadata: true }))
      .toMatchObject({ value: { _id: 9, v: 9 }, lastErrorObject: { n: 1, updatedExisting: false, upserted: 9 } })
    expect(await one.findOneAndReplace({ _id: 9 }, { w: 1 }, { returnDocument: 'after' })).toEqual({ _id: 9, w: 1 })
    expect(await one.findOneAndDelete({ _id: 9 })).toEqual({ _id: 9, w: 1 })
    expect(await one.findOneAndDelete({ _id: 9 })).toBeNull()
  })

  it('counts, lists distinct values, collections, databases and indexes', async () => {
    const listed = db.collection('listed')
    await listed.insertMany([{ t: ['a', 'b'] }, { t: 'a' }, { t: null }, {}])
    expect(await listed.estimatedDocumentCount()).toBe(4)
    expect((await listed.distinct('t')).map(String).sort()).toEqual(['a', 'b', 'null'])
    expect((await db.listCollections().toArray()).map(({ name }) => name)).toContain('listed')
    expect((await client.db().admin().listDatabases()).databases.map(({ name }) => name)).toContain(db.databaseName)
    await listed.createIndex({ t: 1 }, { name: 'by t', sparse: true }, {})
    expect((await listed.indexes()).map(({ name }) => name)).toEqual(['_id_', 'by t'])
    await listed.dropIndex('by t')
    expect(await listed.indexes()).toHaveLength(1)
    await listed.drop()
    expect((await db.listCollections({ name: 'listed' }).toArray())).toEqual([])
  })

  it('works with sessions, and refuses transactions and change streams as a standalone server does', async () => {
    await client.withSession(async (session) => {
      await db.collection('s').insertOne({ a: 1 }, { session })
      session.startTransaction()
      await expect(db.collection('s').insertOne({ a: 2 }, { session })).rejects.toThrow()
      await session.abortTransaction()
    })
    expect(await db.collection('s').countDocuments({})).toBe(1)
    const stream = db.collection('s').watch()
    await expect(stream.next()).rejects.toMatchObject({ code: 40573 })
    await stream.close()
  })
})

describe('driver 6 and the session storage of the HighLevel SDK', () => {
  it('work next to driver 7 on one server', async () => {
    const requireFromSdk = createRequire(createRequire(import.meta.url).resolve('@gohighlevel/api-client'))
    const { MongoClient: OldClient } = requireFromSdk('mongodb') as { MongoClient: typeof MongoClient }
    const old = await new OldClient(store.uri).connect()
    await Promise.all(Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? old.db() : db).collection<{ _id: string; n: number }>('both')
      .updateOne({ _id: 'shared' }, { $inc: { n: 1 } }, { upsert: true })))
    expect(await old.db().collection<{ _id: string; n: number }>('both').findOne({ _id: 'shared' })).toEqual({ _id: 'shared', n: 40 })
    await old.close()
  })

  it('stores, replaces, reads, lists and deletes sessions', async () => {
    const storage = new MongoDBSessionStorage(store.uri, db.databaseName)
    storage.setClientId('app1-client')
    await storage.init()
    await storage.setSession('loc1', { access_token: 'one', refresh_token: 'r1', expires_in: 100 })
    await storage.setSession('loc1', { access_token: 'two', refresh_token: 'r2', expires_in: 100 })
    await storage.setSession('loc2', { access_token: 'three', refresh_token: 'r3', expires_in: 100 })
    expect(await storage.getAccessToken('loc1')).toBe('two')
    expect(await storage.getRefreshToken('loc2')).toBe('r3')
    expect(await storage.getSessionsByApplication()).toHaveLength(2)
    await storage.deleteSession('loc1')
    expect(await storage.getSession('loc1')).toBeNull()
    await storage.disconnect()
    const again = new MongoDBSessionStorage(store.uri, db.databaseName)
    again.setClientId('app1-client')
    await again.init()
    expect(await again.getAccessToken('loc2')).toBe('three')
    await again.disconnect()
  })
})

describe('mongoose', () => {
  interface Person { _id: string; name: string; tags: string[]; address?: { city: string }; scores: Map<string, number>; visits: { at: Date; n: number }[] }
  const schema = new mongoose.Schema<Person>({
    _id: String, name: String, tags: [String], address: new mongoose.Schema({ city: String }, { _id: false }),
    scores: Map, visits: [{ at: Date, n: Number }],
  }, { timestamps: true, optimisticConcurrency: true, autoIndex: false, collection: 'people' }).index({ name: 1 })

  it('creates, saves, queries, upserts and bulk-writes models', async () => {
    const Person = store.connection.model<Person>('Person', schema)
    await Person.createIndexes()
    await Person.createIndexes()
    const ann = await Person.create({ _id: 'ann', name: 'Ann', tags: ['a'], scores: new Map([['x', 1]]), visits: [{ at: new Date(0), n: 1 }] })
    ann.scores.set('y', 2)
    ann.tags.push('b')
    ann.visits.push({ at: new Date(1), n: 2 })
    ann.address = { city: 'Graz' }
    await ann.save()
    const raw = await Person.findById('ann').lean()
    expect(raw).toMatchObject({ name: 'Ann', tags: ['a', 'b'], scores: { x: 1, y: 2 }, address: { city: 'Graz' } })
    expect(raw?.visits.map(({ n }) => n)).toEqual([1, 2])
    const [one, two] = [await Person.findById('ann').orFail(), await Person.findById('ann').orFail()]
    one.name = 'Anna'
    await one.save()
    two.name = 'Anne'
    await expect(two.save()).rejects.toThrow(mongoose.Error.VersionError)
    await Person.insertMany([{ _id: 'bob', name: 'Bob' }, { _id: 'ann', name: 'Again' }], { ordered: false }).catch((error: unknown) => expect(error).toMatchObject({ code: 11000 }))
    const upserted = await Person.findOneAndUpdate({ _id: 'cid' }, { $set: { name: 'Cid' }, $setOnInsert: { tags: ['new'] } }, { upsert: true, returnDocument: 'after', includeResultMetadata: true })
    expect(upserted.lastErrorObject).toMatchObject({ updatedExisting: false, upserted: 'cid' })
    expect(upserted.value?.tags).toEqual(['new'])
    await Person.bulkWrite([
      { updateOne: { filter: { _id: 'bob' }, update: { $addToSet: { tags: 'z' } } } },
      { deleteOne: { filter: { _id: 'cid' } } },
    ])
    expect((await Person.find({ name: /^[AB]/ }).sort({ name: 1 }).select('name').lean()).map(({ name }) => name)).toEqual(['Anna', 'Bob'])
    expect(await Person.countDocuments({ tags: 'z' })).toBe(1)
    expect(await Person.exists({ _id: 'nobody' })).toBeNull()
    expect(await Person.distinct('name')).toEqual(expect.arrayContaining(['Anna', 'Bob']))
    expect(await Person.aggregate([{ $match: {} }, { $group: { _id: null, n: { $sum: 1 } } }])).toEqual([{ _id: null, n: 2 }])
    expect((await Person.syncIndexes())).toEqual([])
  })
})

describe('Agenda', () => {
  it('runs jobs now and on a schedule, one at a time, and takes over an expired lock', async () => {
    const agenda = new Agenda({ backend: new MongoBackend({ mongo: db }), processEvery: 50 })
    let running = 0
    let mostRunning = 0
    const seen: string[] = []
    agenda.define('single', async (job: { attrs: { data: { n: number } } }) => {
      running += 1
      mostRunning = Math.max(mostRunning, running)
      await new Promise((resolve) => setTimeout(resolve, 10))
      running -= 1
      seen.push(`single ${job.attrs.data.n}`)
    }, { concurrency: 1, lockLimit: 1 })
    agenda.define('often', () => void seen.push('often'))
    agenda.define('stuck', () => void seen.push('stuck'), { lockLifetime: 200 })
    await agenda.start()
    await Promise.all([1, 2, 3].map((n) => agenda.now('single', { n })))
    await agenda.every('100 milliseconds', 'often')
    await agenda.every('100 milliseconds', 'often')
    // As if a process had died while it ran the job.
    await agenda.schedule(new Date(Date.now() + 60_000), 'stuck', {})
    await db.collection('agendaJobs').updateOne({ name: 'stuck' }, { $set: { lockedAt: new Date(Date.now() - 10_000), nextRunAt: new Date(Date.now() - 10_000) } })
    const wanted = ['single 1', 'single 2', 'single 3', 'often', 'stuck']
    await until('every kind of job has run', () => wanted.every((name) => seen.includes(name))).catch((error: unknown) => { throw new Error(`${String(error)}; seen: ${seen.join(', ')}`) })
    await agenda.stop()
    expect(mostRunning).toBe(1)
    expect(seen.filter((name) => name.startsWith('single'))).toHaveLength(3)
    expect(await db.collection('agendaJobs').countDocuments({ name: 'often' })).toBe(1)
  })
})
