import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { dayMs } from '../../src/kernel/clock.ts'
import type { HealthLevel } from '../../src/kernel/levels.ts'
import type { By } from '../../src/health/index.ts'
import { account, accountUser, companyId, eventsOf, linkedContact, locationId, openRig, page, type Rig } from './rig.ts'

let rig: Rig
beforeEach(async () => {
  rig = await openRig()
})
afterEach(() => rig.close())

const set = (level: HealthLevel, more: Record<string, unknown> = {}) => rig.health.set(companyId, locationId, { level, note: 'They said so.', ...more }, page)
const history = async () => (await rig.health.history(companyId, locationId, { page: 1, pageSize: 50 })).items

/** Somebody edited the contact's field. */
function edited(value: string | null, user = 'a', first = false) {
  rig.clock.advanceMs(60_000)
  return rig.health.personal.seen({ companyId, locationId, subjectId: `user:${locationId}:${user}`, target: `contact:key-${user}`, kind: 'field', value, at: rig.clock.now(), first })
}

/** What every place shows. */
function everywhere() {
  const { contacts, card, statuses } = rig.world
  return { list: statuses.get(locationId)?.level, contacts: [...contacts.values()].map((wanted) => wanted.fields?.healthStatus), tags: [...contacts.values()].map((wanted) => wanted.tags?.health), card: card?.level }
}

describe('setting the status', () => {
  it('reaches the list, every linked contact with its tag, the card, the timeline and history', async () => {
    expect(await set('struggling', { reasonCodes: ['cost_cutting'] })).toMatchObject({ level: 'struggling', source: 'page', note: 'They said so.', reasonCodes: ['cost_cutting'], setBy: { userId: 'csm1' }, stale: false })
    expect(everywhere()).toEqual({ list: 'struggling', contacts: ['Struggling', 'Struggling'], tags: ['health: struggling', 'health: struggling'], card: 'struggling' })
    expect(rig.world.card).toMatchObject({ subjectId: `account:${locationId}`, contact: { subjectId: `user:${locationId}:a` } })
    expect(eventsOf(rig.world, 'health.changed')).toMatchObject([{ before: null, after: 'struggling', data: { reasons: ['Cost cutting'], noteWanted: false } }])
    expect(await history()).toMatchObject([{ level: 'struggling', before: null, source: 'page', acts: [{ summary: 'Struggling was written to 2 contacts.' }, { kind: 'card_moved' }] }])
  })

  it('needs a note, known reasons, and not too many of them; each refusal names the field and what is right', async () => {
    await expect(set('healthy', { note: ' a ' })).rejects.toMatchObject({ status: 422, details: { fields: [{ field: 'note', problem: expect.any(String) }] } })
    await expect(set('healthy', { reasonCodes: ['weather'] })).rejects.toMatchObject({ code: 'reason_unknown', message: expect.stringContaining('funding_round') })
    await expect(set('healthy', { reasonCodes: ['funding_round', 'cost_cutting', 'expansion_plans', 'revenue_growth'] })).rejects.toMatchObject({ code: 'too_many_reasons' })
    expect(await history()).toEqual([])
  })

  it('with the same key is carried out once, and a key is not used for two changes', async () => {
    const key = { idempotencyKey: 'the-same-key' }
    const [first, second] = await Promise.all([set('healthy', key), set('healthy', key)])
    expect(second).toEqual(first)
    expect(await history()).toHaveLength(1)
    await expect(set('steady', key)).rejects.toMatchObject({ code: 'idempotency_key_used' })
  })

  it('is refused with the current status if somebody else was faster', async () => {
    const { changeId } = await set('healthy', { ifChangeId: null })
    await set('steady', { ifChangeId: changeId })
    await expect(set('thriving', { ifChangeId: changeId })).rejects.toMatchObject({ status: 409, code: 'health_changed_meanwhile', details: { health: { level: 'steady' } } })
  })

  it('to the level that it is already confirms it and replaces nothing', async () => {
    const before = await set('healthy')
    rig.clock.advanceMs(dayMs)
    const after = await set('healthy', { note: 'Still growing.' })
    expect(after).toMatchObject({ changeId: before.changeId, note: 'They said so.', setAt: before.setAt, confirmedAt: rig.clock.now().toISOString() })
    expect(await history()).toMatchObject([{ confirmations: [{ note: 'Still growing.', actor: { id: 'csm1' } }] }])
    expect(eventsOf(rig.world, 'health.changed')).toHaveLength(1)
    expect(eventsOf(rig.world, 'health.confirmed')).toHaveLength(1)
  })

  it('works for an account that left, and not for another agency\'s', async () => {
    rig.world.accounts.set(locationId, account({ removedAt: rig.clock.now().toISOString(), group: 'churned' }))
    expect(await set('struggling')).toMatchObject({ level: 'struggling' })
    await expect(rig.health.set('agency2', locationId, { level: 'healthy', note: 'Mine!' }, page)).rejects.toMatchObject({ status: 404 })
    await expect(rig.health.history('agency2', locationId, { page: 1, pageSize: 10 })).rejects.toMatchObject({ status: 404 })
  })

  it('makes the primary contact if nobody has one, and leaves a contact to the account whose it is', async () => {
    rig.world.linked = [linkedContact('b', 'another-account')]
    await set('healthy')
    expect([...rig.world.contacts.keys()]).toEqual([`user:${locationId}:a`])
  })

  it('shows on a contact that comes later', async () => {
    await set('healthy')
    rig.world.users.push(accountUser('c'))
    await rig.health.observe({ key: 'k', companyId, locationId, userId: 'c', type: 'feedback.received', at: rig.clock.now(), actor: page.actor, source: 'widget', summary: '', data: {} })
    expect(rig.world.contacts.get(`user:${locationId}:c`)?.fields).toEqual({ healthStatus: 'Healthy' })
  })
})

