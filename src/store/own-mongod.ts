import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import mongoose from 'mongoose'
import { CodedError, describeError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'

export interface OwnMongodOptions {
  /** Path of a `mongod` binary (`MONGODB_BINARY`). */
  binary: string
  /** Its data folder, created if missing. */
  dataDir: string
  logger: Logger
}

const startDeadlineMs = 30_000

/**
 * Runs a real `mongod` of the user's own on a free loopback port, with durable acknowledgements, until `stop`.
 * @throws CodedError `mongod_failed` with the reason and the fix
 */
export async function startOwnMongod({ binary, dataDir, logger }: OwnMongodOptions): Promise<{ uri: string; stop(): Promise<void> }> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const port = await freePort()
  const child = spawn(binary, ['--dbpath', dataDir, '--port', String(port), '--bind_ip', '127.0.0.1', '--quiet'], { stdio: ['ignore', 'ignore', 'pipe'] })
  let failure: string | undefined
  child.on('error', (error) => {
    failure = error.message
  })
  child.on('exit', (code) => {
    failure ??= `it ended with code ${String(code)}`
  })
  child.stderr.resume()
  const uri = `mongodb://127.0.0.1:${port}/barometer?journal=true`
  const deadline = Date.now() + startDeadlineMs
  for (;;) {
    if (failure !== undefined) throw new CodedError('mongod_failed', `MONGODB_BINARY (${binary}) does not run: ${failure}. Give the path of a mongod, or unset it to use the embedded store.`)
    try {
      const probe = await mongoose.createConnection(uri, { serverSelectionTimeoutMS: 500 }).asPromise()
      await probe.close()
      break
    } catch (error) {
      if (Date.now() > deadline) {
        child.kill('SIGKILL')
        throw new CodedError('mongod_failed', `MONGODB_BINARY (${binary}) did not answer within ${startDeadlineMs / 1_000} s: ${describeError(error).message}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  logger.info({ port, dataDir }, 'mongod is running')
  return {
    uri,
    async stop() {
      if (child.exitCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
