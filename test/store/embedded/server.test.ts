import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { BSON, Long, MongoClient, type Document } from 'mongodb'
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedStore, type EmbeddedStore } from '../../../src/store/index.ts'
import { until } from '../../support/until.ts'

let dataDir: string
let store: EmbeddedStore
let client: MongoClient
const faults: Error[] = []

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'barometer-server-'))
  store = await startEmbeddedStore({ dataDir, ttlIntervalMs: 50, onFault: (error) => faults.push(error), onUndone: (error) => faults.push(error) })
  client = await new MongoClient(store.uri, { serverSelectionTimeoutMS: 5_000 }).connect()
})

afterAll(async () => {
  await client.close()
  await store.stop()
  await rm(dataDir, { recursive: true, force: true })
  expect(faults).toEqual([])
})

async function codeOf(action: () => Promise<unknown>): Promise<unknown> {
  return action().then(() => undefined, (error: unknown) => (error as { code?: unknown }).code)
}

describe('the store\'s folder', () => {
  it('is readable by its owner only, and holds the connection string', async () => {
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700)
    for (const name of ['mongodb.uri', 'mongodb.sock', 'store.lmdb', 'store.lock']) expect((await stat(join(dataDir, name))).mode & 0o777).toBe(0o600)
    expect((await readFile(join(dataDir, 'mongodb.uri'), 'utf8')).trim()).toBe(store.uri)
  })

  it('belongs to one process: a second start is refused and names the owner', async () => {
    const error = await startEmbeddedStore({ dataDir }).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'store_locked', details: { pid: process.pid } })
    const index = join(import.meta.dirname, '../../../src/store/embedded/index.ts')
    const script = `import { startEmbeddedStore } from ${JSON.stringify(index)}; startEmbeddedStore({ dataDir: ${JSON.stringify(dataDir)} }).then(() => process.exit(0), (error) => { console.log(error.code, error.message); process.exit(3) })`
    const other = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    other.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    expect(await new Promise((resolve) => other.once('close', resolve))).toBe(3)
    expect(output).toContain('store_locked')
    expect(output).toContain(String(process.pid))
  })

  it('is taken over from a process that is dead, also when its number is in use again', async () => {
    const own = await mkdtemp(join(tmpdir(), 'barometer-lock-'))
    const gone = spawn(process.execPath, ['-e', ''])
    await new Promise((resolve) => gone.once('close', resolve))
    for (const owner of [{ pid: gone.pid, startedAt: '', token: 'x' }, { pid: process.pid, startedAt: 'another boot 1', token: 'y' }]) {
      await writeFile(join(own, 'store.lock'), JSON.stringify(owner))
      const taken = await startEmbeddedStore({ dataDir: own })
      await taken.stop()
    }
    await rm(own, { recursive: true })
  })

  it('may have a path that is too long for a socket', async () => {
    const long = join(await mkdtemp(join(tmpdir(), 'barometer-long-')), 'a'.repeat(120))
    const own = await startEmbeddedStore({ dataDir: long })
    const other = await new MongoClient(own.uri).connect()
    expect(await other.db('x').command({ ping: 1 })).toMatchObject({ ok: 1 })
    await other.close()
    await own.stop()
    await rm(long, { recursive: true })
  })

  it('keeps data and indexes when it is opened again', async () => {
    const own = await mkdtemp(join(tmpdir(), 'barometer-again-'))
    for (let round = 0; round < 3; round += 1) {
      const opened = await startEmbeddedStore({ dataDir: own })
      const other = await new MongoClient(opened.uri).connect()
      const docs = other.db('x').collection('docs')
      await docs.createIndex({ a: 1 }, { unique: true, partialFilterExpression: { a: { $gt: 0 } } }, {})
      expect(await codeOf(() => docs.insertOne({ a: 1 }))).toBe(round === 0 ? undefined : 11000)
      expect(await docs.countDocuments()).toBe(1)
      await other.close()
      await opened.stop()
    }
    await rm(own, { recursive: true })
  })
})