describe('what people set in HighLevel', () => {
  it('is the status everywhere, told once, and asks for its note', async () => {
    await set('healthy')
    await edited('Struggling')
    expect(everywhere()).toMatchObject({ list: 'struggling', contacts: ['Struggling', 'Struggling'], card: 'struggling' })
    expect(eventsOf(rig.world, 'health.changed').at(-1)).toMatchObject({ source: 'field', actor: { kind: 'crm', name: null }, summary: 'Somebody changed the field Health Status in the CRM: Healthy to Struggling.', data: { noteWanted: true } })
    const open = await rig.health.openItems(companyId, { csm: 'csm1', page: 1, pageSize: 10 })
    expect(open).toMatchObject({ total: 1, items: [{ accountName: 'Harbor Street Dental', csm: { userId: 'csm1' }, change: { source: 'field', noteWanted: true } }] })
    expect((await rig.health.openItems(companyId, { csm: 'csm2', page: 1, pageSize: 10 })).total).toBe(0)
  })

  it('is noted afterwards, once', async () => {
    await edited('Struggling')
    const { changeId } = await rig.health.status(companyId, locationId)
    const note = { note: 'Lost two customers.', reasonCodes: ['market_challenges'] }
    expect(await rig.health.addNote(companyId, locationId, changeId!, note, page)).toMatchObject({ note: 'Lost two customers.', noteWanted: false })
    await rig.health.addNote(companyId, locationId, changeId!, note, page)
    expect(eventsOf(rig.world, 'health.note_added')).toHaveLength(1)
    await expect(rig.health.addNote(companyId, locationId, changeId!, { note: 'No, three.' }, page)).rejects.toMatchObject({ code: 'note_given_already' })
    expect((await rig.health.openItems(companyId, { page: 1, pageSize: 10 })).total).toBe(0)
    expect(await history()).toMatchObject([{ note: 'Lost two customers.', reasonCodes: ['market_challenges'], noteWanted: false }])
    await expect(rig.health.addNote(companyId, locationId, 'no-such-change', note, page)).rejects.toMatchObject({ status: 404 })
  })

  it('is no longer asked about once a newer change says why, but may still be noted', async () => {
    await edited('Struggling')
    const { changeId } = await rig.health.status(companyId, locationId)
    await edited('Steady')
    expect((await rig.health.openItems(companyId, { page: 1, pageSize: 10 })).total).toBe(2)
    rig.clock.advanceMs(1_000)
    await set('healthy')
    expect((await rig.health.openItems(companyId, { page: 1, pageSize: 10 })).total).toBe(0)
    await rig.health.addNote(companyId, locationId, changeId!, { note: 'It was a mistake.' }, page)
    expect((await history()).map((change) => [change.level, change.note])).toEqual([['healthy', 'They said so.'], ['steady', null], ['struggling', 'It was a mistake.']])
  })

  it('that is no level is put back, and the team is told why', async () => {
    await set('healthy')
    await edited('Healthy', 'a', true)
    rig.world.contacts.clear()
    await edited('Doing great')
    expect(everywhere()).toMatchObject({ list: 'healthy', contacts: ['Healthy', 'Healthy'] })
    expect(eventsOf(rig.world, 'health.value_refused')).toMatchObject([{ userId: 'a', summary: expect.stringMatching(/"Doing great".*Healthy was put back/), data: { seen: 'Doing great', level: 'healthy' } }])
    expect((await history())[0]?.acts.at(-1)).toMatchObject({ kind: 'restored' })
  })

  it('is our own echo if we wrote it, and then changes nothing', async () => {
    await set('healthy')
    const write = { companyId, locationId, target: 'contact:key-a', writeId: 'w1' }
    await rig.health.personal.writing({ ...write, value: 'Healthy', fromAt: rig.clock.now() })
    rig.clock.advanceMs(300)
    await set('steady')
    await rig.health.personal.seen({ companyId, locationId, subjectId: 'user:loc1:a', target: 'contact:key-a', kind: 'field', value: 'Healthy', at: rig.clock.now(), first: false })
    rig.clock.advanceMs(300)
    await rig.health.personal.wrote({ companyId, locationId, target: 'contact:key-a', writeId: 'w1', toAt: rig.clock.now() })
    expect(await rig.health.status(companyId, locationId)).toMatchObject({ level: 'steady' })
    expect(everywhere()).toMatchObject({ contacts: ['Steady', 'Steady'], card: 'steady' })
  })

  it('keeps its id when its true time comes to light, and is told once', async () => {
    await set('healthy')
    await edited('Struggling')
    const before = await rig.health.status(companyId, locationId)
    const at = new Date(rig.clock.nowMs() - 30_000)
    await rig.health.personal.seen({ companyId, locationId, subjectId: 'user:loc1:a', target: 'contact:key-a', kind: 'field', value: 'Struggling', at, first: false })
    expect(await rig.health.status(companyId, locationId)).toMatchObject({ changeId: before.changeId, setAt: at.toISOString() })
    expect(eventsOf(rig.world, 'health.changed')).toHaveLength(2)
    expect(await history()).toHaveLength(2)
  })

  it.each(['0123', '3012', '2031', '3210', '1302', '2310', '0321'])('each keep an id of their own in history, in whatever order their news comes (%s)', async (order) => {
    await set('healthy')
    const levels = ['thriving', 'struggling', 'thriving', 'steady'] as const
    const begunMs = rig.clock.nowMs() + 10_000
    rig.clock.advanceMs(60_000)
    const look = { companyId, locationId, subjectId: `user:${locationId}:a`, target: 'contact:key-a', kind: 'field' as const, first: false }
    for (const index of Array.from(order, Number)) await rig.health.personal.seen({ ...look, value: levels[index] ?? null, at: new Date(begunMs + index * 1_000) })
    const changes = (await history()).toReversed()
    expect(changes.map(({ level }) => level)).toEqual(['healthy', ...levels])
    expect(new Set(changes.map(({ changeId }) => changeId)).size).toBe(5)
    expect(await rig.health.status(companyId, locationId)).toMatchObject({ level: 'steady', changeId: changes.at(-1)?.changeId })
  })

  it('that comes to light after a later change is kept in history and never was the status', async () => {
    rig.clock.advanceMs(dayMs)
    await set('healthy')
    const at = new Date(rig.clock.nowMs() - 1_000)
    await rig.health.personal.seen({ companyId, locationId, subjectId: `account:${locationId}`, target: 'card:x', kind: 'card', value: 'struggling', at, first: false })
    expect(await rig.health.status(companyId, locationId)).toMatchObject({ level: 'healthy' })
    expect(await history()).toMatchObject([{ level: 'healthy' }, { level: 'struggling', source: 'card', overtaken: true, noteWanted: false }])
    expect(eventsOf(rig.world, 'health.changed')).toHaveLength(1)
  })
})

