import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { CodedError } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { FromWorker, ToWorker, WorkerOptions } from './messages.ts'

export interface EmbeddedStoreOptions {
  /** Folder of the data; made if it is not there, readable by its owner only. */
  dataDir: string
  logger?: Logger
  /** The store has ended by itself: nothing works any more. */
  onFault?: (error: Error) => void
  /** A command failed for a reason that is not the client's. It was undone and answered with an error; the store goes on. */
  onUndone?: (error: Error) => void
  /** How often documents under a TTL index are checked, in milliseconds; a minute by default, as in MongoDB. */
  ttlIntervalMs?: number
}

export interface EmbeddedStore {
  /** Connection string for any MongoDB driver on this machine. */
  uri: string
  dataDir: string
  /** Ends the store after what it is doing; everything acknowledged is on disk already. */
  stop(): Promise<void>
}

/** From source the thread needs the TypeScript loader, which on Node 20 a thread must register for itself; compiled it does not. */
function startWorker(workerData: WorkerOptions): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./worker.js', import.meta.url), { workerData, execArgv: [] })
  // The loader's CommonJS form cannot register itself in a thread; its ESM form lies next to it.
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm/api').replace(/\.cjs$/, '.mjs')).href
  const entry = new URL('./worker.ts', import.meta.url).href
  const code = `import(${JSON.stringify(loader)}).then(({ register }) => { register(); return import(${JSON.stringify(entry)}) })`
  return new Worker(code, { eval: true, workerData, execArgv: [] })
}

/**
 * Starts the embedded store in a thread of its own.
 * @throws CodedError `store_locked` while another process uses the folder, `store_failed` when it cannot be opened
 */
export async function startEmbeddedStore(options: EmbeddedStoreOptions): Promise<EmbeddedStore> {
  const dataDir = resolve(options.dataDir)
  const workerOptions: WorkerOptions = { dataDir, ttlIntervalMs: options.ttlIntervalMs ?? 60_000 }
  const worker = startWorker(workerOptions)
  let stopping = false
  let fail: (error: Error) => void = () => { /* set below, before anything can happen */ }
  const exited = new Promise<void>((settle) => worker.once('exit', () => settle()))
  const onFault = (error: Error): void => {
    options.logger?.error({ err: error }, 'embedded store ended')
    options.onFault?.(error)
  }
  const uri = await new Promise<string>((settle, reject) => {
    fail = reject
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') settle(message.uri)
      else if (message.kind === 'failed') {
        stopping = true
        reject(new CodedError(message.code, message.message, { details: message.details }))
      } else if (message.kind === 'fault') {
        const error = new Error(message.message)
        error.stack = message.stack
        options.logger?.error({ err: error }, 'embedded store undid a command')
        options.onUndone?.(error)
      }
    })
    worker.on('error', (error) => {
      fail(error)
      onFault(error)
    })
    worker.once('exit', (code) => {
      if (stopping) return
      const error = new CodedError('store_failed', `The embedded store ended by itself (exit ${code}).`)
      fail(error)
      onFault(error)
    })
  })
  fail = () => { /* it runs: later errors are faults */ }
  options.logger?.info({ dataDir }, 'embedded store open')
  return {
    uri,
    dataDir,
    async stop() {
      if (!stopping) {
        stopping = true
        const message: ToWorker = { kind: 'stop' }
        worker.postMessage(message)
      }
      await exited
    },
  }
}