describe('the server', () => {
  it('lets concurrent upserts of several clients on a unique key make exactly one document', async () => {
    const clients = await Promise.all(Array.from({ length: 4 }, () => new MongoClient(store.uri).connect()))
    const docs = client.db('race').collection('docs')
    await docs.createIndex({ key: 1 }, { unique: true }, {})
    for (let key = 0; key < 10; key += 1) {
      const results = await Promise.allSettled(Array.from({ length: 40 }, (_, at) => (clients[at % 4] as MongoClient).db('race').collection('docs')
        .updateOne({ key, ...(at % 2 === 0 ? {} : { other: at }) }, { $inc: { n: 1 } }, { upsert: true })))
      for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 11000 })
      const [doc, ...more] = await docs.find({ key }).toArray()
      expect(more).toEqual([])
      expect(doc?.['n']).toBe(results.filter(({ status }) => status === 'fulfilled').length)
    }
    await Promise.all(clients.map((other) => other.close()))
  })

  it('removes documents whose time is over', async () => {
    const docs = client.db('ttl').collection('docs')
    await docs.createIndex({ at: 1 }, { expireAfterSeconds: 10 }, {})
    await docs.insertMany([
      { _id: 1, at: new Date(Date.now() - 60_000) }, { _id: 2, at: new Date() }, { _id: 3, at: 'text' }, { _id: 4 }, { _id: 5, at: [new Date(), new Date(0)] },
    ] as Document[])
    await until('old documents are gone', async () => (await docs.countDocuments()) === 3)
    expect((await docs.find().toArray()).map(({ _id }) => _id as unknown)).toEqual([2, 3, 4])
  })

  it('stops a command at its time limit', async () => {
    const docs = client.db('time').collection('docs')
    await docs.insertMany(Array.from({ length: 20_000 }, (_, n) => ({ n, text: 'some text' })))
    expect(await codeOf(() => docs.find({ text: /nothing$/ }).maxTimeMS(1).toArray())).toBe(50)
    expect(await codeOf(() => docs.updateMany({ text: /text$/ }, { $inc: { n: 1 } }, { maxTimeMS: 1 }))).toBe(50)
    expect(await docs.countDocuments({}, { maxTimeMS: 10_000 })).toBe(20_000)
  })

  it('refuses commands that it does not have, and forgets cursors that were closed', async () => {
    expect(await codeOf(() => client.db('x').command({ nope: 1 }))).toBe(59)
    expect(await codeOf(() => client.db('x').command({ getMore: Long.fromNumber(5), collection: 'docs' }))).toBe(43)
    expect(await codeOf(() => client.db('x').command({ find: 'docs', txnNumber: Long.fromNumber(1), startTransaction: true, autocommit: false }))).toBe(20)
    expect(await codeOf(() => client.db('x').command({ constructor: 1 }))).toBe(59)
    expect(await codeOf(() => client.db('x').collection('docs').insertOne({ text: 'x'.repeat(17 * 1024 * 1024) }))).not.toBeUndefined()
  })

  it('survives bytes that are no message, and messages that lie about their size', async () => {
    const body = BSON.serialize({ ping: 1, $db: 'x' })
    const message = (opCode: number, content: Buffer, length = content.length + 16): Buffer => {
      const head = Buffer.alloc(16)
      head.writeInt32LE(length, 0)
      head.writeInt32LE(opCode, 12)
      return Buffer.concat([head, content])
    }
    const op = (flags: number, ...sections: Buffer[]): Buffer => Buffer.concat([Buffer.from([flags & 0xff, flags >> 8, 0, 0]), ...sections])
    const broken = [
      Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'), Buffer.alloc(64), Buffer.alloc(64, 0xff), message(2013, Buffer.alloc(4), 50_000_000), message(2013, op(0)), message(2013, op(0x40, Buffer.from([0]), Buffer.from(body))),
      message(2013, op(0, Buffer.from([0]), Buffer.from(body.subarray(0, 10)))), message(2013, op(0, Buffer.from([7]), Buffer.from(body))), message(2013, op(0, Buffer.from([0]), Buffer.from(body).fill(0x7f, 4, 12))),
      message(2004, Buffer.from('no end')), message(2012, Buffer.from(body)), message(2013, op(0, Buffer.from([1]), Buffer.from([255, 0, 0, 0]))), message(2013, op(0, Buffer.from([0]), Buffer.from(BSON.serialize({})))),
    ]
    const path = decodeURIComponent(new URL(store.uri).host)
    for (const bytes of broken) {
      const socket: Socket = connect(path)
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.on('error', () => socket.destroy())
      socket.write(bytes)
      socket.resume()
      await closed
    }
    for (let seed = 1; seed <= 200; seed += 1) {
      const bytes = message(2013, op(0, Buffer.from([0]), Buffer.from(BSON.serialize({ find: 'docs', filter: { a: { $gt: 1 } }, $db: 'x' }))))
      for (let flips = 0; flips < 3; flips += 1) bytes[16 + ((seed * 7919 + flips * 104_729) % (bytes.length - 16))] = (seed * 31 + flips * 17) & 0xff
      const socket = connect(path)
      const answered = new Promise((resolve) => {
        socket.once('data', resolve)
        socket.once('close', resolve)
      })
      socket.on('error', () => socket.destroy())
      socket.end(bytes)
      await answered
      socket.destroy()
    }
    expect(await client.db('x').command({ ping: 1 })).toMatchObject({ ok: 1 })
    expect(faults.map(({ stack }) => stack)).toEqual([])
  })

  it('shows which index a query uses', async () => {
    const docs = client.db('explained').collection<{ _id: number; a?: number; b?: number }>('docs')
    await docs.insertMany(Array.from({ length: 100 }, (_, n) => ({ _id: n, a: n % 10, b: n })))
    await docs.createIndex({ a: 1, b: -1 }, {}, {})
    const indexed = await docs.find({ a: 3 }).sort({ b: 1 }).limit(2).explain()
    expect(indexed).toMatchObject({ queryPlanner: { winningPlan: { stage: 'FETCH', inputStage: { stage: 'IXSCAN', indexName: 'a_1_b_-1', direction: 'backward' } } }, executionStats: { totalKeysExamined: 2, totalDocsExamined: 2 } })
    expect(await docs.find({ _id: 3 }).explain()).toMatchObject({ queryPlanner: { winningPlan: { stage: 'IDHACK' } } })
    expect(await docs.find({ b: 3 }).explain()).toMatchObject({ queryPlanner: { winningPlan: { stage: 'COLLSCAN' } } })
    expect(await docs.find({ a: { $in: [1, 2] } }).sort({ b: -1 }).limit(3).explain()).toMatchObject({ executionStats: { totalDocsExamined: 3 } })
  })
})
