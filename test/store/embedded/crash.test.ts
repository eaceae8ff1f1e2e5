import { describe, expect, it } from '@jest/globals'
import { MongoClient } from 'mongodb'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedStore } from '../../../src/store/index.ts'

/** CRASH_ROUNDS=50 npm test -- test/store/embedded/crash */
const rounds = Number(process.env['CRASH_ROUNDS'] ?? 3)

/** What a killed writer had been told was done. */
interface Acknowledged { inserted: Set<string>; updated: Set<string>; deleted: Set<string>; counts: Map<string, number>; total: number }

async function writeUntilKilled(dataDir: string, round: number, acknowledged: Acknowledged): Promise<void> {
  const writer = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'crash-writer/main.ts'), dataDir, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let rest = ''
  let lines = 0
  const killAfter = 300 + Math.floor(Math.random() * 1_500)
  await new Promise<void>((resolve) => {
    writer.stdout.on('data', (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).split('\n')
      rest = parts.pop() ?? ''
      for (const line of parts) {
        const [what, id] = line.split(' ') as [string, string]
        if (what === 'ready') continue
        lines += 1
        acknowledged.total += 1
        if (what === 'insert') acknowledged.inserted.add(id)
        else if (what === 'update') acknowledged.updated.add(id)
        else if (what === 'delete') acknowledged.deleted.add(id)
        else acknowledged.counts.set(id, (acknowledged.counts.get(id) ?? 0) + 1)
      }
      if (lines >= killAfter) writer.kill('SIGKILL')
    })
    writer.once('close', () => resolve())
  })
}

describe('killing the process during parallel writes', () => {
  it('loses no acknowledged write and leaves every index in agreement with the documents', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'barometer-crash-'))
    const acknowledged: Acknowledged = { inserted: new Set(), updated: new Set(), deleted: new Set(), counts: new Map(), total: 0 }
    const table: Record<string, number>[] = []
    for (let round = 1; round <= rounds; round += 1) {
      await writeUntilKilled(dataDir, round, acknowledged)
      // This process takes over the dead one's lock.
      const store = await startEmbeddedStore({ dataDir })
      const client = await new MongoClient(store.uri).connect()
      const docs = client.db('crash').collection<{ _id: string; lane: string; n: number; tags: string[] }>('docs')
      const all = new Map((await docs.find({}, { hint: { $natural: 1 } }).toArray()).map((doc) => [doc._id, doc]))
      const counters = new Map((await client.db('crash').collection<{ _id: string; n: number }>('counters').find().toArray()).map(({ _id, n }) => [_id, n]))
      // A delete or update that was under way when the process died may have happened without having been acknowledged.
      const lost = [...acknowledged.inserted].filter((id) => !all.has(id) && !acknowledged.deleted.has(id) && Number(id.split('-')[2]) % 7 !== 5)
      const unchanged = [...acknowledged.updated].filter((id) => all.has(id) && all.get(id)?.tags[0] !== 'changed')
      const undead = [...acknowledged.deleted].filter((id) => all.has(id))
      const miscounted = [...acknowledged.counts].filter(([lane, n]) => { const found = counters.get(lane) ?? 0; return found < n || found > n + 1 })
      let indexErrors = 0
      const ids = [...all.keys()].sort()
      const by = async (filter: object, hint: object): Promise<string[]> => (await docs.find(filter, { hint, projection: { _id: 1 } }).toArray()).map(({ _id }) => _id).sort()
      if ((await by({ lane: { $gte: '' } }, { lane: 1, n: 1 })).join() !== ids.join()) indexErrors += 1
      if ((await by({ _id: { $gte: '' } }, { _id: 1 })).join() !== ids.join()) indexErrors += 1
      for (const tag of ['new', 'changed', 't0', 't1', 't2', 't3', 't4']) {
        if ((await by({ tags: tag }, { tags: 1 })).join() !== ids.filter((id) => all.get(id)?.tags.includes(tag)).join()) indexErrors += 1
      }
      table.push({ round, acknowledged: acknowledged.total, documents: all.size, lost: lost.length, unchanged: unchanged.length, undead: undead.length, miscounted: miscounted.length, indexErrors })
      await client.close()
      await store.stop()
    }
    await rm(dataDir, { recursive: true })
    process.stdout.write(`${table.map((row) => Object.entries(row).map(([name, value]) => `${name} ${value}`).join(', ')).join('\n')}\n`)
    for (const { lost, unchanged, undead, miscounted, indexErrors } of table) expect({ lost, unchanged, undead, miscounted, indexErrors }).toEqual({ lost: 0, unchanged: 0, undead: 0, miscounted: 0, indexErrors: 0 })
    expect(acknowledged.total).toBeGreaterThan(rounds * 200)
  }, 60_000 * Math.max(2, rounds / 4))
})
