import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express, { type Express } from 'express'
import request, { type Test } from 'supertest'
import { accountPeople, assignResponse, brief, csmList, hoursList, hoursReport } from '../../src/http/contract/people.ts'
import { createHttpServer, createStreams } from '../../src/http/index.ts'
import { createLogger } from '../../src/kernel/logger.ts'
import type { Session } from '../../src/kernel/route.ts'
import { peopleRoutes } from '../../src/people/index.ts'
import { openWorld, type World } from './support.ts'
import { everythingPermitted } from '../support/permits.ts'

let w: World
let app: Express

beforeAll(async () => {
  w = await openWorld()
  const sessions: Record<string, Session> = {
    'a.boss.s': w.boss,
    'a.cora.s': { ...w.cora, role: 'agency_user' },
    'a.una.s': { companyId: 'c1', userId: 'u1', role: 'account_user', locationId: 'l1', userName: 'Una' },
  }
  app = createHttpServer({
    routes: peopleRoutes(w.people, { accounts: w.t.accounts, clock: w.t.clock }),
    webhooks: express.Router(),
    readSession: async (token) => sessions[token] ?? null,
    permits: everythingPermitted,
    streams: createStreams({ verify: (token) => sessions[token] ?? null, readSession: async (token) => sessions[token] ?? null }),
    pages: { publicDir: mkdtempSync(join(tmpdir(), 'barometer-public-')), publicUrl: 'https://app.example.com', appId: 'app1', frameAncestors: async () => ["'self'"] },
    readiness: [], gauges: [], logger: createLogger('silent'), version: 'test', metricsToken: 'metrics',
  })
})
afterAll(() => w.t.store.close())

type Method = 'get' | 'put' | 'post' | 'delete'
function call(who: string, method: Method, path: string, body?: object): Test {
  const sent = request(app)[method](path).set('authorization', `Bearer a.${who}.s`)
  return body === undefined ? sent : sent.send(body)
}

/** Every route about one account, with a body that would do. */
const ofAccount = (id: string): [Method, string, object?][] => [
  ['get', `/api/accounts/${id}/people`],
  ['put', `/api/accounts/${id}/primary-contact`, { userId: null }],
  ['put', `/api/accounts/${id}/users/x1/key`, { key: true }],
  ['put', `/api/accounts/${id}/premium`, { premium: true }],
  ['put', `/api/accounts/${id}/csm`, { csmUserId: 'cora' }],
  ['get', `/api/accounts/${id}/brief`],
  ['get', `/api/accounts/${id}/brief?format=text`],
  ['post', `/api/accounts/${id}/hours`, { minutes: 5 }],
  ['get', `/api/accounts/${id}/hours`],
  ['get', `/api/accounts/${id}/hours?format=csv`],
  ['delete', `/api/accounts/${id}/hours/e1`],
]

