import type { Connection } from 'mongoose'
import { dropRetiredIndexes } from './retired-indexes.ts'

/**
 * Creates every index that the connection's models declare, then drops those that earlier versions of the product left behind.
 * Idempotent; an index that exists with other options is an error.
 */
export async function ensureIndexes(connection: Connection): Promise<void> {
  for (const model of Object.values(connection.models)) await model.createIndexes()
  await dropRetiredIndexes(connection)
}
