import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { DomainEvent } from '../../src/events/index.ts'
import { briefText } from '../../src/people/brief.ts'
import { openWorld, type World } from './support.ts'

let w: World
beforeEach(async () => {
  w = await openWorld()
})
afterEach(() => w.t.store.close())

const userEvent = (kind: 'created' | 'removed', userId: string, locationId: string, at: Date, eventId: string) => ({
  kind, companyId: 'c1', userId, agencyUser: false, locationIds: [locationId], completeList: false, firstName: userId, lastName: null, email: null, phone: null, role: 'admin' as const, at, eventId,
})

/** Takes note of everything that was told so far, twice. */
async function observeAll(type: string): Promise<void> {
  for (const event of [...w.told(type), ...w.told(type)]) await w.people.observe(event)
}

describe('the owner of an account', () => {
  it('a hand-over is told once, with who had it before, the note and the way to the brief; nothing is told where nothing changed', async () => {
    await w.people.assignCsm(w.boss, 'l1', 'cora')
    await w.people.assignCsm(w.boss, 'l1', 'cora')
    await w.people.assignCsm(w.boss, 'l1', 'dan', 'Call them on Mondays')
    await w.people.assignCsm(w.boss, 'l1', null)
    const told = w.told('csm.assigned')
    expect(told.map((event) => [event.before, event.after])).toEqual([
      [null, { userId: 'cora', name: 'Cora' }],
      [{ userId: 'cora', name: 'Cora' }, { userId: 'dan', name: 'Dan' }],
      [{ userId: 'dan', name: 'Dan' }, null],
    ])
    expect(told[1]).toMatchObject({ actor: { id: 'boss' }, source: 'page', summary: 'Dan took over the account from Cora. Note: Call them on Mondays', data: { note: 'Call them on Mondays', link: '/accounts/l1/brief', formerCsmUserId: 'cora' } })
    await expect(w.people.assignCsm(w.boss, 'l1', 'u1')).rejects.toMatchObject({ status: 422, code: 'csm_unknown' })
    await expect(w.people.assignCsm(w.boss, 'm1', 'cora')).rejects.toMatchObject({ status: 404 })
  })

  it('premium is told once per real change, also in bulk', async () => {
    await w.people.setPremium(w.boss, 'l1', true)
    await w.t.accounts.bulk(w.boss, { action: 'premium_on', locationIds: ['l1', 'l2'] })
    expect(w.told('account.premium_changed').map((event) => [event.locationId, event.source, event.after])).toEqual([['l1', 'page', true], ['l2', 'bulk', true]])
  })

  it('assigning at the same time from two processes tells every change, in one chain', async () => {
    const other = await w.another()
    await Promise.all(['cora', 'dan', 'boss', 'cora', 'dan'].flatMap((userId) => [w.people.assignCsm(w.boss, 'l1', userId), other.assignCsm(w.cora, 'l1', userId)]))
    const told = w.told('csm.assigned').sort((left, right) => Number(left.key.split(':').at(-1)) - Number(right.key.split(':').at(-1)))
    told.forEach((event, index) => expect(event.before).toEqual(index === 0 ? null : told[index - 1]?.after))
    expect((await w.t.accounts.get('c1', 'l1'))?.csm?.userId).toBe((told.at(-1)?.after as { userId: string }).userId)
  })

  it('by rule: a dry run says what would happen and changes nothing; the real run does just that', async () => {
    const request = { locationIds: ['l3', 'l1', 'l2', 'm1', 'l4'], rule: 'round_robin' as const, csmUserIds: ['dan', 'cora'], dryRun: true }
    const dry = await w.people.assignByRule(w.boss, request)
    // By name: Alpha, beta, Delta, Gamma.
    expect(dry.assigned.map((entry) => [entry.locationId, entry.csm.userId])).toEqual([['l1', 'dan'], ['l2', 'cora'], ['l4', 'dan'], ['l3', 'cora']])
    expect(dry.failed).toMatchObject([{ locationId: 'm1', error: { code: 'not_found' } }])
    expect(w.told('csm.assigned')).toEqual([])
    const real = await w.people.assignByRule(w.boss, { ...request, dryRun: false })
    expect({ ...real, dryRun: true }).toEqual(dry)
    expect(w.told('csm.assigned').map((event) => [event.source, event.data['rule']])).toEqual(Array(4).fill(['bulk', 'round_robin']))
    const balanced = await w.people.assignByRule(w.boss, { filter: {}, rule: 'least_loaded', csmUserIds: ['boss', 'cora', 'dan'], dryRun: false })
    expect(balanced.load.map((row) => row.accounts).sort()).toEqual([1, 2, 2])
    const before = w.told('csm.assigned').length
    await w.people.assignByRule(w.boss, { filter: {}, rule: 'least_loaded', csmUserIds: ['boss', 'cora', 'dan'], dryRun: false })
    expect(w.told('csm.assigned')).toHaveLength(before)
    await expect(w.people.assignByRule(w.boss, { ...request, csmUserIds: ['dan', 'u1'] })).rejects.toMatchObject({ status: 422, message: expect.stringContaining('csmUserIds.1') })
  })

  it.each(['round_robin', 'least_loaded'] as const)('new accounts get an owner by %s, each once, whichever process hears of them and how often', async (rule) => {
    await w.t.settings.update('c1', { ownership: { newAccounts: rule, csmUserIds: ['cora', 'dan', 'gone'] } }, 'boss')
    const other = await w.another()
    w.t.clock.advanceMs(10_000)
    for (const id of ['n1', 'n2', 'n3', 'n4', 'n5', 'n6']) {
      await w.t.accounts.applyLocationEvent({ kind: 'created', companyId: 'c1', locationId: id, name: id, email: null, at: w.t.clock.now(), eventId: id })
    }
    const created = w.told('account.created')
    await Promise.all([...created, ...created].map((event, index) => (index % 2 === 0 ? w.people : other).observe(event)))
    expect(w.told('csm.assigned')).toHaveLength(6)
    const sizes = await w.t.accounts.portfolioSizes('c1', ['cora', 'dan'])
    expect([...sizes.values()]).toEqual([3, 3])
    // What a person decided since is not undone by hearing of the account again.
    await w.people.assignCsm(w.boss, 'n1', null)
    for (const event of created) await other.observe(event)
    expect((await w.t.accounts.get('c1', 'n1'))?.csm).toBeNull()
    expect(w.told('csm.assigned')).toHaveLength(7)
  })

  it('nobody is assigned where the agency says so', async () => {
    await w.t.accounts.applyLocationEvent({ kind: 'created', companyId: 'c1', locationId: 'n1', name: 'n1', email: null, at: w.t.clock.now(), eventId: 'n1' })
    await observeAll('account.created')
    expect(w.told('csm.assigned')).toEqual([])
  })

  it('accounts of somebody who left the staff have no owner any more, and it is told; a new name is shown everywhere', async () => {
    for (const id of ['l1', 'l2']) await w.people.assignCsm(w.boss, id, 'cora')
    w.t.clock.advanceMs(1_000)
    const cora = { kind: 'updated' as const, companyId: 'c1', userId: 'cora', agencyUser: true, locationIds: [], completeList: false, firstName: 'Cora', lastName: 'New', email: null, phone: null, role: 'admin' as const }
    await w.t.accounts.applyUserEvent({ ...cora, at: w.t.clock.now(), eventId: 'a' })
    expect((await w.t.accounts.get('c1', 'l2'))?.csm?.name).toBe('Cora New')
    w.t.clock.advanceMs(1_000)
    await w.t.accounts.applyUserEvent({ ...cora, kind: 'removed', at: w.t.clock.now(), eventId: 'b' })
    await w.t.accounts.applyUserEvent({ ...cora, kind: 'removed', at: w.t.clock.now(), eventId: 'b' })
    expect((await w.t.accounts.get('c1', 'l1'))?.csm).toBeNull()
    const told = w.told('csm.assigned').filter((event) => event.after === null)
    expect(told.map((event) => event.locationId).sort()).toEqual(['l1', 'l2'])
    expect(told[0]).toMatchObject({ actor: { kind: 'crm' }, data: { reason: 'left_team', formerCsmUserId: 'cora' } })
    expect((await w.people.csms('c1')).map((row) => row.userId)).toEqual(['boss', 'dan'])
    expect((await w.people.brief(w.boss, 'l1')).formerCsm).toEqual({ userId: 'cora', name: 'Cora New' })
  })
})

