import { createServer, type Server, type Socket } from 'node:net'
import { BSONError, Double, Int32 } from 'bson'
import { openCatalog } from './catalog.ts'
import { checkOptions, countOption, type Call, type Command, type Engine } from './commands/command.ts'
import { readCommands } from './commands/read.ts'
import { schemaCommands } from './commands/schema.ts'
import { sessionCommands } from './commands/session.ts'
import { writeCommands } from './commands/write.ts'
import { createCursors } from './cursors.ts'
import { ServerError } from './errors.ts'
import type { Kv } from './kv.ts'
import { createExecution, createQueryRunner } from './query.ts'
import { createRecords } from './records.ts'
import { startSweeper } from './ttl.ts'
import { UnsupportedValueError, type Doc } from './values.ts'
import { answerBytes, createFramer, parseMessage, type Request } from './wire.ts'

export interface StoreServerOptions {
  kv: Kv
  nowMs: () => number
  /** How often expired documents are removed, in milliseconds. */
  ttlIntervalMs: number
  /** A command failed for a reason that is not the client's; it was undone. */
  onFault: (error: Error) => void
}

export interface StoreServer {
  server: Server
  close(): Promise<void>
}

const commands: Record<string, Command> = { ...sessionCommands, ...readCommands, ...writeCommands, ...schemaCommands }

interface Job { request: Request; socket: Socket; connectionId: number }

/** The wire protocol over an open store: everything that arrives in one turn of the event loop is committed together, then answered. */
export function createStoreServer({ kv, nowMs, ttlIntervalMs, onFault }: StoreServerOptions): StoreServer {
  const catalog = openCatalog(kv)
  const engine: Engine = { kv, catalog, records: createRecords(kv, catalog), queries: createQueryRunner(kv), cursors: createCursors(nowMs), nowMs }
  const sockets = new Set<Socket>()
  let connections = 0
  let queue: Job[] = []
  let scheduled = false

  function commandOf(request: Request): Command | undefined {
    return Object.hasOwn(commands, request.name) ? commands[request.name] : undefined
  }

  /** @throws only faults: what the client did wrong becomes an answer */
  function answer({ request, connectionId }: Job): Doc | Buffer {
    try {
      const command = commandOf(request)
      if (command === undefined) throw new ServerError('CommandNotFound', `no such command: '${request.name}'`)
      const maxTimeMs = countOption({ ...bareCall(request, connectionId), execution: createExecution(0, nowMs) }, 'maxTimeMS') ?? 0
      const call: Call = { ...bareCall(request, connectionId), execution: createExecution(maxTimeMs, nowMs) }
      checkOptions(command, call)
      const result = command.run(call)
      return Buffer.isBuffer(result) ? result : { ...result, ok: new Double(1) }
    } catch (error) {
      if (error instanceof UnsupportedValueError) return errorAnswer(new ServerError('BadValue', error.message))
      // Too deep for the decoder, or not BSON at all.
      if (error instanceof BSONError || error instanceof RangeError) return errorAnswer(new ServerError('InvalidBSON', error.message))
      if (!(error instanceof ServerError)) throw error
      return errorAnswer(error)
    }
  }

  function bareCall({ db, name, body, rawDocuments }: Request, connectionId: number): Omit<Call, 'execution'> {
    return { engine, db, name, body, rawDocuments, connectionId }
  }

  function errorAnswer(error: ServerError): Doc {
    return { ok: new Double(0), errmsg: error.message, code: new Int32(error.code), codeName: error.codeName, ...error.extra }
  }

  function faultAnswer(error: unknown): Doc {
    const fault = error instanceof Error ? error : new Error(String(error))
    onFault(fault)
    return errorAnswer(new ServerError('InternalError', `the command failed and was undone: ${fault.message}`))
  }

  function transact<T>(action: () => T): T {
    try {
      return kv.transaction(action)
    } catch (error) {
      // What the catalog learned in the undone transaction is forgotten with it.
      catalog.reload()
      throw error
    }
  }

  /** Runs writing commands in one transaction; after a fault each again in its own, so that only the guilty one fails. */
  function answerWrites(jobs: Job[]): (Doc | Buffer)[] {
    try {
      return transact(() => jobs.map((job) => answer(job)))
    } catch (error) {
      if (jobs.length === 1) return [faultAnswer(error)]
      return jobs.map((job) => {
        try {
          return transact(() => answer(job))
        } catch (fault) {
          return faultAnswer(fault)
        }
      })
    }
  }

  function answerRead(job: Job): Doc | Buffer {
    try {
      return answer(job)
    } catch (fault) {
      return faultAnswer(fault)
    }
  }

  function flush(): void {
    scheduled = false
    const jobs = queue
    queue = []
    const writes = jobs.filter(({ request }) => commandOf(request)?.writes === true)
    const reads = jobs.filter(({ request }) => commandOf(request)?.writes !== true)
    if (writes.length > 0) {
      const answers = answerWrites(writes)
      writes.forEach((job, at) => reply(job, answers[at] as Doc | Buffer))
    }
    if (reads.length > 0) kv.refresh()
    for (const job of reads) reply(job, answerRead(job))
  }

  function reply({ request, socket }: Job, result: Doc | Buffer): void {
    if (!request.silent && !socket.destroyed) socket.write(answerBytes(request, result))
  }

  const server = createServer({ noDelay: true }, (socket) => {
    connections += 1
    const connectionId = connections
    const framer = createFramer()
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // A client that goes away is no fault of the store.
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      try {
        for (const message of framer.push(chunk)) queue.push({ request: parseMessage(message), socket, connectionId })
      } catch {
        // Not the protocol, or not a document: nothing that could be answered.
        socket.destroy()
        return
      }
      if (scheduled || queue.length === 0) return
      scheduled = true
      setImmediate(flush)
    })
  })
  const sweeper = startSweeper({ engine, transact, intervalMs: ttlIntervalMs, onFault })

  return {
    server,
    async close() {
      sweeper.stop()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
      await kv.close()
    },
  }
}
