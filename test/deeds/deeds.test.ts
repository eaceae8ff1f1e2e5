import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { deedList, deedView } from '../../src/http/contract/deeds.ts'
import { myFeedback } from '../../src/http/contract/feedback.ts'
import { languages } from '../../src/feedback/words/index.ts'
import { openTwoAgencies, type TwoAgencies } from '../flows/support/two-agencies.ts'
import { listen } from '../live/listen.ts'
import type { Client } from '../support/product.ts'
import { until } from '../support/until.ts'

/** "You said, we did": who writes it, who reads it, and how much of it. */
let two: TwoAgencies
let locationId = ''
let path = ''
let mine: Client
let colleague: Client
let colleagueId = ''

beforeAll(async () => {
  two = await openTwoAgencies()
  locationId = two.theirs['locationId']!
  path = `/api/accounts/${locationId}/deeds`
  colleagueId = two.product.sandbox.accountUsersOf(locationId).find(({ id }) => id !== two.theirs['userId'])!.id
  mine = two.customer
  colleague = two.product.as({ userId: colleagueId, locationId })
}, 90_000)
afterAll(() => two.product.stop())

const add = async (body: object) => two.admin.send('POST', path, body)
const told = async (text: string) => ((await two.admin.get(`/api/accounts/${locationId}/timeline?groups=answers`)).body as { items: { type: string; summary: string }[] }).items.filter(({ summary }) => summary.endsWith(`: ${text}`))
const reads = async (who: Client) => myFeedback.parse((await who.get('/api/me/feedback')).body).deeds