describe('taking back', () => {
  it('is a further change to the level before, and asking twice is asking once', async () => {
    await set('healthy')
    const { changeId } = await set('struggling')
    const undo = () => rig.health.undo(companyId, locationId, { changeId: changeId! }, page)
    expect(await undo()).toMatchObject({ level: 'healthy', source: 'undo' })
    await undo()
    expect(await history()).toMatchObject([{ source: 'undo', undoes: changeId }, { changeId, undoneBy: expect.any(String) }, { level: 'healthy' }])
    // Nor does asking without a name go forward again.
    expect(await rig.health.undo(companyId, locationId, {}, page)).toMatchObject({ level: 'healthy', source: 'undo' })
    expect(await history()).toHaveLength(3)
    expect(eventsOf(rig.world, 'health.changed').at(-1)).toMatchObject({ source: 'undo', data: { undoes: changeId } })
  })

  it('means the change that stands, where none is named', async () => {
    await set('healthy')
    const { changeId } = await set('struggling')
    expect(await rig.health.undo(companyId, locationId, {}, page)).toMatchObject({ level: 'healthy', source: 'undo' })
    expect(await history()).toMatchObject([{ source: 'undo', undoes: changeId }, { changeId }, { level: 'healthy' }])
  })

  it('shows the note, the reasons and the author of the level that stands again, also long after; history keeps who took back', async () => {
    const anna: By = { actor: { kind: 'agency_user', id: 'csm2', name: 'Anna Berg' }, source: 'page' }
    await rig.health.set(companyId, locationId, { level: 'healthy', note: 'New clinic opened.', reasonCodes: ['expansion_plans'] }, anna)
    const setAt = (await rig.health.status(companyId, locationId)).setAt
    const back = { level: 'healthy', note: 'New clinic opened.', reasonCodes: ['expansion_plans'], restored: { setAt, setBy: { userId: 'csm2', name: 'Anna Berg' }, source: 'page' }, source: 'undo', setBy: { userId: 'csm1' } }
    for (const later of [dayMs, 12 * dayMs]) {
      rig.clock.advanceMs(later)
      const { changeId } = await set('struggling')
      rig.clock.advanceMs(later)
      expect(await rig.health.undo(companyId, locationId, { changeId: changeId! }, page)).toMatchObject(back)
      expect(rig.world.statuses.get(locationId)).toMatchObject({ note: 'New clinic opened.', restored: { setBy: { name: 'Anna Berg' } } })
    }
    // Taking the undo back brings the other level's words back.
    const { changeId } = await rig.health.status(companyId, locationId)
    expect(await rig.health.undo(companyId, locationId, { changeId: changeId! }, page)).toMatchObject({ level: 'struggling', note: 'They said so.', restored: { setBy: { userId: 'csm1' } } })
    const items = await history()
    expect(items).toHaveLength(6)
    expect(items.filter((item) => item.overtaken)).toEqual([])
    expect(items[1]).toMatchObject({ source: 'undo', note: null, actor: { name: 'Priya Nair' } })
    await set('steady')
    expect(await rig.health.status(companyId, locationId)).toMatchObject({ restored: null })
  })

  it('is refused for the first status and for older changes', async () => {
    const { changeId } = await set('healthy')
    await expect(rig.health.undo(companyId, locationId, { changeId: changeId! }, page)).rejects.toMatchObject({ status: 409, code: 'nothing_to_go_back_to' })
    await set('steady')
    await expect(rig.health.undo(companyId, locationId, { changeId: changeId! }, page)).rejects.toMatchObject({ status: 409, code: 'not_the_newest_change' })
  })
})

