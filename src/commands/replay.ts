import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Connection } from 'mongoose'
import { openUnfinishedEffects } from '../effects/index.ts'
import { systemClock } from '../kernel/clock.ts'
import { CodedError, describeError } from '../kernel/errors.ts'
import { queueNames, type QueueName } from '../http/contract/operations.ts'
import { connect, createLeasedQueue } from '../store/index.ts'

const usage = `Usage: npm run replay -- --company <id> --queue <${queueNames.join('|')}> [--key <key>]`

interface Replayable {
  list(companyId: string): Promise<{ key: string; state: string; reason: string | null; error: { code: string } | null }[]>
  replay(companyId: string, key: string): Promise<boolean>
}

const collections: Record<Exclude<QueueName, 'effects'>, string> = { deliveries: 'inbox', answers: 'answer_work', events: 'events', workflow_steps: 'workflow_steps', webhooks: 'webhook_deliveries', marketplace: 'marketplace_firings' }
const listed = { page: 1, pageSize: 200 }

function open(connection: Connection, name: QueueName): Replayable {
  if (name === 'effects') {
    const effects = openUnfinishedEffects({ connection, clock: systemClock })
    return {
      list: async (companyId) => (await effects.status({ companyId, ...listed })).items.filter(({ state }) => state === 'dead' || state === 'held'),
      replay: (companyId, key) => effects.replay(companyId, key),
    }
  }
  const queue = createLeasedQueue(connection, { collection: collections[name], clock: systemClock })
  return {
    list: async (companyId) => (await queue.list({ companyId, states: ['dead', 'held'], ...listed })).items,
    replay: (companyId, key) => queue.replay(companyId, key),
  }
}

async function storeUri(): Promise<string> {
  const given = process.env['MONGODB_URI']
  if (given !== undefined && given !== '') return given
  const file = join(process.env['DATA_DIR'] ?? '.data', 'mongodb.uri')
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    throw new CodedError('store_not_running', `No store to talk to: set MONGODB_URI, or start Barometer first (looked for ${file}).`, { cause: error })
  }
}

async function run(): Promise<void> {
  const { values } = parseArgs({ options: { company: { type: 'string' }, queue: { type: 'string' }, key: { type: 'string' } } })
  const queueName = queueNames.find((name) => name === values.queue)
  const companyId = values.company
  if (companyId === undefined || queueName === undefined) throw new CodedError('usage', usage)
  const connection = await connect(await storeUri())
  try {
    const queue = open(connection, queueName)
    if (values.key === undefined) {
      for (const item of await queue.list(companyId)) process.stdout.write(`${item.state}\t${item.key}\t${item.error?.code ?? item.reason ?? ''}\n`)
      return
    }
    if (await queue.replay(companyId, values.key)) {
      process.stdout.write(`${values.key} is due now.\n`)
      return
    }
    throw new CodedError('not_found', `Nothing dead or waiting has the key ${values.key}. Leave --key out to list what there is.`)
  } finally {
    await connection.close()
  }
}

try {
  await run()
} catch (error) {
  process.stderr.write(`${describeError(error).message}\n`)
  process.exitCode = 1
}
