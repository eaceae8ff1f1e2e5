import { randomBytes } from 'node:crypto'
import type { Connection } from 'mongoose'

/** Records of one account, by collection, as the product itself wrote them; copies differ in their ids, names and addresses only. */
const collections = ['accounts', 'users', 'answers', 'happiness_readings', 'effect_contacts', 'effect_cards'] as const
const batchSize = 500

/**
 * Adds accounts by copying what the product stored for a real one, straight into the store: installing 10,000 sub-accounts through the platform's
 * API would take hours at its quotas. `offset` is the number of the first copy. Every string in the copies that holds one of the model's ids gets an id of its own.
 */
export async function addAccounts(connection: Connection, model: { companyId: string; locationId: string; emails: string[] }, count: number, offset: number): Promise<void> {
  const found = await Promise.all(
    collections.map(async (name) => ({ name, records: await connection.collection(name).find({ companyId: model.companyId }).toArray() })),
  )
  const ofModel = found.map(({ name, records }) => ({ name, records: records.filter((record) => JSON.stringify(record).includes(model.locationId)) }))
  const users = ofModel.find(({ name }) => name === 'users')?.records ?? []
  const userIds = users.map((user) => String((user as { userId?: unknown }).userId)).filter((id) => !id.startsWith('undefined'))
  const customers = userIds.filter((id) => users.some((user) => (user as { userId?: unknown; staff?: unknown }).userId === id && (user as { staff?: unknown }).staff !== true))
  for (const { name, records } of ofModel) {
    let batch: Record<string, unknown>[] = []
    const copied = name === 'users' ? records.filter((record) => customers.includes(String((record as { userId?: unknown }).userId))) : records
    for (let index = 0; index < count; index += 1) {
      const suffix = (offset + index).toString(36).padStart(4, '0')
      const replacements = new Map([[model.locationId, `${model.locationId.slice(0, -4)}${suffix}`], ...customers.map((id) => [id, `${id.slice(0, -4)}${suffix}`] as const), ...model.emails.map((email) => [email, `${suffix}.${email}`] as const)])
      for (const record of copied) batch.push(copyOf(record, replacements, suffix, name))
      if (batch.length >= batchSize || index === count - 1) {
        if (batch.length > 0) await connection.collection(name).insertMany(batch, { ordered: false })
        batch = []
      }
    }
  }
}

function copyOf(record: object, replacements: ReadonlyMap<string, string>, suffix: string, collection: string): Record<string, unknown> {
  const copy = replaced(record, replacements) as Record<string, unknown>
  const same = copy['_id'] === (record as { _id?: unknown })._id
  // Keys that are hashes of ids say nothing: any unique key does.
  if (same) copy['_id'] = typeof copy['_id'] === 'string' ? `${copy['_id'].slice(0, -8)}${randomBytes(6).toString('hex')}` : undefined
  if (copy['_id'] === undefined) delete copy['_id']
  if (collection === 'accounts') {
    copy['name'] = `Account ${suffix}`
    copy['nameKey'] = `account ${suffix}`
    copy['createdAt'] = new Date(Date.UTC(2025, 0, 1) + parseInt(suffix, 36) * 60_000)
  }
  for (const member of ['contactId', 'opportunityId']) if (typeof copy[member] === 'string') copy[member] = `${copy[member].slice(0, -4)}${suffix}`
  if (typeof copy['idempotencyKey'] === 'string') copy['idempotencyKey'] = `${copy['idempotencyKey']}-${suffix}`
  return copy
}

function replaced(value: unknown, replacements: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') {
    let text = value
    for (const [from, to] of replacements) text = text.replaceAll(from, to)
    return text
  }
  if (Array.isArray(value)) return value.map((item) => replaced(item, replacements))
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, replaced(member, replacements)]))
}
