import { healthLabels, healthLevels, type HealthLevel } from '../../../src/kernel/levels.ts'
import type { FaultPoint } from '../../../src/kernel/fault-point.ts'
import type { Contact, Delivery, Opportunity } from '../../sandbox/index.ts'
import { productionLimits } from '../../../src/highlevel/budget-rules.ts'
import { startProduct, type Client, type Process, type Product } from '../../support/product.ts'
import { createRunningClock, type RunningClock } from './running-clock.ts'

/** Numbers from a seed: the same seed gives the same choices. */
export function diceOf(seed: number) {
  let state = (seed * 2_654_435_761) >>> 0
  const roll = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (count: number): number => Math.floor(roll() * count)
  return { roll, below, pick: <T>(items: readonly T[]): T => items[below(items.length)]! }
}

export const levelOfLabel = (label: unknown): HealthLevel | null => healthLevels.find((level) => healthLabels[level] === label) ?? null

/** The product and the stand-in on one clock, with webhooks that wait until the test delivers them, and a process that can be killed. */
export interface World {
  product: Product
  clock: RunningClock
  headquartersId: string
  /** The process that runs now. */
  running(): Process
  admin(): Client
  /** From here on processes may be killed, and news arrives when the test delivers it. */
  begin(): Promise<void>
  /** Starts another process if the last one was killed. */
  alive(): Promise<void>
  /** Ends the process as a crash does: no store, no clean-up; another one goes on with the same store. */
  crash(): Promise<void>
  /** The running process crashes when it passes a point for the n-th time. */
  arm(point: string, nth: number): void
  disarm(): void
  /** Deliveries that nobody attempted yet, oldest first. */
  waiting(): Delivery[]
  /** Sends a delivery as it is, once more or for the first time. @returns whether the product took it */
  deliver(delivery: Delivery): Promise<boolean>
  /** The same news under another id: no key tells that it was here before. */
  deliverAsNew(delivery: Delivery): Promise<void>
  /** Delivers everything and goes on until there is nothing left to do, leases of the dead included. */
  settle(): Promise<void>
  contactsOf(locationId: string): Contact[]
  fieldOf(contact: Contact): string
  healthTagsOf(contact: Contact): string[]
  cardsOf(locationId: string): (Opportunity & { level: HealthLevel | null })[]
  /**
   * Whether a write is under way that brings this level to the contact or card, or one of which nobody will ever know whether it arrived:
   * a person who does the same in these moments cannot be told apart from it (decision 006).
   */
  isBringing(crmId: string, level: HealthLevel): Promise<boolean>
  /**
   * Whether the product began, after nothing was seen under way, to write the level that a person set on the contact or card in the same seconds:
   * the two cannot be told apart (decision 006).
   */
  crossed(crmId: string, level: HealthLevel, lookedAt: Date, doneAt: Date): Promise<boolean>
  /** What the product knows of an account's status since an instant, for whoever looks for the reason of a failure. */
  factsOf(locationId: string, since: Date): Promise<string[]>
  /** Calls on contacts and cards since the last reset; tasks and notes of follow-ups, and looks at the set-up, are not the status. */
  crmCalls(): string[]
  stop(): Promise<void>
}

/** A write of which nobody knows the end is taken to have lasted this long. */
const unknownEndMs = 2 * 60_000
/** How far the clocks of the product and HighLevel may be apart. */
const clockSkewMs = 5_000

