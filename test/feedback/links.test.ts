import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Express } from 'express'
import fc from 'fast-check'
import request from 'supertest'
import { issueLinkToken, readLinkToken } from '../../src/feedback/link-token.ts'
import { dayMs, minuteMs } from '../../src/kernel/clock.ts'
import { account, accountUser, companyId, eventsOf, locationId, openRig, type Rig } from './rig.ts'
import { webOf } from './web.ts'

const user = { companyId, locationId, userId: 'a' }
const keys = [Buffer.alloc(32, 1)]
const now = new Date('2026-11-02T09:00:00Z')
const later = new Date(now.getTime() + dayMs)

describe('a token', () => {
  it('says who it is for until it expires, under the current and the previous key', () => {
    const token = issueLinkToken(user, later, keys)
    expect(readLinkToken(token, now, keys)).toMatchObject({ kind: 'valid', user })
    expect(readLinkToken(token, now, [Buffer.alloc(32, 2), ...keys])).toMatchObject({ kind: 'valid' })
    expect(readLinkToken(token, now, [Buffer.alloc(32, 2)])).toEqual({ kind: 'forged' })
    expect(readLinkToken(token, later, keys)).toEqual({ kind: 'expired', user })
  })

  it('does not survive any change of any character', () => {
    const token = issueLinkToken(user, later, keys)
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 1 }), (index, character) => {
        const changed = token.slice(0, index) + character + token.slice(index + 1)
        if (changed !== token) expect(readLinkToken(changed, now, keys)).toEqual({ kind: 'forged' })
      }),
      { numRuns: 500 },
    )
    fc.assert(fc.property(fc.string(), (text) => readLinkToken(text, now, keys).kind === 'forged'))
  })

  it('is short enough for a text message', () => {
    expect(
      issueLinkToken({ companyId: 'c'.repeat(20), locationId: 'l'.repeat(20), userId: 'u'.repeat(20) }, later, keys).length,
    ).toBeLessThan(180)
  })
})

describe('the page', () => {
  let rig: Rig
  let web: Express
  let path: string
  beforeEach(async () => {
    rig = await openRig()
    web = webOf(rig)
    path = new URL(await rig.feedback.links.linkFor(companyId, locationId, 'a')).pathname
  })
  afterEach(() => rig.close())

  const answers = () => rig.store.connection.collection('answers').countDocuments()
  const press = (form: Record<string, string>) => request(web).post(path).type('form').set('Accept', 'text/html,*/*').send(form)

  it("asks without recording, keeps out of caches, indexes and frames, and shows the agency's name", async () => {
    await rig.settings.update(companyId, { brand: { name: 'North & <Light>' } }, 'csm1')
    for (const url of [path, `${path}?l=happy`]) {
      const page = await request(web).get(url)
      expect(page.status).toBe(200)
      expect(page.text).toContain('North &amp; &lt;Light&gt;')
      expect(page.text).toContain('<html lang="en" dir="ltr">')
      expect(page.headers).toMatchObject({
        'cache-control': 'no-store',
        'x-robots-tag': 'noindex, nofollow',
        'referrer-policy': 'no-referrer',
      })
      expect(page.headers['content-security-policy']).toMatch(
        /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
      )
      expect(page.text).not.toMatch(/<script|highlevel/i)
    }
    expect((await request(web).get(`${path}?l=happy`)).text).toContain('value="happy" required checked')
    expect((await request(web).get(`${path}?l=<script>`)).text).not.toContain('checked>')
    await request(web).head(path)
    expect(await answers()).toBe(0)
    expect(rig.world.events.size).toBe(0)
  })

  it('records on the button, once, and lets the answer be changed for 10 minutes', async () => {
    expect((await press({ level: 'happy', comment: '<b>good</b>' })).text).toContain('&lt;b&gt;good&lt;/b&gt;')
    await Promise.all([press({ level: 'happy', comment: '<b>good</b>' }), press({ level: 'happy', comment: '<b>good</b>' })])
    expect(await answers()).toBe(1)
    expect(eventsOf(rig.world, 'feedback.received')).toMatchObject([{ source: 'link', userId: 'a', data: { level: 'happy' } }])
    rig.clock.advanceMs(5 * minuteMs)
    expect((await press({ level: 'not_happy', comment: '' })).text).toContain('Your answer is saved: Not Happy.')
    expect(await answers()).toBe(1)
    expect(await rig.cases.openCasesOf(companyId, locationId)).toHaveLength(1)
    rig.clock.advanceMs(6 * minuteMs)
    const late = await press({ level: 'happy' })
    expect(late.status).toBe(409)
    expect(late.text).toContain('already in')
    const opened = await request(web).get(path)
    expect(opened.status).toBe(200)
    expect(opened.text).toContain('Your answer is saved: Not Happy.')
    expect(opened.text).toContain('feedback button in your account')
    expect(opened.text).not.toContain('<form')
  })

  it('answers two different presses at the same moment with one answer', async () => {
    const pages = await Promise.all([press({ level: 'happy' }), press({ level: 'neutral' })])
    expect(pages.map((page) => page.status)).toEqual([200, 200])
    expect(await answers()).toBe(1)
  })

  it('asks to choose when nothing valid was chosen, and keeps the text', async () => {
    const page = await press({ level: 'ecstatic', comment: 'kept' })
    expect(page.status).toBe(400)
    expect(page.text).toContain('role="alert"')
    expect(page.text).toContain('>kept</textarea>')
    expect(await answers()).toBe(0)
  })

  it('speaks JSON to those who ask for it', async () => {
    const done = await request(web).post(path).set('Accept', 'application/json').send({ level: 'very_happy', comment: 'yes' })
    expect([done.status, done.body.level]).toEqual([200, 'very_happy'])
    const forged = await request(web).post(`${path}x`).set('Accept', 'application/json').send({ level: 'happy' })
    expect([forged.status, forged.body.error.code]).toEqual([404, 'link_invalid'])
  })

  it('says clearly why a link does not work: forged, expired, its user left, feedback off', async () => {
    expect((await request(web).get('/a/made.up')).status).toBe(404)
    rig.world.accounts.set(locationId, account({ feedbackEnabled: false }))
    expect((await press({ level: 'happy' })).status).toBe(403)
    rig.world.accounts.set(locationId, account())
    rig.world.users.set(`${locationId}:a`, accountUser('a', { removedAt: now.toISOString() }))
    for (const page of [await request(web).get(path), await press({ level: 'happy' })]) {
      expect(page.status).toBe(410)
      expect(page.text).toContain('no longer valid')
    }
    rig.world.users.set(`${locationId}:a`, accountUser('a'))
    rig.clock.advanceMs(14 * dayMs)
    await rig.settings.update(companyId, { brand: { name: 'Northlight' } }, 'csm1')
    for (const page of [await request(web).get(path), await press({ level: 'happy' })]) {
      expect(page.status).toBe(410)
      expect(page.text).toContain('This link has expired')
      expect(page.text).toContain('feedback button in your account')
      expect(page.text).toContain('Northlight')
    }
    expect(await answers()).toBe(0)
  })

  it("rests the user's prompt like any other answer", async () => {
    await press({ level: 'happy' })
    const seen = await rig.feedback.prompts.inspect(companyId, locationId, 'a')
    expect(seen.reason).toBe('answered_recently')
  })
})