describe('groups', () => {
  const location = (planId: string | null, eventId: string) => ({ kind: 'updated' as const, companyId: 'c1', locationId: 'l1', name: 'Alpha', email: null, stripeProductId: planId, at: w.t.clock.now(), eventId })
  const groups = () => w.told('account.group_changed').map((event) => [event.locationId, event.before, event.after])

  it('follow the plan as the agency lists it, else as HighLevel has it; a change of the list derives them again, in slices', async () => {
    await w.t.accounts.applyLocationEvent(location('plan_free', 'a'))
    await w.t.accounts.applyLocationEvent({ ...location('plan_pro', 'b'), locationId: 'l2', name: 'beta' })
    expect(groups()).toEqual([['l1', 'regular', 'saas'], ['l2', 'regular', 'saas']])
    await w.t.settings.update('c1', { groups: { plans: [{ planId: 'plan_free', label: 'Free', group: 'regular' }] } }, 'boss')
    for (let slice = 0; slice < 4; slice += 1) await w.t.accounts.keepUp(2)
    expect(groups().slice(2)).toEqual([['l1', 'saas', 'regular']])
    expect((await w.t.accounts.list('c1', { group: 'saas', sort: 'name', page: 1, pageSize: 50 })).items.map((account) => account.locationId)).toEqual(['l2'])
    // Another process may have worked with the list of before for a moment: looked at once more, then left alone.
    w.t.clock.advanceMs(11_000)
    expect(await w.t.accounts.keepUp(100)).toBe(5)
    expect(await w.t.accounts.keepUp(100)).toBe(0)
    await w.t.accounts.applyLocationEvent({ ...location(null, 'c'), locationId: 'l2', name: 'beta', at: w.t.clock.now() })
    expect(groups().at(-1)).toEqual(['l2', 'saas', 'regular'])
  })

  it('an account that loses the app is churned, whatever its plan; premium stays a mark of its own', async () => {
    await w.people.setPremium(w.boss, 'l1', true)
    w.t.clock.advanceMs(1_000)
    await w.t.accounts.applyInstallFact({ companyId: 'c1', locationId: 'l1', installed: false, at: w.t.clock.now(), eventId: 'z' })
    expect(groups()).toEqual([['l1', 'regular', 'churned']])
    expect(await w.t.accounts.get('c1', 'l1')).toMatchObject({ group: 'churned', premium: true })
  })
})