describe('routes about people', () => {
  it('another agency\'s account looks like none, whatever is asked, and nothing happens to it', async () => {
    for (const [method, path, body] of ofAccount('m1')) {
      const foreign = await call('boss', method, path, body)
      const none = await call('boss', method, path.replace('/m1/', '/nobody/'), body)
      expect([path, foreign.status, foreign.body]).toEqual([path, 404, none.body])
    }
    expect(await w.t.accounts.get('c2', 'm1')).toMatchObject({ premium: false, csm: null })
  })

  it('customers\' users and strangers get nothing', async () => {
    const all: [Method, string, object?][] = [...ofAccount('l1'), ['post', '/api/accounts/assign', { locationIds: ['l1'], rule: 'round_robin', csmUserIds: ['cora'] }], ['get', '/api/csms'], ['get', '/api/hours/report']]
    for (const [method, path, body] of all) {
      expect((await call('una', method, path, body)).status).toBe(403)
      expect((await call('stranger', method, path, body)).status).toBe(401)
    }
    expect(w.told('hours.logged')).toEqual([])
  })

  it.each<[number, Method, string, object | undefined, string]>([
    [400, 'put', '/api/accounts/l1/primary-contact', {}, 'userId'],
    [422, 'put', '/api/accounts/l1/primary-contact', { userId: 'u3' }, 'userId'],
    [400, 'put', '/api/accounts/l1/users/u1/key', { key: 'yes' }, 'key'],
    [404, 'put', '/api/accounts/l1/users/u3/key', { key: true }, '.*user'],
    [400, 'put', '/api/accounts/l1/premium', { premium: 1 }, 'premium'],
    [422, 'put', '/api/accounts/l1/csm', { csmUserId: 'u1' }, 'csmUserId'],
    [400, 'put', '/api/accounts/l1/csm', { csmUserId: 'cora', note: 'x'.repeat(501) }, 'note'],
    [422, 'post', '/api/accounts/assign', { locationIds: ['l1'], rule: 'round_robin', csmUserIds: ['cora', 'u1'] }, 'csmUserIds.1'],
    [400, 'post', '/api/accounts/assign', { rule: 'round_robin', csmUserIds: ['cora'] }, 'locationIds'],
    [400, 'post', '/api/accounts/assign', { locationIds: ['l1'], rule: 'by_name', csmUserIds: ['cora'] }, 'rule'],
    [400, 'post', '/api/accounts/l1/hours', { minutes: 0 }, 'minutes'],
    [400, 'post', '/api/accounts/l1/hours', { minutes: 5, on: 'today' }, 'on'],
    [422, 'post', '/api/accounts/l1/hours', { minutes: 5, on: '2027-01-01' }, 'on'],
    [422, 'post', '/api/accounts/l1/hours', { minutes: 5, on: '2020-01-01' }, 'on'],
    [422, 'get', '/api/accounts/l1/hours?from=2026-11-02&to=2026-11-01', undefined, 'from'],
    [422, 'get', '/api/hours/report?from=2026-11-02&to=2026-11-01', undefined, 'from'],
    [400, 'get', '/api/hours/report?by=team', undefined, 'by'],
    [400, 'get', '/api/accounts/l1/brief?format=pdf', undefined, 'format'],
  ])('bad input gets %i and names the field: %s %s', async (status, method, path, body, field) => {
    const answer = await call('boss', method, path, body)
    expect(answer.status).toBe(status)
    expect((answer.body as { error: { message: string } }).error.message).toMatch(new RegExp(`^${field}`))
  })

  it('owner, premium, people and the rule answer as the contract says', async () => {
    expect((await call('boss', 'put', '/api/accounts/l1/csm', { csmUserId: 'cora', note: 'Over to you' })).body).toMatchObject({ locationId: 'l1', csm: { userId: 'cora', name: 'Cora' } })
    expect((await call('boss', 'put', '/api/accounts/l1/premium', { premium: true })).body).toMatchObject({ premium: true })
    const chosen = await call('cora', 'put', '/api/accounts/l1/primary-contact', { userId: 'u1' })
    expect(accountPeople.parse(chosen.body).items.map((person) => [person.userId, person.primary])).toEqual([['u1', true], ['u2', false]])
    expect(accountPeople.parse((await call('cora', 'put', '/api/accounts/l1/users/u2/key', { key: true })).body).items[1]).toMatchObject({ key: true })
    expect((await call('cora', 'get', '/api/accounts/l1/people')).body).toEqual((await call('boss', 'get', '/api/accounts/l1/people')).body)
    const assigned = assignResponse.parse((await call('boss', 'post', '/api/accounts/assign', { filter: { csm: 'none' }, rule: 'least_loaded', csmUserIds: ['cora', 'dan'] })).body)
    expect(assigned.load).toEqual([{ userId: 'cora', name: 'Cora', accounts: 3 }, { userId: 'dan', name: 'Dan', accounts: 2 }])
    expect(csmList.parse((await call('cora', 'get', '/api/csms')).body).items.map((row) => [row.userId, row.accounts])).toEqual([['boss', 0], ['cora', 3], ['dan', 2]])
  })

  it('hours are logged, listed, summed and exported; a cell never becomes a formula', async () => {
    const logged = await call('cora', 'post', '/api/accounts/l5/hours', { minutes: 61, note: '=HYPERLINK("https://evil.example")', on: '2026-11-01' })
    expect(logged.status).toBe(201)
    expect(hoursList.parse((await call('boss', 'get', '/api/accounts/l5/hours?from=2026-11-01')).body)).toMatchObject({ total: 1, minutes: 61, items: [{ csm: { userId: 'cora' }, on: '2026-11-01' }] })
    const file = await call('boss', 'get', '/api/accounts/l5/hours?format=csv&csm=cora')
    expect(file.headers['content-type']).toMatch(/^text\/csv/)
    expect(file.headers['content-disposition']).toBe('attachment; filename="hours.csv"')
    expect(file.text).toContain('CSM,cora')
    expect(file.text.split(/[\r\n,"]+/).filter((cell) => cell.startsWith('='))).toEqual([])
    expect(hoursReport.parse((await call('boss', 'get', '/api/hours/report?by=account')).body).rows).toEqual([{ id: 'l5', name: '=Evil()', minutes: 61, entries: 1, accounts: 1 }])
    const report = await call('boss', 'get', '/api/hours/report?by=account&format=csv')
    expect(report.text).toContain('\'=Evil()')
    expect(report.text).toContain('From,2026-10-04')
    const { entryId } = logged.body as { entryId: string }
    expect((await call('boss', 'delete', `/api/accounts/l5/hours/${entryId}`)).status).toBe(403)
    expect((await call('cora', 'delete', `/api/accounts/l1/hours/${entryId}`)).status).toBe(404)
    expect((await call('cora', 'delete', `/api/accounts/l5/hours/${entryId}`)).status).toBe(200)
    expect(hoursList.parse((await call('boss', 'get', '/api/accounts/l5/hours')).body).total).toBe(0)
  })

  it('the brief comes as JSON and as plain text', async () => {
    const json = brief.parse((await call('cora', 'get', '/api/accounts/l1/brief')).body)
    expect(json.sections.map((section) => section.key)).toEqual(['status', 'happiness', 'people', 'open_items', 'recent', 'hours', 'notes'])
    const text = await call('cora', 'get', '/api/accounts/l1/brief?format=text')
    expect(text.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(text.text).toMatch(/^Hand-over brief: Alpha\n/)
  })
})