describe('staleness', () => {
  it('is told once at its time, and "still true" starts the clock again', async () => {
    await expect(rig.health.confirm(companyId, locationId, {}, page)).rejects.toMatchObject({ code: 'nothing_to_confirm' })
    const { staleAt } = await set('struggling')
    expect(Date.parse(staleAt!) - rig.clock.nowMs()).toBe(21 * dayMs)
    rig.clock.advanceMs(21 * dayMs)
    await rig.health.sweep(10)
    await rig.health.sweep(10)
    expect(eventsOf(rig.world, 'health.stale')).toMatchObject([{ at: new Date(staleAt!), data: { level: 'struggling', days: 21 } }])
    expect(await rig.health.confirm(companyId, locationId, {}, page)).toMatchObject({ stale: false, note: 'They said so.' })
    rig.clock.advanceMs(21 * dayMs)
    await rig.health.sweep(10)
    expect(eventsOf(rig.world, 'health.stale')).toHaveLength(2)
  })

  it('follows changed settings, and nobody is reminded of a customer who left', async () => {
    await set('healthy')
    await rig.settings.update(companyId, { health: { staleDays: { healthy: 10 } } }, 'csm1')
    await rig.health.sweep(10)
    expect(rig.world.statuses.get(locationId)?.staleAt).toEqual(new Date(rig.clock.nowMs() + 10 * dayMs))
    rig.world.accounts.set(locationId, account({ removedAt: rig.clock.now().toISOString() }))
    rig.clock.advanceMs(11 * dayMs)
    await rig.health.sweep(10)
    expect(eventsOf(rig.world, 'health.stale')).toEqual([])
  })
})