describe('primary contact and key users', () => {
  it('a choice is told once; without one it is the longest-standing admin', async () => {
    expect(await w.people.primary('c1', 'l1')).toEqual({ userId: 'u2' })
    expect(await w.people.primary('c1', 'l3')).toBeNull()
    await w.people.choosePrimary(w.boss, 'l1', 'u1')
    const after = await w.people.choosePrimary(w.boss, 'l1', 'u1')
    expect(after.map((person) => [person.userId, person.primaryBy])).toEqual([['u1', 'person'], ['u2', null]])
    await w.people.choosePrimary(w.boss, 'l1', null)
    expect(w.told('person.primary_changed').map((event) => [event.before, event.after])).toEqual([
      [{ userId: 'u2', name: 'Umberto' }, { userId: 'u1', name: 'Una' }], [{ userId: 'u1', name: 'Una' }, { userId: 'u2', name: 'Umberto' }],
    ])
    await expect(w.people.choosePrimary(w.boss, 'l1', 'u3')).rejects.toMatchObject({ status: 422, message: expect.stringContaining('userId') })
    await expect(w.people.choosePrimary(w.boss, 'm1', 'x1')).rejects.toMatchObject({ status: 404 })
  })

  it('key users are marked and told once each', async () => {
    await Promise.all([w.people.markKey(w.boss, 'l1', 'u1', true), w.people.markKey(w.boss, 'l1', 'u1', true), w.people.markKey(w.boss, 'l1', 'u2', true)])
    await w.people.markKey(w.boss, 'l1', 'u1', false)
    expect((await w.people.people('c1', 'l1')).filter((person) => person.key).map((person) => person.userId)).toEqual(['u2'])
    expect(w.told('person.key_changed')).toHaveLength(3)
  })

  it('a primary contact who leaves falls back to the default and it is told once, chosen or not', async () => {
    await w.people.choosePrimary(w.boss, 'l1', 'u1')
    await w.people.markKey(w.boss, 'l1', 'u1', true)
    w.t.clock.advanceMs(1_000)
    await w.t.accounts.applyUserEvent(userEvent('removed', 'u1', 'l1', w.t.clock.now(), 'r1'))
    await observeAll('user.removed')
    expect(await w.people.primary('c1', 'l1')).toEqual({ userId: 'u2' })
    w.t.clock.advanceMs(1_000)
    await w.t.accounts.applyUserEvent(userEvent('removed', 'u2', 'l1', w.t.clock.now(), 'r2'))
    await observeAll('user.removed')
    w.t.clock.advanceMs(1_000)
    await w.t.accounts.applyUserEvent(userEvent('created', 'u9', 'l1', w.t.clock.now(), 'r3'))
    await observeAll('user.added')
    expect(w.told('person.primary_changed').map((event) => [(event.after as { userId: string } | null)?.userId ?? null, event.data['reason'], event.actor.kind])).toEqual([
      ['u1', 'chosen', 'agency_user'], ['u2', 'left', 'system'], [null, 'left', 'system'], ['u9', 'joined', 'system'],
    ])
  })
})