export async function createWorld(options: { accounts: number; usersPerAccount: number }): Promise<World> {
  const clock = createRunningClock(new Date('2026-11-02T09:00:00Z'))
  let armed: { point: string; left: number } | null = null
  let dying: Promise<void> | null = null
  const faultPoint: FaultPoint = (name) => {
    if (armed?.point !== name || --armed.left > 0) return
    armed = null
    void kill()
    throw new Error(`The process died at ${name}`)
  }
  const product = await startProduct({
    clock, faultPoint,
    sandbox: { seed: { accounts: options.accounts, usersPerAccount: options.usersPerAccount }, unknownOption: 'store', limits: { burstMax: 100_000, dailyMax: 10_000_000 } },
    // How much may be sent is not what this is about.
    limits: { ...productionLimits, maxPerWindow: 100_000, maxPerDay: 10_000_000 },
  })
  const { sandbox } = product
  const { headquartersId } = await product.setUp()
  // The first process keeps the connection by which the store is removed in the end: it only sets up, and may not be killed.
  let current: Process = product
  const dead: Promise<unknown>[] = []
  const attempted = new Set<string>()

  function kill(): Promise<void> {
    dying ??= (async () => {
      const victim = current
      await victim.connection.close(true)
      dead.push(victim.stop().catch((error: unknown) => error))
    })()
    return dying
  }

  async function revive(): Promise<void> {
    if (dying === null) return
    await dying
    current = await product.another()
    sandbox.settings.app.webhookUrl = `${current.url}/webhooks/highlevel`
    dying = null
  }

  const fieldId = () => sandbox.state.fields.by('location', headquartersId).find((field) => field.name === 'Health Status')!.id
  const pipeline = () => sandbox.state.pipelines.by('location', headquartersId).find((one) => one.name === 'Company Health Status')!

  /** The product's own names of a contact or card; by the connection that no crash cuts off. */
  async function targetsOf(crmId: string): Promise<string[]> {
    const contacts = await product.connection.collection<{ _id: string }>('effect_contacts').find({ contactId: crmId }).toArray()
    const cards = await product.connection.collection<{ _id: string }>('effect_cards').find({ $or: [{ opportunityId: crmId }, { opportunityId: null, createBegunAt: { $ne: null } }] }).toArray()
    return [...contacts.map(({ _id }) => `contact:${_id}`), ...cards.map(({ _id }) => `card:${_id}`)]
  }
  const wrote = async (fact: Record<string, unknown>): Promise<boolean> =>
    (await product.connection.collection('health_readings').countDocuments({ facts: { $elemMatch: { kind: 'wrote', ...fact } } })) > 0

  const world: World = {
    product,
    clock,
    headquartersId,
    running: () => current,
    admin: () => product.as({ userId: sandbox.company().admin.id }, current.url),
    async begin() {
      await product.app.stop()
      dying = Promise.resolve()
      await revive()
      sandbox.settings.webhooks.enabled = false
    },
    alive: revive,
    async crash() {
      await kill()
      await revive()
    },
    arm(point, nth) {
      armed = { point, left: nth }
    },
    disarm() {
      armed = null
    },
    waiting: () => sandbox.pendingDeliveries().filter((delivery) => !attempted.has(delivery.webhookId)),
    async deliver({ webhookId, body, signature }) {
      await revive()
      attempted.add(webhookId)
      try {
        const { status } = await sandbox.deliver({ body, headers: { 'content-type': 'application/json', 'x-ghl-signature': signature } })
        return status === 200
      } catch {
        // Nobody is there: it stays with HighLevel, which tries again.
        return false
      }
    },
    async deliverAsNew({ body }) {
      await revive()
      const { webhookId: _id, timestamp, ...members } = JSON.parse(body) as { webhookId: string; timestamp: string; type: string }
      await sandbox.deliver(sandbox.webhook(members, { timestamp }))
    },
    async settle() {
      armed = null
      await revive()
      for (let quiet = 0, turns = 0; quiet < 2; turns += 1) {
        if (turns > 120) throw new Error(`There is always more to do: ${JSON.stringify(await countsOf(current))}`)
        for (let round = 0; round < 5 && sandbox.pendingDeliveries().length > 0; round += 1) await sandbox.flushWebhooks({ untilDelivered: true })
        const { services } = current.app
        await Promise.all(services.pumps.map((pump) => pump.drain()))
        await services.health.sweep(100)
        await services.health.idle()
        clock.advanceMs(turns < 4 ? 2_500 : 31_000)
        const busy = sandbox.pendingDeliveries().length + Object.values(await countsOf(current)).reduce((sum, count) => sum + count, 0)
        quiet = busy === 0 ? quiet + 1 : 0
      }
    },
    contactsOf(locationId) {
      const emails = new Set(sandbox.accountUsersOf(locationId).map((user) => user.email))
      return sandbox.state.contacts.by('location', headquartersId).filter((contact) => emails.has(contact.email))
    },
    fieldOf(contact) {
      const value = contact.customFields.find((field) => field.id === fieldId())?.value
      return typeof value === 'string' ? value : ''
    },
    healthTagsOf: (contact) => contact.tags.filter((tag) => tag.startsWith('health: ')),
    cardsOf(locationId) {
      const ids = new Set(world.contactsOf(locationId).map((contact) => contact.id))
      const stages = new Map(pipeline().stages.map((stage) => [stage.id, levelOfLabel(stage.name)]))
      const name = sandbox.state.locations.get(locationId)!.name
      return sandbox.state.opportunities.values()
        .filter((card) => ids.has(card.contactId) && card.name === name)
        .map((card) => ({ ...card, level: card.pipelineId === pipeline().id ? (stages.get(card.pipelineStageId) ?? null) : null }))
    },
    async isBringing(crmId, level) {
      const since = new Date(clock.nowMs() - unknownEndMs)
      return wrote({ toAt: null, shown: level, target: { $in: await targetsOf(crmId) }, at: { $gt: since } })
    },
    async crossed(crmId, level, lookedAt, doneAt) {
      return wrote({ shown: level, target: { $in: await targetsOf(crmId) }, at: { $gte: lookedAt, $lte: new Date(doneAt.getTime() + clockSkewMs) } })
    },
    async factsOf(locationId, since) {
      type Fact = { kind: string; at: Date; target?: string; shown?: string; level?: string; source?: string; toAt?: Date | null }
      const record = await product.connection.collection<{ facts: Fact[] }>('health_readings').findOne({ locationId })
      return (record?.facts ?? [])
        .filter((fact) => fact.at >= since)
        .sort((a, b) => a.at.getTime() - b.at.getTime())
        .map(({ kind, at, target = '', shown = '', level = '', source = '', toAt }) =>
          ['  ' + at.toISOString(), toAt?.toISOString().slice(17) ?? '', kind, target.slice(0, 14), shown, level, source].filter((part) => part !== '').join(' '))
    },
    crmCalls: () => sandbox.calls.filter((call) => /^\/(contacts|opportunities)/.test(call.path) && !/\/(tasks|notes|pipelines)/.test(call.path)).map((call) => `${call.method} ${call.path}`),
    async stop() {
      await Promise.all(dead)
      if (current !== product) await current.stop()
      await product.stop()
    },
  }
  return world
}

async function countsOf({ app: { services }, connection }: Process): Promise<Record<string, number>> {
  const [inbox, answers, events, effects, readings] = await Promise.all([
    services.inbox.queue.counts(), services.feedback.queue.counts(), services.events.queue.counts(), services.effects.counts(),
    connection.collection('health_readings').countDocuments({ unappliedSince: { $ne: null } }),
  ])
  return {
    inbox: inbox.pending + inbox.leased, answers: answers.pending + answers.leased, events: events.pending + events.leased,
    contacts: effects.contacts.dirty + effects.contacts.held, cards: effects.cards.dirty + effects.cards.held, readings,
  }
}