describe('crashes and several processes', () => {
  it.each(['health.stored', 'health.told', 'health.wanted'])('a crash at %s loses nothing and tells nothing twice', async (point) => {
    const doomed = await rig.process((name) => {
      if (name === point) throw new Error('killed')
    })
    await doomed.set(companyId, locationId, { level: 'struggling', note: 'They said so.' }, page).catch((error: unknown) => expect(error).toMatchObject({ message: 'killed' }))
    rig.clock.advanceMs(20_000)
    const survivor = await rig.process()
    expect(await survivor.sweep(10)).toBe(1)
    expect(everywhere()).toEqual({ list: 'struggling', contacts: ['Struggling', 'Struggling'], tags: ['health: struggling', 'health: struggling'], card: 'struggling' })
    expect(eventsOf(rig.world, 'health.changed')).toHaveLength(1)
    expect(await history()).toHaveLength(1)
    rig.clock.advanceMs(20_000)
    expect(await survivor.sweep(10)).toBe(0)
  })

  it('trouble with the neighbours does not undo what a person did', async () => {
    rig.world.effectsFault = new Error('store away')
    expect(await set('steady')).toMatchObject({ level: 'steady' })
    rig.world.effectsFault = null
    rig.clock.advanceMs(20_000)
    await rig.health.sweep(10)
    expect(everywhere()).toMatchObject({ contacts: ['Steady', 'Steady'], card: 'steady' })
  })

  it('many changes at once from two processes end in one status everywhere', async () => {
    const other = await rig.process()
    const levels = ['struggling', 'steady', 'healthy', 'thriving'] as const
    await Promise.all(Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? rig.health : other).set(companyId, locationId, { level: levels[index % 4]!, note: `Number ${index}` }, page)))
    const { level } = await rig.health.status(companyId, locationId)
    const label = level![0]!.toUpperCase() + level!.slice(1)
    expect(everywhere()).toMatchObject({ list: level, contacts: [label, label], card: level })
    const changes = await history()
    expect(changes[0]).toMatchObject({ level, overtaken: false })
    expect(changes.slice(0, -1).every((change, index) => change.before === changes[index + 1]?.level)).toBe(true)
  })
})

describe('many accounts at once', () => {
  it('have one result each, and all are given out', async () => {
    const ids = Array.from({ length: 60 }, (_, index) => `many${index}`)
    for (const id of ids) rig.world.accounts.set(id, account({ locationId: id, name: id }))
    const session = { companyId, userId: 'csm1', role: 'agency_user' as const, locationId: null, userName: 'Priya Nair' }
    const request = { locationIds: ids, action: 'set_health' as const, level: 'healthy' as const, note: 'After the fair', idempotencyKey: 'bulk-key-1' }
    expect((await rig.health.setInBulk(session, ids, request)).filter((result) => result.ok).map((result) => result.locationId)).toEqual(ids)
    expect(rig.world.statuses.size).toBe(60)
    await rig.health.setInBulk(session, ids, request)
    await rig.health.idle()
    expect(eventsOf(rig.world, 'health.changed')).toHaveLength(60)
    expect(eventsOf(rig.world, 'health.changed')[0]).toMatchObject({ source: 'bulk' })
    await expect(rig.health.setInBulk(session, ids, { ...request, note: '' })).rejects.toMatchObject({ status: 422 })
    expect((await rig.health.confirmInBulk(session, [...ids.slice(0, 2), locationId], { locationIds: ids, action: 'confirm_health' })).map((result) => result.ok)).toEqual([true, true, false])
  })

  it('are gone with their agency', async () => {
    await set('healthy')
    await rig.health.purge(companyId)
    expect(await rig.health.status(companyId, locationId)).toMatchObject({ level: null })
    expect(await history()).toEqual([])
  })
})
