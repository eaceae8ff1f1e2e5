import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { healthLabels, healthLevels, type HealthLevel } from '../../src/kernel/levels.ts'
import type { Delivery } from '../sandbox/index.ts'
import { createWorld, diceOf, levelOfLabel, type World } from './support/agreement.ts'

/** More by hand: HEALTH_SEEDS=400 HEALTH_STEPS=60 HEALTH_FIRST_SEED=1. */
const seeds = Number(process.env['HEALTH_SEEDS'] ?? 3)
const steps = Number(process.env['HEALTH_STEPS'] ?? 25)
const firstSeed = Number(process.env['HEALTH_FIRST_SEED'] ?? 1)
const accountCount = 6

let world: World
let accountIds: string[]
let foreignPipelineId: string

beforeAll(async () => {
  world = await createWorld({ accounts: accountCount + 1, usersPerAccount: 2 })
  const { product, headquartersId } = world
  const { sandbox } = product
  foreignPipelineId = sandbox.state.pipelines.by('location', headquartersId).find((pipeline) => pipeline.name === 'Sales')!.id
  accountIds = []
  for (let index = 0; index <= accountCount; index += 1) {
    const { locationId, userIds } = await product.enableFeedback(index)
    for (const userId of userIds) expect((await product.answer({ locationId, userId }, 'happy')).status).toBe(201)
    accountIds.push(locationId)
  }
  expect((await product.admin().send('PATCH', '/api/settings', { crm: { recreateDeletedCards: true } })).status).toBe(200)
  await product.settled()
  await world.settle()
  await world.begin()
}, 120_000)

afterAll(() => world.stop())

/** What is said last by a person, in their own order, wins: no more is needed to know how it must end. */
interface Oracle {
  /** What held before. */
  earlier: HealthLevel | null
  level: HealthLevel | null
  said: Saying[]
}

/** A level that somebody set; with the contact or card where they did and the instant, when it was done in HighLevel itself. */
interface Saying { level: HealthLevel; crm?: { id: string; lookedAt: Date; at: Date } }

function says(oracle: Oracle, level: HealthLevel, crm?: Saying['crm']): void {
  oracle.said.push({ level, ...(crm && { crm }) })
  oracle.level = level
}

/**
 * Every level that the account may have come to have, oldest first. Where somebody set in HighLevel exactly what the product began to write there in
 * these seconds, the two cannot be told apart (decision 006), and both outcomes are right. The first one takes everything as said.
 */
async function outcomesOf(oracle: Oracle): Promise<HealthLevel[][]> {
  let outcomes: HealthLevel[][] = [[]]
  for (const { level, crm } of oracle.said) {
    const taken = outcomes.map((levels) => ((levels.at(-1) ?? oracle.earlier) === level ? levels : [...levels, level]))
    const either = crm !== undefined && (await world.crossed(crm.id, level, crm.lookedAt, crm.at)) ? [...taken, ...outcomes] : taken
    outcomes = [...new Map(either.map((levels) => [levels.join(), levels])).values()]
  }
  return outcomes
}

/** Deliveries that name one of the account's contacts or cards. */
function newsOf(deliveries: readonly Delivery[], locationId: string): Delivery[] {
  const ids = [...world.contactsOf(locationId), ...world.cardsOf(locationId)].map(({ id }) => id)
  return deliveries.filter(({ body }) => ids.some((id) => body.includes(id)))
}

interface Item { level: HealthLevel; at: string; source: string; changeId: string; overtaken: boolean }

/** A setting to the level that a late edit had brought before is a confirmation by then; what it was taken for stays in history, marked as overtaken. */
function levelsOf(history: readonly Item[]): HealthLevel[] {
  return history.filter((item, index) => !(item.overtaken && item.level === history[index - 1]?.level)).map(({ level }) => level)
}

async function historyOf(locationId: string): Promise<Item[]> {
  const { body } = await world.admin().get(`/api/accounts/${locationId}/health/history?pageSize=200`)
  return (body.items as Item[]).toReversed()
}

