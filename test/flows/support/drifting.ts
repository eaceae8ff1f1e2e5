import { expect } from '@jest/globals'
import type { Contact, CustomField, Opportunity, Pipeline } from '../../sandbox/index.ts'
import { startProduct, type Client, type Product } from '../../support/product.ts'
import { until } from '../../support/until.ts'
import { createRunningClock, type RunningClock } from './running-clock.ts'

export interface Who { locationId: string; userId: string }
export interface Check { key: string; ok: boolean; detail: string; fix: string | null }

/** A product in use whose success location somebody changes in the CRM. */
export interface Drifting {
  product: Product
  clock: RunningClock
  admin(): Client
  answer(who: Who, level: string): Promise<void>
  headquartersId: string
  /** One user of each account. */
  people: Who[]
  fieldNamed(name: string): CustomField | undefined
  fieldsNamed(name: string): CustomField[]
  pipelineNamed(name: string): Pipeline | undefined
  stage(pipelineId: string, name: string): string
  contactOf(who: Who): Contact | undefined
  valueOf(who: Who, fieldName: string): unknown
  cardsOf(who: Who, pipelineId: string): Opportunity[]
  stageOf(who: Who, pipelineId: string): string | undefined
  setHealth(who: Who, level: string): Promise<void>
  healthOf(who: Who): Promise<string | null>
  /** An hour later: everybody's set-up is compared with the CRM. */
  nextCycle(): Promise<void>
  /** What the last cycle told, before anybody opened the page, and the fix that the page shows for a check since. */
  told(key: string): { detail: string; fix: string | null }
  check(key: string): Promise<Check>
  repair(): Promise<void>
  /** Until what can be mended without anybody is mended, and all checks hold. */
  mended(): Promise<void>
  /** Reasons for which work is held. */
  heldFor(): Promise<string[]>
  /** Effects that are not finished. */
  unfinished(): Promise<unknown[]>
  timeline(who: Who, type: string): Promise<{ type: string; before?: unknown; after?: unknown; summary: string }[]>
}

export async function openDrifting(accounts = 3): Promise<Drifting> {
  const clock = createRunningClock(new Date('2026-03-02T09:00:00Z'))
  const product = await startProduct({ clock, sandbox: { clock, seed: { accounts, usersPerAccount: 2, companies: 2 } } })
  const { sandbox } = product
  const { state } = sandbox
  const { headquartersId } = await product.setUp()
  // Sessions end within the hour by which a cycle puts the clock forward.
  let session = { client: product.admin(), untilMs: clock.nowMs() + 1_200_000 }
  function admin(): Client {
    if (session.untilMs < clock.nowMs()) session = { client: product.as({ userId: sandbox.company().admin.id }), untilMs: clock.nowMs() + 1_200_000 }
    return session.client
  }
  let answers = 0
  let noted: { summary: string; checks: Check[] } = { summary: '', checks: [] }
  const people: Who[] = []
  for (let index = 0; index < accounts; index += 1) {
    const { locationId, userId } = await product.enableFeedback(index)
    people.push({ locationId, userId })
  }
  await product.answer(people[0]!, 'happy')
  await product.settled()

  const contactIds = new Map<string, string>()
  const emailOf = ({ userId }: Who): string => state.users.get(userId)!.email
  function contactOf(who: Who): Contact | undefined {
    const found = state.contacts.by('location', headquartersId).find(({ email }) => email === emailOf(who))
    if (found !== undefined) contactIds.set(who.userId, found.id)
    return found ?? state.contacts.get(contactIds.get(who.userId) ?? '')
  }
  const fieldsNamed = (name: string): CustomField[] => state.fields.by('location', headquartersId).filter((field) => field.name === name)
  // An account's card hangs on its primary contact, who need not be the one who answers.
  const cardsOf = (who: Who, pipelineId: string): Opportunity[] => {
    const emails = new Set(sandbox.accountUsersOf(who.locationId).map(({ email }) => email))
    return state.opportunities.by('pipeline', pipelineId).filter((card) => card.contactId === contactOf(who)?.id || emails.has(state.contacts.get(card.contactId)?.email ?? ''))
  }
  async function checks(): Promise<Check[]> {
    return (await admin().get('/api/setup?fresh=true')).body.checks as Check[]
  }
  async function effects(): Promise<{ state: string; reason: string | null }[]> {
    const { body } = await admin().get('/api/operations/queues/effects?pageSize=100')
    // Messages of follow-ups wait for their hour; they need nothing that drifts.
    return (body.items as { kind: string; state: string; reason: string | null }[]).filter(({ kind }) => kind !== 'message')
  }
  const check = async (key: string): Promise<Check> => (await checks()).find((item) => item.key === key)!

  return {
    product, clock, admin, headquartersId, people, contactOf, fieldsNamed, cardsOf, check,
    fieldNamed: (name) => fieldsNamed(name)[0],
    pipelineNamed: (name) => state.pipelines.by('location', headquartersId).find((pipeline) => pipeline.name === name),
    stage: (pipelineId, name) => state.pipelines.get(pipelineId)!.stages.find((stage) => stage.name === name)!.id,
    valueOf: (who, fieldName) => contactOf(who)?.customFields.find(({ id }) => id === fieldsNamed(fieldName)[0]?.id)?.value,
    stageOf: (who, pipelineId) => state.pipelines.get(pipelineId)?.stages.find(({ id }) => id === cardsOf(who, pipelineId)[0]?.pipelineStageId)?.name,
    async answer(who, level) {
      answers += 1
      expect((await product.as(who).send('POST', '/api/answers', { level, idempotencyKey: `drift-answer-${answers}` })).status).toBe(201)
    },
    async setHealth(who, level) {
      const { status, body } = await admin().send('PUT', `/api/accounts/${who.locationId}/health`, { level, note: 'Spoke to them this week.', idempotencyKey: `drift-${clock.nowMs()}` })
      expect({ status, body: status < 300 ? null : body }).toEqual({ status: 200, body: null })
    },
    healthOf: async (who) => (await admin().get(`/api/accounts/${who.locationId}`)).body.health.level as string | null,
    async nextCycle() {
      clock.advanceMs(3_600_000)
      await product.app.services.setup.checkDue(10)
      const { items } = await product.app.services.events.timeline({ companyId: product.companyId, types: ['setup.drift_found'], page: 1, pageSize: 1 })
      noted = { summary: items[0]?.summary ?? '', checks: await checks() }
    },
    told(key) {
      const { fix } = noted.checks.find((item) => item.key === key)!
      return { detail: noted.summary, fix }
    },
    async repair() {
      expect((await admin().send('POST', '/api/setup/repair')).status).toBe(200)
    },
    async mended() {
      await until('mended', async () => {
        await product.app.services.setup.resumeDue(10)
        return (await checks()).every((item) => item.ok)
      }, 15_000, 200)
    },
    heldFor: async () => (await effects()).flatMap(({ state: now, reason }) => (now === 'held' && reason !== null ? [reason] : [])),
    unfinished: effects,
    async timeline(who, type) {
      const { status, body } = await admin().get(`/api/accounts/${who.locationId}/timeline?types=${type}`)
      expect(status).toBe(200)
      return body.items as { type: string; summary: string }[]
    },
  }
}
