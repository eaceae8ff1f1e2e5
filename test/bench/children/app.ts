import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import mongoose from 'mongoose'
import type { CommandStartedEvent } from 'mongodb'
import { createApp } from '../../../src/app.ts'
import { productionLimits } from '../../../src/highlevel/index.ts'
import { systemClock } from '../../../src/kernel/clock.ts'
import { readConfig } from '../../../src/kernel/config.ts'
import { createLogger } from '../../../src/kernel/logger.ts'
import { answerQuestions } from '../support/processes.ts'

/** The product's process, composed as `src/main.ts` does it, with its store commands counted and open to questions. */

/** Dirty contacts of one company, as many calls as its quota cannot carry. */
interface Crowd {
  companyId: string
  locationId: string
  count: number
}

const uri = process.env['MONGODB_URI'] ?? ''
const config = readConfig(process.env)
if (config.highlevel === undefined) throw new Error('The bench gives credentials')
const connection = await mongoose
  .createConnection(uri, { autoIndex: false, autoCreate: false, serverSelectionTimeoutMS: 2_000, connectTimeoutMS: 5_000, socketTimeoutMS: 30_000, maxPoolSize: 20, monitorCommands: true })
  .asPromise()

let commands = new Map<string, number>()
/** Collections that `unfinished` counts in. */
const counted = new Set(['inbox', 'answer_work', 'events', 'workflow_steps', 'outbox', 'effect_contacts', 'effect_cards'])
const housekeeping = new Set(['hello', 'ping', 'endSessions', 'isMaster', 'ismaster'])
connection.getClient().on('commandStarted', ({ commandName, command }: CommandStartedEvent) => {
  if (housekeeping.has(commandName)) return
  const collection: unknown = (command as Record<string, unknown>)[commandName]
  // Our own question, not the product's work.
  if (commandName === 'aggregate' && typeof collection === 'string' && counted.has(collection)) return
  const name = `${commandName} ${typeof collection === 'string' ? collection : ''}`.trim()
  commands.set(name, (commands.get(name) ?? 0) + 1)
})

const manifest = JSON.parse(readFileSync(new URL('../../../app-manifest.json', import.meta.url), 'utf8')) as { scopes: { scope: string }[] }
const lifted = process.env['LIFT_LIMITS'] === '1'
const app = createApp({
  config: { ...config, highlevel: config.highlevel },
  connection,
  clock: systemClock,
  logger: createLogger(config.logLevel),
  publicDir: tmpdir(),
  version: 'bench',
  scopes: manifest.scopes.map(({ scope }) => scope),
  sandboxUrl: config.highlevel.apiUrl,
  ...(lifted ? { limits: { ...productionLimits, maxPerWindow: 1_000_000, maxPerDay: 100_000_000, blockSize: 500, maxBlockSize: 5_000 } } : {}),
})
await app.start()
const { services } = app

const server = createServer(app.express)
await new Promise<void>((resolve) => server.listen(config.port, '127.0.0.1', resolve))

answerQuestions(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
  /** Commands since the last question. */
  commands() {
    const counted = Object.fromEntries(commands)
    commands = new Map()
    return counted
  },
  memory() {
    globalThis.gc?.()
    const resources = process.getActiveResourcesInfo()
    const of = (name: RegExp): number => resources.filter((resource) => name.test(resource)).length
    return { heapMb: process.memoryUsage().heapUsed / 1_048_576, timers: of(/^Timeout$/), sockets: of(/Socket|TCP|Pipe/) }
  },
  /** Work that is due now or under way. */
  async unfinished() {
    const [inbox, answers, events, steps, effects] = await Promise.all([
      services.inbox.queue.counts(), services.feedback.queue.counts(), services.events.queue.counts(), services.workflows.queue.counts(), services.effects.counts(),
    ])
    return inbox.pending + inbox.leased + answers.leased + events.pending + events.leased + steps.leased + effects.contacts.dirty + effects.cards.dirty
  },
  async mirrored({ companyId }: { companyId: string }) {
    const { firstDoneAt, running } = await services.accounts.progress(companyId)
    return firstDoneAt !== null && !running
  },
  async crowd({ companyId, locationId, count }: Crowd) {
    for (let index = 0; index < count; index += 1) {
      await services.effects.wantContact({
        companyId,
        identity: {
          subjectId: `user:${locationId}:crowd${index}`, locationId, email: `crowd${index}@busy.example`, firstName: 'Crowd', lastName: String(index), phone: null, companyName: 'Busy',
        },
        fields: { happinessLevel: 'Happy' },
        tags: { happiness: 'happiness: happy' },
      })
    }
  },
})

process.once('SIGTERM', () => {
  server.closeAllConnections()
  server.close()
  app.stop().then(() => connection.close()).then(() => process.exit(0), () => process.exit(1))
})
