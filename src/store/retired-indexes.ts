import type { Connection } from 'mongoose'

/** An index that an earlier version of the product made, and that nothing reads any more. */
export interface RetiredIndex {
  collection: string
  name: string
  key: Readonly<Record<string, 1 | -1>>
}

function listIndex(field?: string): RetiredIndex {
  const key = { companyId: 1, listed: 1, ...(field === undefined ? {} : { [field]: 1 }), nameKey: 1 } as const
  return { collection: 'accounts', name: Object.entries(key).map(([part, direction]) => `${part}_${direction}`).join('_'), key }
}

/**
 * Every index that a schema named once and names no more: each costs a write for every change of its collection.
 * Whoever takes an index out of a schema adds it here with the reason. Nothing else is ever dropped: an operator's own indexes stay.
 */
export const retiredIndexes: readonly RetiredIndex[] = [
  // The portfolio's orders, before they ended with `_id`: a page was sorted instead of read off its index.
  listIndex(),
  listIndex('happinessRank'),
  listIndex('healthRank'),
  listIndex('group'),
  listIndex('csm.userId'),
  listIndex('users'),
  listIndex('createdAt'),
  listIndex('happiness.answered'),
  // The grid's, before it told group, mark and owner: a narrowed grid read documents.
  {
    collection: 'accounts', name: 'companyId_1_listed_1_healthRank_1_happinessRank_1_nameKey_1__id_1',
    key: { companyId: 1, listed: 1, healthRank: 1, happinessRank: 1, nameKey: 1, _id: 1 },
  },
]

/** Codes of MongoDB for "no such collection" and "no such index": another process was first. */
const goneCodes = new Set<unknown>([26, 27])

function isGone(error: unknown): boolean {
  return typeof error === 'object' && error !== null && goneCodes.has((error as { code?: unknown }).code)
}

/** Drops what earlier versions left behind, in the collections of the connection's models. @returns `collection.index` of each dropped */
export async function dropRetiredIndexes(connection: Connection, retired: readonly RetiredIndex[] = retiredIndexes): Promise<string[]> {
  const dropped: string[] = []
  for (const model of Object.values(connection.models)) {
    const ours = retired.filter(({ collection }) => collection === model.collection.collectionName)
    if (ours.length === 0) continue
    const wanted = new Set(model.schema.indexes().map(([key]) => JSON.stringify(key)))
    for (const { name, key } of await model.listIndexes()) {
      const pattern = JSON.stringify(key)
      // By name and by key, and never one that a schema names again.
      if (wanted.has(pattern) || !ours.some((one) => one.name === name && JSON.stringify(one.key) === pattern)) continue
      try {
        await model.collection.dropIndex(String(name))
        dropped.push(`${model.collection.collectionName}.${String(name)}`)
      } catch (error) {
        if (!isGone(error)) throw error
      }
    }
  }
  return dropped
}
