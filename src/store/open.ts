import { join } from 'node:path'
import mongoose, { type Connection } from 'mongoose'
import type { Logger } from '../kernel/logger.ts'
import { mendDriver } from './mend-driver.ts'
import { startEmbeddedStore } from './embedded/index.ts'
import { startOwnMongod } from './own-mongod.ts'

/** An open database and how it is kept. */
export interface Store {
  connection: Connection
  uri: string
  kind: 'mongodb' | 'own-mongod' | 'embedded'
  /** Closes the connection, then stops a server that was started for it. */
  close(): Promise<void>
}

export interface OpenStoreOptions {
  mongodbUri: string | undefined
  mongodbBinary: string | undefined
  dataDir: string
  logger: Logger
  /** The embedded store died: the process must not go on. */
  onFault(error: Error): void
}

interface RunningServer {
  uri: string
  stop(): Promise<void>
}

/**
 * Opens the database: `MONGODB_URI` if set, else a `mongod` run from `MONGODB_BINARY` in the data folder, else the embedded
 * store in the data folder.
 * @throws CodedError `store_locked` if another process has the data folder, `mongod_failed` if the binary does not start
 */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const { kind, server } = await chooseServer(options)
  try {
    const connection = await connect(server.uri)
    return {
      connection,
      uri: server.uri,
      kind,
      async close() {
        await connection.close()
        await server.stop()
      },
    }
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** Connects with the settings that every part of the product counts on. */
export async function connect(uri: string, dbName?: string): Promise<Connection> {
  mendDriver()
  return mongoose
    .createConnection(uri, {
      autoIndex: false,
      autoCreate: false,
      // A store that does not answer must turn into an honest "try again" for the sender while it still waits.
      serverSelectionTimeoutMS: 2_000,
      connectTimeoutMS: 5_000,
      socketTimeoutMS: 30_000,
      maxPoolSize: 20,
      ...(dbName === undefined ? databaseFallback(uri) : { dbName }),
    })
    .asPromise()
}

function databaseFallback(uri: string): { dbName?: string } {
  return /^mongodb(\+srv)?:\/\/[^/]+\/[^?]+/.test(uri) ? {} : { dbName: 'barometer' }
}

async function chooseServer(options: OpenStoreOptions): Promise<{ kind: Store['kind']; server: RunningServer }> {
  if (options.mongodbUri !== undefined) return { kind: 'mongodb', server: { uri: options.mongodbUri, stop: () => Promise.resolve() } }
  if (options.mongodbBinary !== undefined) {
    return { kind: 'own-mongod', server: await startOwnMongod({ binary: options.mongodbBinary, dataDir: join(options.dataDir, 'mongod'), logger: options.logger }) }
  }
  return { kind: 'embedded', server: await startEmbeddedStore({ dataDir: options.dataDir, logger: options.logger, onFault: (error) => options.onFault(error) }) }
}