describe('what was done', () => {
  it('is for the team alone, unless somebody says that the customer reads it', async () => {
    const { status, body } = await add({ text: 'Checked the invoices of May.' })
    expect(status).toBe(201)
    expect(deedView.parse(body)).toMatchObject({ shown: false, shownAt: null, said: null, text: 'Checked the invoices of May.' })
    expect(await reads(mine)).toEqual([])
    expect(await reads(colleague)).toEqual([])
  })

  it('shows its own words to whoever said them, and to all others the deed alone', async () => {
    const { body } = await add({ text: 'The invoices\n are  right again.', shown: true, answerId: two.theirs['answerId'] })
    expect(deedView.parse(body)).toMatchObject({ text: 'The invoices are right again.', said: { comment: 'The invoices are wrong, says Zebulon.' } })
    expect(await reads(mine)).toMatchObject([{ did: 'The invoices are right again.', said: { comment: 'The invoices are wrong, says Zebulon.' } }])
    expect(await reads(colleague)).toMatchObject([{ did: 'The invoices are right again.', said: null }])
    const seen = JSON.stringify((await colleague.get('/api/me/feedback')).body)
    for (const word of ['Zebulon', two.theirs['userId']!, two.theirs['answerId']!, 'Checked the invoices']) expect(seen).not.toContain(word)
    expect(await reads(two.otherCustomer)).toEqual([])
  })

  it('can be changed, hidden and withdrawn, each told in the timeline', async () => {
    const { deedId } = deedView.parse((await add({ text: 'We <b>called</b> you.', shown: true })).body)
    const change = (body: object) => two.admin.send('PATCH', `${path}/${deedId}`, body)
    expect((await reads(mine))[0]).toMatchObject({ did: 'We <b>called</b> you.' })
    expect((await change({ text: 'We called twice.' })).body).toMatchObject({ text: 'We called twice.', shown: true })
    expect((await reads(mine))[0]?.did).toBe('We called twice.')
    await change({ shown: false })
    expect((await reads(mine)).map(({ did }) => did)).not.toContain('We called twice.')
    await change({ shown: true })
    expect((await two.admin.send('DELETE', `${path}/${deedId}`)).status).toBe(200)
    expect((await reads(mine)).map(({ did }) => did)).not.toContain('We called twice.')
    expect((await change({ text: 'Too late.' })).status).toBe(404)
    const { items } = (await two.admin.get(`/api/accounts/${locationId}/timeline?groups=answers`)).body as { items: { type: string; summary: string }[] }
    expect(items.filter(({ type }) => type.startsWith('deed.')).slice(0, 5).map(({ type }) => type).sort()).toEqual(['deed.changed', 'deed.hidden', 'deed.shown', 'deed.shown', 'deed.withdrawn'])
  })

  it('is stored once for the same key, and refused where it is not right', async () => {
    const key = 'the-same-key-twice'
    const [one, again] = [await add({ text: 'Once.', idempotencyKey: key }), await add({ text: 'Once.', idempotencyKey: key })]
    expect(again.body.deedId).toBe(one.body.deedId)
    for (const other of [{ text: 'Other.' }, { text: 'Once.', shown: true }, { text: 'Once.', answerId: two.theirs['answerId'] }]) expect((await add({ ...other, idempotencyKey: key })).status).toBe(409)
    const clicks = await Promise.all([1, 2, 3].map(() => add({ text: 'Clicked thrice.', idempotencyKey: 'clicked-thrice' })))
    expect(new Set(clicks.map(({ status, body }) => `${status} ${body.deedId}`)).size).toBe(1)
    expect((await told('Clicked thrice.')).map(({ type }) => type)).toEqual(['deed.noted'])
    expect((await add({ text: ' \n ' })).body.error.details.fields[0].field).toBe('text')
    expect((await add({ text: 'x'.repeat(281) })).status).toBe(400)
    expect((await add({ text: 'About nothing.', answerId: 'no-such-answer' })).body.error.details.fields[0].field).toBe('answerId')
    expect((await two.otherAdmin.send('POST', path, { text: 'Not ours.' })).status).toBe(404)
    expect((await two.customer.send('POST', path, { text: 'Not mine.' })).status).toBe(403)
    const list = deedList.parse((await two.admin.get(path)).body)
    expect(list.sayings[0]).toMatchObject({ comment: 'The invoices are wrong, says Zebulon.' })
    expect(list.items.map(({ text }) => text)).not.toContain('Other.')
  })

  it('takes every change of several people at once, and tells each', async () => {
    const { deedId } = deedView.parse((await add({ text: 'Draft.' })).body)
    const texts = ['By Ada.', 'By Ben.', 'By Cleo.']
    const replies = await Promise.all(texts.map((text) => two.admin.send('PATCH', `${path}/${deedId}`, { text })))
    expect(replies.map(({ status, body }) => `${status} ${body.text}`).sort()).toEqual(texts.map((text) => `200 ${text}`))
    for (const text of texts) expect((await told(text)).map(({ type }) => type)).toEqual(['deed.changed'])
  })

  it('is found under its own account only, and is about an answer of that account only', async () => {
    const elsewhere = two.product.sandbox.company().accounts.find(({ id }) => id !== locationId)!.id
    const { deedId } = deedView.parse((await add({ text: 'Here.' })).body)
    for (const [who, where] of [[two.admin, elsewhere], [two.otherAdmin, two.ours['locationId']], [two.otherAdmin, locationId]] as const) {
      expect((await who.send('PATCH', `/api/accounts/${where}/deeds/${deedId}`, { text: 'Taken over.', shown: true })).status).toBe(404)
      expect((await who.send('DELETE', `/api/accounts/${where}/deeds/${deedId}`)).status).toBe(404)
      expect((await who.send('POST', `/api/accounts/${where}/deeds`, { text: 'About theirs.', shown: true, answerId: two.theirs['answerId'] })).status).toBe(where === locationId ? 404 : 422)
    }
    expect(deedList.parse((await two.admin.get(path)).body).items[0]).toMatchObject({ deedId, text: 'Here.', shown: false })
    expect((await two.admin.get('/api/accounts/no-such-account/deeds')).status).toBe(404)
  })

  it('comes with the closing of a case, about what was said in it, once however often it is sent', async () => {
    const close = (text = 'We corrected every invoice.') => two.admin.send('POST', `/api/cases/${two.theirs['caseId']}/close`, { outcome: 'resolved', note: 'Called.', did: { text, shown: true } })
    expect((await close('x'.repeat(281))).status).toBe(400)
    expect((await two.admin.get(`/api/cases/${two.theirs['caseId']}`)).body.state).toBe('open')
    const stream = await listen(two.product.url, await colleague.token())
    expect((await Promise.all([close(), close(), close()])).map(({ status }) => status)).toEqual([200, 200, 200])
    expect((await close()).status).toBe(200)
    expect((await two.otherAdmin.send('POST', `/api/cases/${two.theirs['caseId']}/close`, { outcome: 'resolved', note: 'Called.', did: { text: 'Not ours.', shown: true } })).status).toBe(404)
    const { items } = deedList.parse((await two.admin.get(path)).body)
    expect(items.filter(({ text }) => text === 'We corrected every invoice.')).toMatchObject([{ shown: true, said: { userId: two.theirs['userId'] } }])
    await stream.heard({ type: 'mine' })
    stream.close()
  })
})