/** One person after another does something, while news comes late, twice or not yet, and processes die. @returns what was done, for the one who looks for the reason */
async function live(seed: number, locationId: string, otherId: string, oracle: Oracle, log: string[]): Promise<void> {
  const dice = diceOf(seed)
  const { clock, product: { sandbox } } = world
  const past: Delivery[] = []

  async function page(path: string, method: 'GET' | 'PUT' | 'POST', body?: unknown): Promise<any> {
    for (let tries = 0; tries < 4; tries += 1) {
      try {
        await world.alive()
        const reply = method === 'GET' ? await world.admin().get(path) : await world.admin().send(method, path, body)
        if (reply.status < 500) return reply
      } catch (error) {
        log.push(`  no answer: ${String(error)}`)
      }
      // Whoever gets no answer asks again, with the same key.
      await world.crash()
    }
    throw new Error(`No answer to ${path}`)
  }

  const acts: [weight: number, name: string, act: () => Promise<string | null>][] = [
    [4, 'page', async () => {
      const level = dice.pick(healthLevels)
      const idempotencyKey = `key-${seed}-${Math.floor(dice.roll() * 1e9)}`
      const reply = await page(`/api/accounts/${locationId}/health`, 'PUT', { level, note: 'Talked to them today.', idempotencyKey })
      if (reply.status !== 200) throw new Error(`Setting answered ${reply.status}: ${JSON.stringify(reply.body)}`)
      says(oracle, level)
      return level
    }],
    [1, 'bulk', async () => {
      const level = dice.pick(healthLevels)
      const idempotencyKey = `key-${seed}-${Math.floor(dice.roll() * 1e9)}`
      const reply = await page('/api/accounts/bulk', 'POST', { action: 'set_health', locationIds: [locationId, otherId], level, note: 'One note for both.', idempotencyKey })
      if (reply.body.failed !== 0) throw new Error(`Bulk answered ${JSON.stringify(reply.body)}`)
      says(oracle, level)
      return level
    }],
    [1, 'undo', async () => {
      const before = (await page(`/api/accounts/${locationId}`, 'GET')).body.health as { changeId: string | null }
      const reply = await page(`/api/accounts/${locationId}/health/undo`, 'POST', { changeId: before.changeId ?? 'none' })
      if (reply.status !== 200) return `refused: ${String(reply.body.error.code)}`
      says(oracle, reply.body.level)
      return String(reply.body.level)
    }],
    [1, 'confirm', async () => {
      const reply = await page(`/api/accounts/${locationId}/health/confirm`, 'POST', {})
      return String(reply.status)
    }],
    [5, 'field', async () => {
      const contact = dice.pick(world.contactsOf(locationId))
      const level = dice.pick(healthLevels)
      const lookedAt = clock.now()
      if (await world.isBringing(contact.id, level)) return null
      if (world.fieldOf(contact) === healthLabels[level]) return null
      sandbox.updateContact(contact.id, { fields: { 'Health Status': healthLabels[level] } })
      says(oracle, level, { id: contact.id, lookedAt, at: clock.now() })
      return `${contact.email} ${level}`
    }],
    [1, 'no level', async () => {
      const contact = dice.pick(world.contactsOf(locationId))
      const text = dice.pick(['', 'Excellent', 'n/a'])
      if (world.fieldOf(contact) === text) return null
      sandbox.updateContact(contact.id, { fields: { 'Health Status': text === '' ? null : text } })
      return `${contact.email} "${text}"`
    }],
    [1, 'tag', async () => {
      const contact = dice.pick(world.contactsOf(locationId))
      sandbox.changeTags(contact.id, dice.roll() < 0.5 ? { add: ['called today'] } : { remove: ['called today'] })
      return contact.email
    }],
    [4, 'drag', async () => {
      const [card] = world.cardsOf(locationId)
      const level = dice.pick(healthLevels)
      const lookedAt = clock.now()
      if (card === undefined || (await world.isBringing(card.id, level))) return null
      const now = world.cardsOf(locationId).find(({ id }) => id === card.id)?.level ?? null
      if (now === null || now === level) return null
      sandbox.moveCard(card.id, healthLabels[level])
      says(oracle, level, { id: card.id, lookedAt, at: clock.now() })
      return level
    }],
    [1, 'status', async () => {
      const [card] = world.cardsOf(locationId)
      if (card === undefined) return null
      const status = dice.pick(['won', 'lost', 'abandoned', 'open'] as const)
      sandbox.setCardStatus(card.id, status)
      return status
    }],
    [1, 'foreign stage', async () => {
      const [card] = world.cardsOf(locationId)
      if (card === undefined || card.level === null) return null
      sandbox.moveCard(card.id, sandbox.state.pipelines.get(foreignPipelineId)!.stages[0]!.id, foreignPipelineId)
      return card.id
    }],
    [0.5, 'delete card', async () => {
      const [card] = world.cardsOf(locationId)
      if (card === undefined) return null
      sandbox.deleteCard(card.id)
      return card.id
    }],
    [6, 'deliver', async () => {
      const news = world.waiting()
      let taken = 0
      for (let count = dice.below(Math.min(6, news.length) + 1); count > 0; count -= 1) {
        const [delivery] = news.splice(dice.below(news.length), 1)
        if (delivery !== undefined && (await world.deliver(delivery))) {
          past.push(delivery)
          taken += 1
        }
      }
      return String(taken)
    }],
    [2, 'deliver again', async () => {
      if (past.length === 0) return null
      const delivery = dice.pick(past)
      const anew = dice.roll() < 0.5
      await (anew ? world.deliverAsNew(delivery) : world.deliver(delivery)).catch((error: unknown) => log.push(`  ${String(error)}`))
      return delivery.type
    }],
    [2, 'work', async () => {
      await world.alive()
      await Promise.allSettled(world.running().app.services.pumps.map((pump) => pump.drain()))
      return ''
    }],
    [3, 'time', async () => {
      const durationMs = Math.floor(dice.roll() * dice.pick([50, 3_000, 20_000]))
      clock.advanceMs(durationMs)
      return `${durationMs} ms`
    }],
    [0.4, 'crash', async () => {
      await world.crash()
      return ''
    }],
    [0.8, 'arm', async () => {
      const point = dice.pick(['effects.accepted', 'effects.recorded', 'queue.claimed', 'health.told', 'health.wanted', 'inbox.inserted'])
      world.arm(point, 1 + dice.below(3))
      return point
    }],
  ]
  const total = acts.reduce((sum, [weight]) => sum + weight, 0)
  for (let step = 0; step < steps; step += 1) {
    let left = dice.roll() * total
    const [, name, act] = step === 0 ? acts[0]! : (acts.find(([weight]) => (left -= weight) < 0) ?? acts[0]!)
    // No two people act in the same instant.
    clock.advanceMs(7)
    const at = clock.now()
    const said = await act()
    clock.advanceMs(7)
    if (said !== null) log.push(`${at.toISOString()} ${name} ${said} → ${oracle.level ?? '-'}`)
  }
}

