import type { Connection } from 'mongoose'

/** Creates every index that the connection's models declare. Idempotent; an index that exists with other options is an error. */
export async function ensureIndexes(connection: Connection): Promise<void> {
  for (const model of Object.values(connection.models)) await model.createIndexes()
}
