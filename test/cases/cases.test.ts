import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { caseView } from '../../src/http/contract/cases.ts'
import { hourMs, minuteMs } from '../../src/kernel/clock.ts'
import { RequestError } from '../../src/kernel/errors.ts'
import type { HappinessLevel } from '../../src/kernel/levels.ts'
import { companyId, csm, eventsOf, locationId, newKey, openRig, respondent, type Rig } from '../feedback/rig.ts'

let rig: Rig
beforeEach(async () => {
  rig = await openRig()
})
afterEach(() => rig.close())

const give = (userId: string, level: HappinessLevel, comment?: string) =>
  rig.feedback.answers.give(respondent(userId), { level, comment, idempotencyKey: newKey(), source: 'button' })
const paged = { page: 1, pageSize: 20 }
async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    if (error instanceof RequestError) return `${error.status} ${error.code}`
    throw error
  }
  return 'ok'
}
const openCase = async (userId: string) => (await rig.cases.openCaseOf(companyId, locationId, userId))!.caseId

describe('a Not Happy answer', () => {
  it("opens one case with the account's CSM as owner, due in 24 hours", async () => {
    await give('a', 'not_happy', 'Nobody called back.')
    const { items, total } = await rig.cases.list(csm, { ...paged, state: 'open' })
    expect(total).toBe(1)
    const [view] = items
    expect(caseView.parse(view)).toMatchObject({
      userName: 'User a',
      accountName: 'Harbor Street Dental',
      owner: { userId: 'csm1', name: 'Priya Nair' },
      comment: 'Nobody called back.',
      overdue: false,
      openedAt: '2026-11-02T09:00:00.000Z',
      dueAt: '2026-11-03T09:00:00.000Z',
      outcome: null,
    })
    expect(eventsOf(rig.world, 'case.opened')).toMatchObject([
      { userId: 'a', data: { ownerUserId: 'csm1', comment: 'Nobody called back.' } },
    ])
  })

  it('attaches to the open case of its user; another user has a case of their own', async () => {
    await give('a', 'not_happy', 'one')
    rig.clock.advanceMs(hourMs)
    await Promise.all([give('a', 'not_happy', 'two'), give('a', 'not_happy', 'three'), give('b', 'not_happy')])
    const { items } = await rig.cases.list(csm, { ...paged, state: 'open' })
    expect(items.map((item) => [item.userId, item.answers.length]).sort()).toEqual([
      ['a', 3],
      ['b', 1],
    ])
    expect(eventsOf(rig.world, 'case.opened')).toHaveLength(2)
  })

  it('does not open a second case when derived again after a person closed the first', async () => {
    const { answer } = await give('a', 'not_happy')
    await rig.cases.close(csm, await openCase('a'), { outcome: 'resolved', note: 'Called.' })
    await rig.cases.attach({
      companyId,
      locationId,
      userId: 'a',
      userName: 'User a',
      answerId: answer.answerId,
      comment: null,
      at: rig.clock.now(),
      source: 'widget',
    })
    expect(await rig.cases.openCaseOf(companyId, locationId, 'a')).toBeNull()
    await give('a', 'not_happy')
    expect(await rig.cases.openCaseOf(companyId, locationId, 'a')).not.toBeNull()
  })

  it('that is taken back leaves a case that other answers keep open', async () => {
    const { answer } = await give('a', 'not_happy')
    await give('a', 'not_happy')
    await rig.feedback.answers.change(respondent('a'), answer.answerId, { level: 'happy' })
    const { items } = await rig.cases.list(csm, { ...paged, state: 'open' })
    expect(items.map((item) => item.answers.length)).toEqual([1])
    expect(eventsOf(rig.world, 'case.closed')).toHaveLength(0)
  })

  it('takes the comment along that comes a moment later', async () => {
    const { answer } = await give('a', 'not_happy')
    await rig.feedback.answers.change(respondent('a'), answer.answerId, { comment: 'The invoice is wrong.' })
    expect((await rig.cases.get(companyId, await openCase('a')))?.comment).toBe('The invoice is wrong.')
  })
})

describe('closing', () => {
  it('is done by a person, once; the same click again is no conflict, another closing is', async () => {
    await give('a', 'not_happy')
    const id = await openCase('a')
    const closed = await rig.cases.close(csm, id, { outcome: 'resolved', note: 'Called and fixed.' })
    expect(closed).toMatchObject({
      state: 'closed',
      outcome: 'resolved',
      note: 'Called and fixed.',
      closedBy: { userId: 'csm1', name: 'Priya Nair' },
    })
    expect(await rig.cases.close(csm, id, { outcome: 'resolved', note: 'Called and fixed.' })).toEqual(closed)
    expect(await codeOf(rig.cases.close(csm, id, { outcome: 'no_action', note: 'x' }))).toBe('409 case_closed')
    expect(eventsOf(rig.world, 'case.closed')).toHaveLength(1)
  })

  it("of another agency's case is not possible, and looks as if there were none", async () => {
    await give('a', 'not_happy')
    const id = await openCase('a')
    const stranger = { ...csm, companyId: 'agency2' }
    expect(await codeOf(rig.cases.close(stranger, id, { outcome: 'resolved', note: 'x' }))).toBe('404 not_found')
    expect(await codeOf(rig.cases.assign(stranger, id, 'csm1'))).toBe('404 not_found')
    expect(await rig.cases.get('agency2', id)).toBeNull()
    expect((await rig.cases.list(stranger, paged)).total).toBe(0)
  })
})

