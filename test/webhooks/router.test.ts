import { describe, expect, it } from '@jest/globals'
import express from 'express'
import request from 'supertest'
import { createLogger } from '../../src/kernel/logger.ts'
import { maxBodyBytes, type ReceiveOutcome } from '../../webhooks/receive.ts'
import { createWebhookRouter } from '../../webhooks/router.ts'

function serve(outcome: ReceiveOutcome | Error) {
  const bodies: Buffer[] = []
  const app = express()
  app.use(
    createWebhookRouter(async (rawBody) => {
      bodies.push(rawBody)
      if (outcome instanceof Error) throw outcome
      return outcome
    }, createLogger('silent')),
  )
  return { app, bodies }
}

describe('POST /webhooks/highlevel', () => {
  it('hands over the bytes as they came, whatever their type is said to be', async () => {
    const { app, bodies } = serve({ kind: 'accepted' })
    const text = '{ "type" :"INSTALL" }\n'
    for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
      expect((await request(app).post('/webhooks/highlevel').set('content-type', type).send(text)).status).toBe(200)
    }
    expect(bodies.map((body) => body.toString())).toEqual([text, text, text])
  })

  it.each<[ReceiveOutcome, number]>([
    [{ kind: 'duplicate' }, 200],
    [{ kind: 'ignored', reason: 'no_interest' }, 200],
    [{ kind: 'unsigned' }, 401],
    [{ kind: 'signature_invalid' }, 401],
    [{ kind: 'malformed' }, 400],
    [{ kind: 'too_large' }, 413],
  ])('answers %j with %i', async (outcome, status) => {
    const { app } = serve(outcome)
    const response = await request(app).post('/webhooks/highlevel').send('{}')
    expect(response.status).toBe(status)
    if (status >= 400) expect(response.body).toMatchObject({ error: { code: outcome.kind } })
  })

  it('asks for a repetition with 429 and Retry-After when the event was not stored, or on any fault', async () => {
    for (const outcome of [{ kind: 'not_stored', retryAfterSeconds: 30 } as const, new Error('surprise')]) {
      const response = await request(serve(outcome).app).post('/webhooks/highlevel').send('{}')
      expect([response.status, response.headers['retry-after']]).toEqual([429, '30'])
    }
  })

  it('refuses more than 1 MB, and compressed bodies, without looking at them', async () => {
    const { app, bodies } = serve({ kind: 'accepted' })
    expect((await request(app).post('/webhooks/highlevel').set('content-type', 'application/json').send('x'.repeat(maxBodyBytes + 1))).status).toBe(413)
    expect((await request(app).post('/webhooks/highlevel').set('content-encoding', 'gzip').set('content-type', 'application/json').send('x')).status).toBe(400)
    // Also when it does not say how much there is.
    const chunked = request(app).post('/webhooks/highlevel').set('content-type', 'application/json').set('transfer-encoding', 'chunked')
    for (let part = 0; part < 20; part += 1) chunked.write('x'.repeat(maxBodyBytes / 16))
    expect((await chunked).status).toBe(413)
    expect(bodies).toEqual([])
  })

  it('hands over a body that comes in parts whole', async () => {
    const { app, bodies } = serve({ kind: 'accepted' })
    const text = `{"type":"ContactUpdate","text":"${'ü'.repeat(200_000)}"}`
    expect((await request(app).post('/webhooks/highlevel').set('content-type', 'application/json').send(text)).body).toEqual({ outcome: 'accepted' })
    expect(bodies[0]?.toString('utf8')).toBe(text)
  })

  it('leaves other methods and paths to whoever comes next', async () => {
    const { app, bodies } = serve({ kind: 'accepted' })
    expect((await request(app).get('/webhooks/highlevel')).status).toBe(404)
    expect((await request(app).post('/webhooks/highlevel/triggers').send('{}')).status).toBe(404)
    expect(bodies).toEqual([])
  })
})