async function expectAgreement(locationId: string, level: HealthLevel): Promise<void> {
  const account = (await world.admin().get(`/api/accounts/${locationId}`)).body
  const contacts = world.contactsOf(locationId)
  const cards = world.cardsOf(locationId)
  expect({
    account: account.health.level,
    status: (await world.running().app.services.health.status(world.product.companyId, locationId)).level,
    fields: contacts.map((contact) => world.fieldOf(contact)),
    tags: contacts.map((contact) => world.healthTagsOf(contact)),
    cards: cards.map((card) => card.level),
  }).toEqual({
    account: level, status: level,
    fields: contacts.map(() => healthLabels[level]), tags: contacts.map(() => [`health: ${level}`]), cards: [level],
  })
}

describe('Health Status', () => {
  it('agrees everywhere on what was said last, whatever is late, doubled, out of order or cut off by a crash', async () => {
    for (let index = 0; index < seeds; index += 1) {
      const seed = firstSeed + index
      const locationId = accountIds[index % accountCount]!
      const otherId = accountIds[accountCount]!
      const earlier = await historyOf(locationId)
      const held = earlier.at(-1)?.level ?? null
      const oracle: Oracle = { earlier: held, level: held, said: [] }
      const log: string[] = []
      const begunAt = world.clock.now()
      try {
        await live(seed, locationId, otherId, oracle, log)
        await world.settle()
        const history = await historyOf(locationId)
        const levels = levelsOf(history.slice(earlier.length))
        const outcomes = await outcomesOf(oracle)
        const expected = outcomes.find((one) => one.join() === levels.join()) ?? outcomes[0]!
        const level = expected.at(-1) ?? held!
        log.push(`settled; wanted ${level}, ${outcomes.length > 1 ? `one of ${outcomes.length} outcomes` : 'without a doubt'}`)
        await expectAgreement(locationId, level)
        expect(new Set(history.map(({ changeId }) => changeId)).size).toBe(history.length)
        expect(levels).toEqual(expected)

        const { sandbox } = world.product
        const all = newsOf(sandbox.deliveries(), locationId).slice(-80)
        world.clock.advanceMs(30_000)
        sandbox.resetCalls()
        for (let from = 0; from < all.length; from += 8) await Promise.all(all.slice(from, from + 8).map((delivery) => world.deliverAsNew(delivery)))
        await world.settle()
        // Nothing is written; old news from within one of our own writes, disguised as new, may cost one look per contact and card.
        const calls = world.crmCalls()
        expect(calls.filter((call) => !call.startsWith('GET '))).toEqual([])
        expect(calls.length).toBeLessThanOrEqual(world.contactsOf(locationId).length + world.cardsOf(locationId).length)
        await expectAgreement(locationId, level)
        expect((await historyOf(locationId)).length).toBe(history.length)
      } catch (error) {
        await world.alive()
        const history = await historyOf(locationId)
        const shown = history.slice(earlier.length).map((change) => `  ${change.at} ${change.source} ${change.level}${change.overtaken ? ' overtaken' : ''}`)
        const facts = await world.factsOf(locationId, begunAt)
        throw new Error(`Seed ${seed} (HEALTH_FIRST_SEED=${seed} HEALTH_SEEDS=1 HEALTH_STEPS=${steps}):\n${log.join('\n')}\nhistory:\n${shown.join('\n')}\nfacts:\n${facts.join('\n')}\n${String(error)}`, { cause: error })
      }
    }
  }, 600_000)
})

