import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createEvents, type DomainEvent, type Events } from '../../src/events/index.ts'
import { timelineRoutes } from '../../src/http/index.ts'
import { timelineQuery } from '../../src/http/contract/timeline.ts'
import { createWake } from '../../src/kernel/wake.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { openTestStore, type TestStore } from '../support/store.ts'

describe('the timeline of an account', () => {
  const companyId = 'agency-1'
  const locationId = 'location-1'
  let store: TestStore
  let events: Events

  const append = (key: string, day: number, more: Partial<DomainEvent>) =>
    events.append({
      key, companyId, locationId, userId: null, type: 'feedback.received', at: new Date(Date.UTC(2026, 10, day, 12)),
      actor: { kind: 'account_user', id: 'maya', name: 'Maya Lopez' }, source: 'widget', summary: 'It happened.', data: {}, ...more,
    })

  async function ask(query: Record<string, string> = {}, who = companyId): Promise<{ items: Record<string, unknown>[]; total: number }> {
    const [route] = timelineRoutes({ events, clock: createFakeClock(), accountName: async (company) => (company === companyId ? 'Bright Smile' : null) })
    const session = { companyId: who, userId: 'csm', role: 'agency_user' as const, locationId: null, userName: 'Priya' }
    const answer = await route!.handler({ params: { locationId }, query: timelineQuery.parse(query), body: undefined, session, ip: '', headers: {} } as never)
    return ('json' in answer ? answer.json : 'text' in answer ? { text: answer.text } : {}) as never
  }
  const typesOf = async (query: Record<string, string>) => (await ask(query)).items.map((item) => item['type'])

  beforeAll(async () => {
    store = await openTestStore()
    events = createEvents({ connection: store.connection, clock: createFakeClock(), wake: createWake() })
    await store.ensureIndexes()
    await append('answer', 1, { userId: 'maya', data: { answerId: 'a1' } })
    await append('case', 2, { type: 'case.opened', userId: 'maya', data: { caseId: 'c1', answerId: 'a1' } })
    await append('sent', 3, { type: 'message.sent', source: 'workflow', data: { messageKey: 'run:r1:ask' }, actor: { kind: 'system', id: null, name: null } })
    await append('changed', 4, { type: 'health.changed', source: 'page', actor: { kind: 'agency_user', id: 'csm', name: 'Priya' }, cause: { kind: 'change', id: 'h1' }, before: null, after: 'steady' })
    await append('moved', 5, { type: 'card.moved', source: 'card', cause: { kind: 'delivery', id: 'd1' }, summary: '=HYPERLINK("http://x")' })
  })
  afterAll(() => store.close())

  it('leads from every line to what it came from', async () => {
    expect((await ask()).items.map((item) => [item['type'], item['link']])).toEqual([
      ['card.moved', '/deliveries/d1'],
      ['health.changed', `/accounts/${locationId}/changes/h1`],
      ['message.sent', '/runs/r1'],
      ['case.opened', '/cases/c1'],
      ['feedback.received', `/accounts/${locationId}/people/maya`],
    ])
  })

  it.each([
    [{ groups: 'answers,cases' }, ['case.opened', 'feedback.received']],
    [{ groups: 'health' }, ['health.changed']],
    [{ types: 'card.moved', groups: 'messages' }, ['card.moved', 'message.sent']],
    [{ types: 'no.such.type' }, []],
    [{ actorId: 'csm' }, ['health.changed']],
    [{ source: 'card' }, ['card.moved']],
    [{ userId: 'maya' }, ['case.opened', 'feedback.received']],
    [{ from: '2026-11-02', to: '2026-11-03' }, ['message.sent', 'case.opened']],
  ])('narrowed by %j shows just that', async (query, types) => {
    expect(await typesOf(query as unknown as Record<string, string>)).toEqual(types)
  })

  it('says which groups there are', () => {
    expect(timelineQuery.safeParse({ groups: 'answers,money' }).error?.issues[0]?.message).toContain('answers, health')
  })

  it('is a file that no spreadsheet takes for formulas, with its filters printed', async () => {
    const { text } = (await ask({ format: 'csv', groups: 'crm' })) as unknown as { text: string }
    expect(text).toContain('Timeline,Bright Smile\r\n')
    expect(text).toContain('Groups,crm\r\n')
    expect(text).toContain('"\'=HYPERLINK(""http://x"")"')
    expect(text.trimEnd().split('\r\n')).toHaveLength(12)
  })

  it('of another agency is not there', async () => {
    await expect(ask({}, 'agency-2')).rejects.toMatchObject({ status: 404 })
  })
})