describe('hours', () => {
  it('one key is one entry; only its owner takes it back, and then it does not count', async () => {
    const first = await w.people.logHours(w.cora, 'l1', { minutes: 90, note: '=1+1', idempotencyKey: 'key-12345' })
    expect(await w.people.logHours(w.cora, 'l1', { minutes: 5, idempotencyKey: 'key-12345' })).toEqual(first)
    await w.people.logHours(w.boss, 'l1', { minutes: 30, on: '2026-10-30' })
    await w.people.logHours(w.cora, 'l2', { minutes: 10 })
    expect(await w.people.hoursOf('c1', 'l1', { page: 1, pageSize: 1 })).toMatchObject({ total: 2, minutes: 120, items: [{ entryId: first.entryId }] })
    expect(await w.people.hoursOf('c1', 'l1', { csm: 'boss', page: 1, pageSize: 50 })).toMatchObject({ total: 1, minutes: 30 })
    expect(await w.people.hoursReport('c1', { by: 'csm', page: 1, pageSize: 10 })).toMatchObject({ from: '2026-10-04', to: '2026-11-02', minutes: 130, rows: [{ id: 'cora', name: 'Cora', minutes: 100, entries: 2, accounts: 2 }, { id: 'boss', minutes: 30, accounts: 1 }] })
    expect(await w.people.hoursReport('c1', { by: 'account', from: '2026-11-01', page: 1, pageSize: 10 })).toMatchObject({ total: 2, rows: [{ id: 'l1', name: 'Alpha', minutes: 90 }, { id: 'l2', name: 'beta', minutes: 10 }] })
    expect((await w.people.csms('c1')).map((row) => row.minutesLast30Days)).toEqual([30, 100, 0])
    await expect(w.people.removeHours(w.boss, 'l1', first.entryId)).rejects.toMatchObject({ status: 403, code: 'not_your_entry' })
    await w.people.removeHours(w.cora, 'l1', first.entryId)
    await w.people.removeHours(w.cora, 'l1', first.entryId)
    expect(await w.people.hoursOf('c1', 'l1', { page: 1, pageSize: 50 })).toMatchObject({ total: 1, minutes: 30 })
    await expect(w.people.logHours(w.cora, 'l1', { minutes: 90, idempotencyKey: 'key-12345' })).rejects.toMatchObject({ status: 409 })
    expect([w.told('hours.logged').length, w.told('hours.removed').length]).toEqual([3, 1])
    await expect(w.people.logHours(w.cora, 'l1', { minutes: 1, on: '2026-11-04' })).rejects.toMatchObject({ status: 422, message: expect.stringContaining('on:') })
  })

  it('a report counts every entry of a day, however many come at once, and shows one page', async () => {
    await Promise.all(Array.from({ length: 12 }, (_, index) => w.people.logHours(w.cora, index % 3 === 0 ? 'l2' : 'l1', { minutes: 10 })))
    const report = await w.people.hoursReport('c1', { by: 'account', page: 2, pageSize: 1 })
    expect(report).toMatchObject({ minutes: 120, total: 2, rows: [{ id: 'l2', minutes: 40, entries: 4 }] })
    expect(await w.people.hoursReport('c1', { by: 'csm', page: 1, pageSize: 10 })).toMatchObject({ rows: [{ id: 'cora', minutes: 120, entries: 12, accounts: 2 }] })
    expect(await w.people.hoursReport('c2', { by: 'csm', page: 1, pageSize: 10 })).toMatchObject({ minutes: 0, rows: [], total: 0 })
  })

  it('what a crash left untold is told later, once', async () => {
    w.broken = true
    await expect(w.people.logHours(w.cora, 'l1', { minutes: 90 })).rejects.toThrow('away')
    await expect(w.people.markKey(w.boss, 'l1', 'u1', true)).rejects.toThrow('away')
    w.broken = false
    w.t.clock.advanceMs(11_000)
    expect(await w.people.keepUp(10)).toBe(2)
    expect(await w.people.keepUp(10)).toBe(0)
    expect([w.told('hours.logged').length, w.told('person.key_changed').length]).toEqual([1, 1])
  })
})

