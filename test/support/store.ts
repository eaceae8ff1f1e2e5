import mongoose, { type Connection } from 'mongoose'
import { randomBytes } from 'node:crypto'
import { ensureIndexes } from '../../src/store/index.ts'

/** A connection to a fresh, empty database on the server that the run started. */
export interface TestStore {
  connection: Connection
  uri: string
  /** Creates the indexes of all models that are defined on the connection so far. */
  ensureIndexes(): Promise<void>
  /** A second, independent connection to the same database: "another process". */
  another(): Promise<Connection>
  close(): Promise<void>
}

/** @throws if the run has no server, which means the global setup did not run */
export async function openTestStore(): Promise<TestStore> {
  const server = process.env['TEST_MONGODB_URI']
  if (server === undefined) throw new Error('TEST_MONGODB_URI is not set: run tests through npm test')
  const dbName = `test_${randomBytes(6).toString('hex')}`
  const options = { dbName, autoIndex: false, serverSelectionTimeoutMS: 5_000 }
  const connection = await mongoose.createConnection(server, options).asPromise()
  const others: Connection[] = []
  return {
    connection,
    uri: withDatabase(server, dbName),
    ensureIndexes: () => ensureIndexes(connection),
    async another() {
      const other = await mongoose.createConnection(server, options).asPromise()
      others.push(other)
      return other
    },
    async close() {
      await connection.dropDatabase()
      await Promise.all([connection, ...others].map((open) => open.close()))
    },
  }
}

function withDatabase(uri: string, dbName: string): string {
  const [base, query] = uri.split('?')
  const root = (base ?? uri).replace(/^(mongodb(?:\+srv)?:\/\/[^/]+)\/?.*$/, '$1')
  return `${root}/${dbName}${query === undefined ? '' : `?${query}`}`
}
