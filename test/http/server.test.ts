import { beforeAll, describe, expect, it } from '@jest/globals'
import { mkdtemp, mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express, { type Express } from 'express'
import request from 'supertest'
import { z } from 'zod'
import { createHttpServer, createStreams } from '../../src/http/index.ts'
import { PermanentError, RetryAfterError } from '../../src/kernel/errors.ts'
import { createLogger } from '../../src/kernel/logger.ts'
import { defineRoute, sessionOf, type Route, type Session } from '../../src/kernel/route.ts'
import { everythingPermitted } from '../support/permits.ts'

const sessions: Record<string, Session> = {
  'a.admin.s': { companyId: 'c1', userId: 'u1', role: 'agency_admin', locationId: null, userName: 'Ada' },
  'a.csm.s': { companyId: 'c1', userId: 'u2', role: 'agency_user', locationId: null, userName: 'Cy' },
  'a.customer.s': { companyId: 'c1', userId: 'u3', role: 'account_user', locationId: 'l1', userName: 'Kim' },
}

const echo = defineRoute({
  method: 'POST',
  path: '/api/echo/:id',
  access: 'session',
  needs: 'own',
  summary: 'Gives back what it got.',
  params: z.object({ id: z.string().max(10) }),
  query: z.object({ page: z.coerce.number().int().min(1).default(1) }),
  body: z.strictObject({ level: z.enum(['happy', 'neutral']) }),
  responses: { 200: { description: 'what came in', schema: z.object({ level: z.string() }) } },
  handler: async ({ params, query, body, session }) => ({ status: 200, json: { ...params, ...query, ...body, companyId: sessionOf({ session }).companyId } }),
})

function failing(path: string, error: unknown): Route {
  return defineRoute({ method: 'GET', path, access: 'public', summary: 'Fails.', responses: {}, handler: () => Promise.reject(error as Error) })
}

function guarded(access: Route['access']): Route {
  return defineRoute({ method: 'GET', path: `/api/only/${access}`, access, summary: 'Guarded.', responses: {}, handler: async () => ({ status: 200, json: { ok: true } }) })
}

/** A file of three pieces that is made while it is sent. @param breaks before its last one */
function file(path: string, breaks: boolean): Route {
  async function* chunks(): AsyncIterable<string> {
    yield 'one,'
    yield await Promise.resolve('two,')
    if (breaks) throw new Error('the database said something private')
    yield 'three'
  }
  return defineRoute({ method: 'GET', path, access: 'public', summary: 'A file.', responses: {}, handler: async () => ({ status: 200, chunks: chunks(), contentType: 'text/csv; charset=utf-8', headers: { 'content-disposition': 'attachment' } }) })
}

let app: Express
let ready: string | null = null
const logLines: string[] = []

beforeAll(async () => {
  const publicDir = await mkdtemp(join(tmpdir(), 'barometer-public-'))
  await mkdir(join(publicDir, 'workspace'))
  await writeFile(join(publicDir, 'workspace', 'index.html'), '<!doctype html><title>Workspace</title>')
  await writeFile(join(publicDir, 'widget.js'), 'const base="__BAROMETER_APP_URL__",id="__BAROMETER_APP_ID__"')
  const webhooks = express.Router()
  app = createHttpServer({
    routes: [
      echo,
      guarded('public'), guarded('session'), guarded('agency'), guarded('agency_admin'), guarded('account_user'),
      failing('/api/fault', new Error('the database said something private')),
      failing('/api/permanent', new PermanentError('gone', 'This pipeline was deleted. Run Repair.')),
      failing('/api/later', new RetryAfterError('busy', 'Busy.', 2_500)),
      file('/api/file', false), file('/api/half-file', true),
      defineRoute({ method: 'GET', path: '/api/limited', access: 'public', summary: 'Limited.', responses: {}, ratePerMinute: 3, handler: async () => ({ status: 200, json: {} }) }),
    ],
    webhooks,
    readSession: async (token) => sessions[token] ?? null,
    permits: everythingPermitted,
    streams: createStreams({ verify: (token) => sessions[token] ?? null, readSession: async (token) => sessions[token] ?? null }),
    pages: { publicDir, publicUrl: 'https://app.example.com', appId: 'app1', frameAncestors: async () => ["'self'", 'https://crm.agency.example'] },
    readiness: [{ name: 'store', check: async () => ready }],
    gauges: [],
    metricsToken: 'metrics-token',
    version: '1.2.3',
    logger: createLogger('info', { write: (line: string) => void logLines.push(line) }),
  })
})

describe('input', () => {
  const post = (path = '/api/echo/one') => request(app).post(path).set('Authorization', 'Bearer a.customer.s')

  it('reaches the handler parsed, with the tenant from the session', async () => {
    const answer = await post('/api/echo/one?page=2').send({ level: 'happy' })
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({ id: 'one', page: 2, level: 'happy', companyId: 'c1' })
  })

  it.each([
    ['an unknown level', { level: 'ecstatic' }],
    ['an operator instead of a value', { level: { $ne: null } }],
    ['an unknown member', { level: 'happy', companyId: 'c2' }],
    ['nothing', undefined],
    ['a list', [1, 2]],
  ])('is refused with 400 and the name of the field: %s', async (_name, body) => {
    const answer = await post().send(body)
    expect(answer.status).toBe(400)
    expect(answer.body.error).toMatchObject({ code: 'invalid_input', details: { in: 'body' } })
  })

  it('that is not JSON answers 400, of another type 415, too large 413', async () => {
    expect((await post().set('Content-Type', 'application/json').send('{"level":')).status).toBe(400)
    expect((await post().set('Content-Type', 'text/plain').send('happy')).status).toBe(415)
    expect((await post().send({ level: 'x'.repeat(70_000) })).status).toBe(413)
  })

  it('nested thousands of levels deep is refused without harm', async () => {
    const answer = await post().set('Content-Type', 'application/json').send(`{"level":${'['.repeat(20_000)}${']'.repeat(20_000)}}`)
    expect(answer.status).toBe(400)
  })

  it('with a bad path or query is refused', async () => {
    expect((await post('/api/echo/far-too-long-an-id').send({ level: 'happy' })).status).toBe(400)
    expect((await post('/api/echo/one?page[$gt]=0').send({ level: 'happy' })).status).toBe(200)
    expect((await post('/api/echo/one?page=zero').send({ level: 'happy' })).status).toBe(400)
    expect((await post('/api/echo/%E0%A4%A').send({ level: 'happy' })).status).toBe(400)
  })
})

describe('access', () => {
  it.each([
    ['public', 200, 200, 200, 200],
    ['session', 401, 200, 200, 200],
    ['agency', 401, 403, 200, 200],
    ['agency_admin', 401, 403, 403, 200],
    ['account_user', 401, 200, 403, 403],
  ])('%s: nobody %i, customer %i, CSM %i, admin %i', async (access, nobody, customer, csm, admin) => {
    const get = (token?: string) => {
      const call = request(app).get(`/api/only/${access}`)
      return token === undefined ? call : call.set('Authorization', `Bearer ${token}`)
    }
    expect((await get()).status).toBe(nobody)
    expect((await get('a.customer.s')).status).toBe(customer)
    expect((await get('a.csm.s')).status).toBe(csm)
    expect((await get('a.admin.s')).status).toBe(admin)
  })

  it.each(['Bearer x', 'Basic YTpi', 'Bearer a.b.c', ''])('refuses the header %j', async (header) => {
    const answer = await request(app).get('/api/only/session').set('Authorization', header)
    expect(answer.status).toBe(401)
    expect(answer.body.error.code).toBe('unauthorized')
  })
})

describe('faults', () => {
  it('are logged with an id and never explained to the client', async () => {
    const answer = await request(app).get('/api/fault')
    expect(answer.status).toBe(500)
    expect(JSON.stringify(answer.body)).not.toContain('private')
    const faultId = /support: (\w+)$/.exec(answer.body.error.message as string)?.[1]
    expect(logLines.join('')).toContain(faultId!)
  })

  it('of the two retry words become 409 with the fix and 503 with Retry-After', async () => {
    expect((await request(app).get('/api/permanent')).body.error).toEqual({ code: 'gone', message: 'This pipeline was deleted. Run Repair.' })
    const later = await request(app).get('/api/later')
    expect([later.status, later.headers['retry-after']]).toEqual([503, '3'])
  })

  it('an unknown address answers 404 in the same shape', async () => {
    const answer = await request(app).get('/api/nothing')
    expect(answer.status).toBe(404)
    expect(answer.body.error.code).toBe('not_found')
  })
})

describe('limits', () => {
  it('stop the fourth call of a route that allows three a minute', async () => {
    const statuses: number[] = []
    for (let call = 0; call < 4; call += 1) statuses.push((await request(app).get('/api/limited')).status)
    expect(statuses).toEqual([200, 200, 200, 429])
  })
})

describe('a file that is made while it is sent', () => {
  it('comes as a whole, with its type and name', async () => {
    const answer = await request(app).get('/api/file')
    expect([answer.status, answer.text, answer.headers['content-type'], answer.headers['content-disposition']]).toEqual([200, 'one,two,three', 'text/csv; charset=utf-8', 'attachment'])
  })

  it('is broken off by a fault in the middle, so that half of it does not look like a whole one; the log says so', async () => {
    await expect(request(app).get('/api/half-file')).rejects.toThrow(/aborted|hang up/)
    expect(logLines.some((line) => line.includes('/api/half-file'))).toBe(true)
  })
})

describe('operations', () => {
  it('readyz names what is not ready', async () => {
    expect((await request(app).get('/readyz')).status).toBe(200)
    ready = 'The store does not answer.'
    const answer = await request(app).get('/readyz')
    ready = null
    expect(answer.status).toBe(503)
    expect(answer.body.reasons).toEqual({ store: 'The store does not answer.' })
  })

  it('metrics need the token, and label routes by pattern', async () => {
    expect((await request(app).get('/metrics')).status).toBe(401)
    const answer = await request(app).get('/metrics').set('Authorization', 'Bearer metrics-token')
    expect(answer.status).toBe(200)
    expect(answer.text).toContain('route="/api/echo/:id"')
  })

  it('the OpenAPI document describes every route with its schemas', async () => {
    const { body } = await request(app).get('/api/openapi.json')
    expect(body.paths['/api/echo/{id}'].post).toMatchObject({ 'x-access': 'session', requestBody: { content: { 'application/json': { schema: { required: ['level'] } } } } })
    expect(Object.keys(body.paths)).toContain('/api/openapi.json')
  })
})

describe('pages', () => {
  it('may be framed by the agency only, and run only their own scripts', async () => {
    const answer = await request(app).get('/pages/workspace')
    expect(answer.status).toBe(200)
    expect(answer.headers['content-security-policy']).toContain("frame-ancestors 'self' https://crm.agency.example")
    expect(answer.headers['content-security-policy']).toContain("script-src 'self'")
    expect(answer.headers['x-frame-options']).toBeUndefined()
  })

  it('the widget is served with this server and app filled in, to any origin', async () => {
    const answer = await request(app).get('/widget.js')
    expect(answer.text).toBe('const base="https://app.example.com",id="app1"')
    expect(answer.headers['access-control-allow-origin']).toBe('*')
  })

  it('a page that is not built says how to build it', async () => {
    expect((await request(app).get('/pages/health-card')).body.error.message).toContain('npm run build:pages')
  })

  it('only the widget routes may be called from other origins', async () => {
    expect((await request(app).options('/api/answers')).headers['access-control-allow-origin']).toBe('*')
    expect((await request(app).options('/api/echo/one')).headers['access-control-allow-origin']).toBeUndefined()
  })
})