it('a case can be given to somebody on the team, to everyone, and to nobody else', async () => {
  await give('a', 'not_happy')
  const id = await openCase('a')
  expect((await rig.cases.assign(csm, id, 'csm2')).owner).toEqual({ userId: 'csm2', name: 'Tom Okafor' })
  expect((await rig.cases.list(csm, { ...paged, owner: 'me' })).total).toBe(0)
  expect((await rig.cases.list(csm, { ...paged, owner: 'csm2' })).total).toBe(1)
  expect(await codeOf(rig.cases.assign(csm, id, 'a'))).toBe('422 owner_unknown')
  expect((await rig.cases.assign(csm, id, null)).owner).toBeNull()
  expect((await rig.cases.list(csm, { ...paged, owner: 'none' })).total).toBe(1)
})

describe('an overdue case', () => {
  it('is told once, however many look', async () => {
    await give('a', 'not_happy')
    await give('b', 'not_happy')
    rig.clock.advanceMs(24 * hourMs - 1)
    expect(await rig.cases.markOverdue(10)).toBe(0)
    rig.clock.advanceMs(1)
    const other = await rig.another()
    await Promise.all([rig.cases.markOverdue(10), other.cases.markOverdue(10)])
    expect(await rig.cases.markOverdue(10)).toBe(0)
    expect(
      eventsOf(rig.world, 'case.overdue')
        .map((event) => event.userId)
        .sort(),
    ).toEqual(['a', 'b'])
    expect((await rig.cases.list(csm, { ...paged, overdue: true })).total).toBe(2)
    expect((await rig.cases.list(csm, { ...paged, overdue: false })).total).toBe(0)
  })

  it('is not one that was closed in time', async () => {
    await give('a', 'not_happy')
    await rig.cases.close(csm, await openCase('a'), { outcome: 'explained', note: 'Done.' })
    rig.clock.advanceMs(48 * hourMs)
    expect(await rig.cases.markOverdue(10)).toBe(0)
    expect((await rig.cases.list(csm, { ...paged, overdue: true })).total).toBe(0)
  })
})

it('what a crash left untold is told by the sweep', async () => {
  await give('a', 'not_happy')
  const event = {
    key: 'case.closed:lost',
    companyId,
    locationId,
    userId: 'a',
    type: 'case.closed',
    at: rig.clock.now(),
    actor: { kind: 'system', id: null, name: null },
    source: 'page',
    summary: '',
    data: {},
  }
  await rig.store.connection.collection('cases').updateOne({}, { $set: { outbox: [event], outboxSince: rig.clock.now() } })
  expect(await rig.cases.markOverdue(10)).toBe(0)
  rig.clock.advanceMs(minuteMs)
  expect(await rig.cases.markOverdue(10)).toBe(1)
  expect(rig.world.events.has('case.closed:lost')).toBe(true)
  expect(await rig.cases.markOverdue(10)).toBe(0)
})

describe('an owner who leaves the team', () => {
  const owners = async () => Object.fromEntries((await rig.cases.list(csm, { ...paged, state: 'open' })).items.map((item) => [item.userId, item.owner?.userId ?? null]))
  const ownedBy = (userId: string | null) => rig.world.accounts.set(locationId, { ...rig.world.accounts.get(locationId)!, csm: userId === null ? null : { userId, name: `Name of ${userId}`, email: null } })
  const left = { companyId, userId: 'csm1', name: 'Priya Nair' }

  it('leaves their open cases to the account\'s owner; closed ones stay as they were, and each is told once', async () => {
    await give('a', 'not_happy')
    await give('b', 'not_happy')
    await rig.cases.close(csm, await openCase('b'), { outcome: 'resolved', note: 'Called.' })
    ownedBy('csm2')
    await Promise.all([rig.cases.release(left), rig.cases.release(left)])
    await rig.cases.release(left)
    expect(await owners()).toEqual({ a: 'csm2' })
    expect((await rig.cases.list(csm, { ...paged, state: 'closed' })).items).toMatchObject([{ owner: { userId: 'csm1' } }])
    expect(eventsOf(rig.world, 'case.assigned')).toMatchObject([{ before: { userId: 'csm1' }, after: { userId: 'csm2' }, summary: expect.stringContaining('Priya Nair left the team') }])
  })

  it('leaves them to nobody while the account has no owner, then to whoever gets it; a case that somebody took meanwhile stays theirs', async () => {
    await give('a', 'not_happy')
    await give('b', 'not_happy')
    ownedBy(null)
    await rig.cases.release(left)
    expect(await owners()).toEqual({ a: null, b: null })
    await rig.cases.assign({ ...csm, userId: 'csm2' }, await openCase('b'), null)
    const got = { key: 'csm.assigned:1', companyId, locationId, userId: null, type: 'csm.assigned' as const, at: rig.clock.now(), actor: { kind: 'agency_user' as const, id: 'boss', name: 'Boss' }, source: 'page' as const, summary: '', data: { csmUserId: 'csm2', csmName: 'Tom Okafor' } }
    for (let times = 0; times < 2; times += 1) await rig.cases.observe(got)
    expect(await owners()).toEqual({ a: 'csm2', b: null })
    expect(eventsOf(rig.world, 'case.assigned')).toHaveLength(3)
  })
})