describe('calls', () => {
  const put = 'PUT /contacts/{contactId}'
  const tags = ['DELETE /contacts/{contactId}/tags', 'POST /contacts/{contactId}/tags']
  const card = 'PUT /opportunities/{id}'
  const perContact = [put, ...tags]

  async function callsOf(act: () => Promise<unknown>): Promise<string[]> {
    await world.settle()
    world.clock.advanceMs(60_000)
    world.product.sandbox.resetCalls()
    await act()
    await world.settle()
    return world.crmCalls().sort()
  }
  const setTo = async (locationId: string, level: HealthLevel) =>
    expect((await world.admin().send('PUT', `/api/accounts/${locationId}/health`, { level, note: 'Talked to them today.' })).status).toBe(200)
  const next = async (locationId: string, offset = 1): Promise<HealthLevel> => {
    const { level } = (await world.admin().get(`/api/accounts/${locationId}`)).body.health as { level: HealthLevel }
    return healthLevels[(healthLevels.indexOf(level) + offset) % healthLevels.length]!
  }

  it('of a change are the fewest: what already shows it is not written', async () => {
    const { sandbox } = world.product
    const [locationId, otherId] = accountIds as [string, string]
    for (const id of [locationId, otherId]) await setTo(id, 'steady')
    await world.settle()
    const contacts = world.contactsOf(locationId)
    const linked = contacts.length
    expect(linked).toBe(2)
    const times = (count: number, calls: string[]): string[] => Array.from({ length: count }, () => calls).flat()

    const level = await next(locationId)
    const table = {
      page: await callsOf(() => setTo(locationId, level)),
      field: await callsOf(async () => sandbox.updateContact(contacts[0]!.id, { fields: { 'Health Status': healthLabels[await next(locationId)] } })),
      card: await callsOf(async () => sandbox.moveCard(world.cardsOf(locationId)[0]!.id, healthLabels[await next(locationId)])),
      cardLost: await callsOf(async () => sandbox.setCardStatus(world.cardsOf(locationId)[0]!.id, 'lost')),
      foreignStage: await callsOf(async () => sandbox.moveCard(world.cardsOf(locationId)[0]!.id, sandbox.state.pipelines.get(foreignPipelineId)!.stages[0]!.id, foreignPipelineId)),
      noLevel: await callsOf(async () => sandbox.updateContact(contacts[1]!.id, { fields: { 'Health Status': 'Excellent' } })),
      emptied: await callsOf(async () => sandbox.updateContact(contacts[1]!.id, { fields: { 'Health Status': null } })),
      same: await callsOf(async () => setTo(locationId, levelOfLabel(world.fieldOf(world.contactsOf(locationId)[0]!))!)),
      confirm: await callsOf(() => world.admin().send('POST', `/api/accounts/${locationId}/health/confirm`, {})),
      undo: await callsOf(async () => {
        const { changeId } = (await world.admin().get(`/api/accounts/${locationId}`)).body.health as { changeId: string }
        expect((await world.admin().send('POST', `/api/accounts/${locationId}/health/undo`, { changeId })).status).toBe(200)
      }),
      bulk: await callsOf(async () => {
        const locationIds = [locationId, otherId]
        for (const id of locationIds) if ((await world.admin().get(`/api/accounts/${id}`)).body.health.level === 'thriving') await setTo(id, 'healthy')
        await world.settle()
        sandbox.resetCalls()
        return world.admin().send('POST', '/api/accounts/bulk', { action: 'set_health', locationIds, level: 'thriving', note: 'Both did well.' })
      }),
    }
    const least = {
      page: [...times(linked, perContact), card],
      field: [...times(linked - 1, perContact), ...tags, card],
      card: times(linked, perContact),
      cardLost: [],
      foreignStage: [card],
      noLevel: [put],
      emptied: [put],
      same: [],
      confirm: [],
      undo: [...times(linked, perContact), card],
      bulk: times(2, [...times(linked, perContact), card]),
    }
    process.stdout.write(`${tableOf(table, least)}\n`)
    for (const [name, calls] of Object.entries(table)) expect([name, calls]).toEqual([name, [...least[name as keyof typeof least]].sort()])
  }, 120_000)
})

function tableOf(used: Record<string, string[]>, least: Record<string, string[]>): string {
  const rows = Object.entries(used).map(([name, calls]) => `${name.padEnd(14)} ${String(calls.length).padStart(5)} ${String(least[name]?.length).padStart(8)}`)
  return [`${'change'.padEnd(14)} ${'calls'.padStart(5)} ${'minimum'.padStart(8)}`, ...rows].join('\n')
}