describe('the brief', () => {
  const event = (key: string, type: DomainEvent['type'], data: Record<string, unknown>): DomainEvent => ({
    key, companyId: 'c1', locationId: 'l1', userId: null, type, at: w.t.clock.now(), actor: { kind: 'agency_user', id: 'cora', name: 'Cora' }, source: 'page', summary: `Something: ${key}`, data,
  })

  it('holds stored facts only, each with its link, and prints as plain text', async () => {
    const setAt = new Date(w.t.clock.nowMs() - 30 * 86_400_000)
    await w.t.accounts.setHealth('c1', 'l1', { level: 'struggling', setAt, setBy: { userId: 'cora', name: 'Cora' }, source: 'page', note: 'Lost their\nbig customer', reasonCodes: ['cost_cutting'], confirmedAt: null, staleAt: new Date(w.t.clock.nowMs() - 1), changeId: 'ch1', noteWanted: true })
    await w.t.accounts.setHappiness('c1', 'l1', { level: 'happy', score: 20, answered: 1, newestAt: w.t.clock.now(), dissent: true })
    await w.cases.attach({ companyId: 'c1', locationId: 'l1', userId: 'u1', userName: 'Una', answerId: 'a1', comment: 'Too slow', at: w.t.clock.now(), source: 'widget' })
    w.t.events.set('h1', event('h1', 'health.changed', { note: 'Lost their big customer', changeId: 'ch1' }))
    for (let index = 0; index < 20; index += 1) w.t.events.set(`s${index}`, event(`s${index}`, 'message.sent', {}))
    await w.people.assignCsm(w.boss, 'l1', 'cora')
    await w.people.assignCsm(w.boss, 'l1', 'dan', 'Be patient with them')
    await w.people.logHours(w.cora, 'l1', { minutes: 75, note: 'Call' })
    const brief = await w.people.brief(w.boss, 'l1')
    expect(brief).toMatchObject({ accountName: 'Alpha', csm: { userId: 'dan' }, formerCsm: { userId: 'cora', name: 'Cora' } })
    const lines = Object.fromEntries(brief.sections.map((section) => [section.key, section.lines]))
    expect(lines['status']?.map((line) => line.text)).toEqual(['Health Status: Struggling, set by Cora 30 days ago; it is stale and needs a look.', 'Note: Lost their big customer', 'Reasons: Cost cutting.'])
    expect(lines['happiness']?.[0]?.text).toBe('Happiness Level: Happy (1 of 2 users answered, newest answer today).')
    expect(lines['people']?.map((line) => [line.text, line.link])).toEqual([['Umberto (primary contact by default, admin), u2@example.com', '/accounts/l1/people/u2'], ['Una, u1@example.com', '/accounts/l1/people/u1']])
    expect(lines['open_items']?.map((line) => line.link?.split('/')[1])).toEqual(['cases', 'accounts', 'accounts'])
    expect(lines['open_items']?.[0]?.text).toContain('Too slow')
    expect(lines['recent']).toHaveLength(15)
    expect(lines['hours']?.[0]?.text).toBe('1 h 15 min in the last 90 days: Cora 1 h 15 min.')
    expect(lines['notes']?.map((line) => line.text)).toEqual(expect.arrayContaining(['Cora: Lost their big customer', 'Boss: Be patient with them']))
    const text = briefText(brief)
    expect(text).toContain('Hand-over brief: Alpha')
    expect(text).toContain('Looked after by: Dan; before: Cora')
    expect(text.split('\n').every((line) => !line.includes('undefined') && !line.includes('null'))).toBe(true)
  })

  it('says so where nothing is known', async () => {
    const { sections } = await w.people.brief(w.boss, 'l3')
    expect(sections.map((section) => section.lines[0]?.text)).toEqual([
      'Health Status: nobody has set one yet.', 'Happiness Level: no current reading (0 of 0 users answered).', 'This account has no users.', 'Nothing is open.', 'Nothing has happened yet.',
      'No time was logged in the last 90 days.', 'Nobody has written a note yet.',
    ])
  })
})
