import { MongoClient } from 'mongodb'
import { startEmbeddedStore } from '../../../../src/store/index.ts'

/**
 * A process to be killed: opens the store in the folder it is given and writes in parallel without end. Every acknowledged write is
 * told to the parent on standard output before the next one of its lane begins.
 */
const [dataDir, round] = process.argv.slice(2) as [string, string]
const store = await startEmbeddedStore({ dataDir })
const client = await new MongoClient(store.uri, { maxPoolSize: 24 }).connect()
const docs = client.db('crash').collection<{ _id: string; lane: string; n: number; tags: string[] }>('docs')
const counters = client.db('crash').collection<{ _id: string; n: number }>('counters')
await docs.createIndex({ lane: 1, n: 1 }, { unique: true }, {})
await docs.createIndex({ tags: 1 }, {}, {})

const tell = (line: string): void => void process.stdout.write(`${line}\n`)
tell('ready')

await Promise.all(Array.from({ length: 24 }, async (_, at) => {
  const lane = `${round}-${at}`
  for (let n = 0; ; n += 1) {
    const _id = `${lane}-${n}`
    await docs.insertOne({ _id, lane, n, tags: ['new', `t${n % 5}`] })
    tell(`insert ${_id}`)
    await counters.updateOne({ _id: lane }, { $inc: { n: 1 } }, { upsert: true })
    tell(`count ${lane}`)
    if (n % 3 === 0) {
      await docs.updateOne({ lane, n }, { $set: { tags: ['changed'] } })
      tell(`update ${_id}`)
    }
    if (n % 7 === 6) {
      await docs.deleteOne({ _id: `${lane}-${n - 1}` })
      tell(`delete ${lane}-${n - 1}`)
    }
  }
}))