describe('after an answer', () => {
  const give = (who: Client, key: string, language = 'en') =>
    who.token().then(async (token) => {
      const response = await fetch(`${two.product.url}/api/answers`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'accept-language': language },
        body: JSON.stringify({ level: 'happy', idempotencyKey: key }),
      })
      return (await response.json()) as { did: string[] }
    })

  it('the newest that the person has not seen is said once, in their language; a repeated request is told the same', async () => {
    const german = languages.de.card
    const first = await give(mine, 'after-answer-1', 'de')
    expect(first.did).toEqual([`${german.youSaid}: The invoices are wrong, says Zebulon.`, `${german.weDid}: We corrected every invoice.`])
    expect((await give(mine, 'after-answer-1', 'de')).did).toEqual(first.did)
    expect((await give(mine, 'after-answer-2')).did).toEqual([])
    expect((await give(colleague, 'after-answer-3', 'ar')).did).toEqual([`${languages.ar.card.weDid}: \u2068We corrected every invoice.\u2069`])
  })

  it('what was read on the card is not said again', async () => {
    const { deedId } = deedView.parse((await add({ text: 'Reminders wait for Monday.', shown: true })).body)
    expect((await mine.send('POST', '/api/me/deeds/seen', { deedId })).status).toBe(200)
    expect((await give(mine, 'after-answer-4')).did).toEqual([])
    expect((await two.otherCustomer.send('POST', '/api/me/deeds/seen', { deedId })).status).toBe(404)
  })

  it('what was hidden and is shown again is no news; what was only for the team before, is', async () => {
    const { deedId } = deedView.parse((await add({ text: 'Calls come in the morning.', shown: true })).body)
    expect((await give(mine, 'after-answer-5')).did).toEqual(['We did: Calls come in the morning.'])
    for (const shown of [false, true]) await two.admin.send('PATCH', `${path}/${deedId}`, { shown })
    expect((await give(mine, 'after-answer-6')).did).toEqual([])
    expect((await reads(mine))[0]?.did).toBe('Calls come in the morning.')
    const noted = deedView.parse((await add({ text: 'Kept for later.' })).body)
    expect((await give(mine, 'after-answer-7')).did).toEqual([])
    await two.admin.send('PATCH', `${path}/${noted.deedId}`, { shown: true })
    expect((await give(mine, 'after-answer-8')).did).toEqual(['We did: Kept for later.'])
  })

  it('a long comment is quoted as far as it reminds of it', async () => {
    const answered = await colleague.send('POST', '/api/answers', { level: 'neutral', comment: `${'👩‍🚒'.repeat(200)} end`, idempotencyKey: 'a-long-comment' })
    await add({ text: 'We read it all.', shown: true, answerId: answered.body.answerId })
    expect((await give(colleague, 'after-answer-9')).did).toEqual([`You said: ${'👩‍🚒'.repeat(140)}…`, 'We did: We read it all.'])
  })
})

describe('when the account is gone', () => {
  it('nobody reads or changes it from there any more; the team has it still', async () => {
    const gone = two.product.sandbox.company().accounts.find(({ id }) => id !== locationId)!.id
    await two.admin.send('PUT', `/api/accounts/${gone}/feedback`, { enabled: true })
    const user = two.product.as({ userId: two.product.sandbox.accountUsersOf(gone)[0]!.id, locationId: gone })
    const { body } = await two.admin.send('POST', `/api/accounts/${gone}/deeds`, { text: 'Before they left.', shown: true })
    expect((await reads(user)).map(({ did }) => did)).toEqual(['Before they left.'])
    two.product.sandbox.uninstall({ locationId: gone })
    await until('its user is out', async () => (await user.get('/api/me/feedback')).status === 401, 15_000)
    expect((await user.send('POST', '/api/me/deeds/seen', { deedId: body.deedId })).status).toBe(401)
    expect(deedList.parse((await two.admin.get(`/api/accounts/${gone}/deeds`)).body).items).toMatchObject([{ text: 'Before they left.' }])
    expect((await two.admin.send('DELETE', `/api/accounts/${gone}/deeds/${body.deedId}`)).status).toBe(200)
  })
})

describe('when the agency is gone for good', () => {
  it('its sentences go with it, and nobody else\'s', async () => {
    const foreign = two.ours['locationId']!
    const { body } = await two.otherAdmin.send('POST', `/api/accounts/${foreign}/deeds`, { text: 'Goes.', shown: true })
    expect((await two.otherCustomer.send('POST', '/api/me/deeds/seen', { deedId: body.deedId })).status).toBe(200)
    const kept = async (companyId: string) => Promise.all(['deeds', 'deed_seen'].map((name) => two.product.connection.collection(name).countDocuments({ companyId })))
    const before = await kept(two.product.companyId)
    expect(await kept(two.otherId)).toEqual([1, 1])
    expect((await two.otherAdmin.send('POST', '/api/installation/disconnect', {})).status).toBe(200)
    await two.product.connection.collection<{ _id: string }>('installations').updateOne({ _id: two.otherId }, { $set: { purgeAfter: new Date(0) } })
    expect(await two.product.app.services.installations.sweepRetention(10)).toBe(1)
    expect(await kept(two.otherId)).toEqual([0, 0])
    expect(await kept(two.product.companyId)).toEqual(before)
  })
})
