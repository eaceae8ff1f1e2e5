import { library } from '../../workflows/library/index.ts'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { runList, workflowDetail, workflowList } from '../../src/http/contract/workflows.ts'
import type { Route, Session } from '../../src/kernel/route.ts'
import { workflowRoutes } from '../../workflows/index.ts'
import { companyId, createWorld, type World } from './support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const session: Session = { companyId, userId: 'admin-1', role: 'agency_admin', locationId: null, userName: 'Admin' }
function routeOf(method: string, path: string): Route {
  const route = workflowRoutes(world.engine.workflows).find((each) => each.method === method && each.path === path)
  if (route === undefined) throw new Error(`no route ${method} ${path}`)
  return route
}
async function call(method: string, path: string, input: { key?: string; query?: unknown; body?: unknown } = {}): Promise<unknown> {
  const route = routeOf(method, path)
  const request = { params: route.params?.parse({ key: input.key }), query: route.query?.parse(input.query ?? {}), body: route.body?.parse(input.body), session, ip: '', headers: {} }
  const response = await route.handler(request as never)
  return 'json' in response ? response.json : 'text' in response ? response.text : null
}

describe('the routes', () => {
  it('answer in the shapes of the contract through the whole life of a follow-up', async () => {
    const key = 'happy_next_step'
    expect(workflowList.parse(await call('GET', '/api/workflows')).total).toBe(library.length)
    expect(workflowDetail.parse(await call('PATCH', '/api/workflows/:key', { key, body: { delayMinutes: 0, copy: { subject: 'Hello {{ user.first_name }}' } } }))).toMatchObject({
      state: 'draft', customised: true, changedBy: 'admin-1', preview: { subject: 'Hello Maya' },
    })
    expect(workflowDetail.parse(await call('POST', '/api/workflows/:key/publish', { key }))).toMatchObject({ state: 'published', version: 1 })
    await world.engine.events.append(world.answer('happy'))
    await world.engine.settle()
    expect(runList.parse(await call('GET', '/api/workflows/:key/runs', { key, query: { state: 'active' } }))).toMatchObject({ total: 1, items: [{ state: 'active' }] })
    expect(workflowDetail.parse(await call('POST', '/api/workflows/:key/pause', { key }))).toMatchObject({ state: 'paused', last30Days: { waiting: 1 } })
    expect(workflowDetail.parse(await call('GET', '/api/workflows/:key', { key }))).toMatchObject({ state: 'paused' })
  })

  it('refuse a change that changes nothing and members that there are not', () => {
    const { body } = routeOf('PATCH', '/api/workflows/:key')
    for (const wrong of [{}, { subject: 'x' }, { copy: { title: 'x' } }, { delayMinutes: -1 }, { delayMinutes: 1.5 }, { steps: { ask: { channel: 'sms' } } }]) {
      expect(body?.safeParse(wrong).success).toBe(false)
    }
  })

  it('let the agency read and try out, and ask for the right to change follow-ups for everything else', () => {
    const looks: Record<string, string> = { '/api/workflows/:key/preview': 'read', '/api/workflows/:key/dry-run': 'read', '/api/workflows/:key/test': 'part' }
    for (const { path, method, access, needs = 'read' } of workflowRoutes(world.engine.workflows)) {
      const expected = path === '/api/workflows/schema.json' ? ['public', 'read'] : ['agency', method === 'GET' ? 'read' : (looks[path] ?? 'workflows')]
      expect([method, path, access, needs]).toEqual([method, path, ...expected])
    }
  })
})
