import { chmodSync, mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { CodedError } from '../../kernel/errors.ts'
import { systemClock } from '../../kernel/clock.ts'
import { openKv } from './kv.ts'
import { lockStore } from './lock.ts'
import { createStoreServer } from './server.ts'
import type { FromWorker, WorkerOptions } from './messages.ts'

/** Longest path of a unix socket that every platform takes. */
const maxSocketPath = 100

type Address = { kind: 'socket'; path: string; temporaryDir: string | undefined } | { kind: 'tcp' }

function chooseAddress(dataDir: string): Address {
  if (process.platform === 'win32') return { kind: 'tcp' }
  const path = join(dataDir, 'mongodb.sock')
  if (Buffer.byteLength(path) <= maxSocketPath) return { kind: 'socket', path, temporaryDir: undefined }
  const temporaryDir = mkdtempSync(join(tmpdir(), 'barometer-'))
  const shortPath = join(temporaryDir, 'mongodb.sock')
  if (Buffer.byteLength(shortPath) <= maxSocketPath) return { kind: 'socket', path: shortPath, temporaryDir }
  rmSync(temporaryDir, { recursive: true })
  return { kind: 'tcp' }
}

async function run(port: NonNullable<typeof parentPort>, { dataDir, ttlIntervalMs }: WorkerOptions): Promise<void> {
  const send = (message: FromWorker): void => port.postMessage(message)
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  chmodSync(dataDir, 0o700)
  const lock = lockStore(dataDir)
  const kv = openKv(join(dataDir, 'store.lmdb'))
  chmodSync(join(dataDir, 'store.lmdb'), 0o600)
  const storeServer = createStoreServer({
    kv, nowMs: () => systemClock.nowMs(), ttlIntervalMs, onFault: (error) => send({ kind: 'fault', message: error.message, stack: error.stack ?? '' }),
  })
  const { server } = storeServer
  const address = chooseAddress(dataDir)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => { reject(error) })
    if (address.kind === 'tcp') server.listen(0, '127.0.0.1', resolve)
    else {
      // We hold the lock, so a socket that is still there was left behind.
      rmSync(address.path, { force: true })
      server.listen(address.path, resolve)
    }
  })
  let uri: string
  if (address.kind === 'socket') {
    chmodSync(address.path, 0o600)
    uri = `mongodb://${encodeURIComponent(address.path)}/`
  } else {
    const bound = server.address()
    uri = `mongodb://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}/`
  }
  const uriFile = join(dataDir, 'mongodb.uri')
  rmSync(uriFile, { force: true })
  writeFileSync(uriFile, `${uri}\n`, { mode: 0o600 })
  // The only message there is asks the store to end.
  port.once('message', () => {
    void storeServer.close().then(() => {
      rmSync(uriFile, { force: true })
      if (address.kind === 'socket' && address.temporaryDir !== undefined) rmSync(dirname(address.path), { recursive: true, force: true })
      lock.release()
      send({ kind: 'stopped' })
      port.close()
    })
  })
  send({ kind: 'ready', uri })
}

if (parentPort !== null) {
  const port = parentPort
  run(port, workerData as WorkerOptions).catch((error: unknown) => {
    const code = error instanceof CodedError ? error.code : 'store_failed'
    const failed: FromWorker = {
      kind: 'failed', code, message: error instanceof Error ? error.message : String(error), details: error instanceof CodedError ? error.details ?? {} : {},
    }
    port.postMessage(failed)
    port.close()
  })
}
