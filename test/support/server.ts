import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedStore } from '../../src/store/index.ts'

/** A running store server for tests. */
export interface TestServer {
  uri: string
  stop(): Promise<void>
}

/** `MONGODB_URI` if set (the same suite then runs on a real MongoDB), else an embedded store in a temporary folder. */
export async function startTestServer(): Promise<TestServer> {
  const given = process.env['MONGODB_URI']
  if (given !== undefined && given !== '') return { uri: given, stop: () => Promise.resolve() }
  const dataDir = await mkdtemp(join(tmpdir(), 'barometer-test-'))
  const store = await startEmbeddedStore({ dataDir })
  return {
    uri: store.uri,
    async stop() {
      await store.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
