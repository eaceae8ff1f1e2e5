import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { Schema } from 'mongoose'
import { accountModels } from '../../src/accounts/model.ts'
import { dropRetiredIndexes, retiredIndexes } from '../../src/store/retired-indexes.ts'
import { openTestStore, type TestStore } from '../support/store.ts'

describe('indexes of a database that an earlier version made', () => {
  let store: TestStore
  beforeEach(async () => {
    store = await openTestStore()
  })
  afterEach(() => store.close())

  const namesOf = async (collection: string): Promise<string[]> => (await store.connection.collection(collection).listIndexes().toArray()).map((index) => String(index['name'])).sort()

  it('are dropped where no schema names them any more; the schema\'s and other people\'s stay', async () => {
    accountModels(store.connection)
    const accounts = store.connection.collection('accounts')
    for (const { key, name } of retiredIndexes) await accounts.createIndex(key, { name }, {})
    await accounts.createIndex({ companyId: 1, listed: 1, revenue: 1 }, { name: 'somebody_elses' }, {})
    expect(retiredIndexes.length).toBeGreaterThan(0)
    await store.ensureIndexes()
    const after = await namesOf('accounts')
    expect(after).toContain('somebody_elses')
    for (const { name } of retiredIndexes) expect(after).not.toContain(name)
    expect(after).toContain('companyId_1_listed_1_nameKey_1__id_1')
    expect(await dropRetiredIndexes(store.connection)).toEqual([])
    await store.ensureIndexes()
    expect(await namesOf('accounts')).toEqual(after)
  })

  it('are dropped by name and key together, never one that a schema names again, nor in a collection that is not ours', async () => {
    const { connection } = store
    const schema = new Schema({ a: Number, b: Number, c: Number }, { autoIndex: false })
    schema.index({ c: 1 })
    connection.model('Thing', schema, 'things')
    await connection.collection('things').createIndex({ a: 1, b: 1 }, { name: 'a_1' }, {})
    await connection.collection('things').createIndex({ b: 1 }, {}, {})
    await connection.collection('foreign').createIndex({ b: 1 }, {}, {})
    await store.ensureIndexes()
    const retired = [
      { collection: 'things', name: 'a_1', key: { a: 1 } },
      { collection: 'things', name: 'b_1', key: { b: 1 } },
      { collection: 'things', name: 'c_1', key: { c: 1 } },
      { collection: 'foreign', name: 'b_1', key: { b: 1 } },
    ] as const
    expect(await dropRetiredIndexes(connection, retired)).toEqual(['things.b_1'])
    expect(await namesOf('things')).toEqual(['_id_', 'a_1', 'c_1'])
    expect(await namesOf('foreign')).toEqual(['_id_', 'b_1'])
  })

  it('are dropped by two processes at once', async () => {
    accountModels(store.connection)
    const other = await store.another()
    accountModels(other)
    for (const { key, name } of retiredIndexes) await store.connection.collection('accounts').createIndex(key, { name }, {})
    await store.ensureIndexes()
    for (const { key, name } of retiredIndexes) await store.connection.collection('accounts').createIndex(key, { name }, {})
    const dropped = await Promise.all([dropRetiredIndexes(store.connection), dropRetiredIndexes(other)])
    expect(new Set(dropped.flat()).size).toBe(retiredIndexes.length)
  })
})
