import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { PermanentError, RetryAfterError } from '../../src/kernel/errors.ts'
import { until } from '../support/until.ts'
import { companyId, contactOf, createHarness, map, person, type Harness } from './harness.ts'

describe('contacts', () => {
  let h: Harness
  const ada = person('ada')

  beforeEach(async () => {
    h = await createHarness()
  })
  afterEach(() => h.close())

  const wantLevel = (label: string, more: Record<string, string | number> = {}): Promise<void> =>
    h.effects.wantContact({ companyId, identity: ada, fields: { happinessLevel: label, ...more }, tags: { happiness: `happiness: ${label.toLowerCase()}` } })

  it('match by e-mail before one is made, and are made once', async () => {
    const existing = h.crm.addContact({ email: 'ada@example.com', tags: ['vip'] })
    await wantLevel('Happy')
    await h.drain()
    expect(h.crm.contacts.size).toBe(1)
    expect(contactOf(h.crm, 'ada@example.com')).toMatchObject({ id: existing.id, fields: { 'f-level': 'Happy' }, tags: ['vip', 'happiness: happy'] })
    await h.effects.wantContact({ companyId, identity: person('bob'), fields: { happinessLevel: 'Neutral' } })
    await h.drain()
    expect(h.crm.contacts.size).toBe(2)
    expect(h.crm.count('createContact')).toBe(1)
    expect(contactOf(h.crm, 'bob@example.com').fields).toEqual({ 'f-level': 'Neutral' })
  })

  it('are written with one PUT for all fields, and not at all when nothing differs', async () => {
    h.crm.addContact({ email: 'ada@example.com' })
    await wantLevel('Happy', { happinessScore: 25, lastFeedback: '2026-11-02T09:00:00Z', lastFeedbackComment: 'Fine' })
    await h.drain()
    expect(h.crm.count('updateContact')).toBe(1)
    expect(h.crm.count()).toBe(3)
    h.crm.forgetCalls()
    h.clock.advanceMs(5_000)
    await wantLevel('Happy', { happinessScore: 25, lastFeedback: '2026-11-02', lastFeedbackComment: 'Fine' })
    await h.drain()
    await h.effects.resync(companyId)
    await h.drain()
    expect(h.crm.calls).toEqual([])
  })

  it('take ten changes in two seconds in two writes at most', async () => {
    h.crm.addContact({ email: 'ada@example.com' })
    await wantLevel('Happy')
    await h.drain()
    h.clock.advanceMs(10_000)
    h.crm.forgetCalls()
    const levels = ['Neutral', 'Not Happy', 'Neutral', 'Happy', 'Very Happy', 'Happy', 'Neutral', 'Happy', 'Neutral', 'Very Happy']
    for (const [index, level] of levels.entries()) {
      await wantLevel(level, { happinessScore: index })
      await h.drain()
      h.clock.advanceMs(200)
    }
    h.clock.advanceMs(2_000)
    await h.drain()
    expect(h.crm.count('updateContact')).toBe(2)
    expect(contactOf(h.crm, 'ada@example.com')).toMatchObject({ fields: { 'f-level': 'Very Happy', 'f-score': 9 }, tags: ['happiness: very happy'] })
  })

  it('show the newest state of an account, whichever process gave out last', async () => {
    h.crm.addContact({ email: 'ada@example.com' })
    const wish = (version: number, level: string, own?: string) =>
      h.effects.wantContact({
        companyId, identity: ada, asOf: { source: 'happiness:loc1', version },
        fields: { companyHappinessLevel: level, ...(own === undefined ? {} : { happinessLevel: own }) },
        ...(own === undefined ? {} : { tags: { happiness: `happiness: ${own.toLowerCase()}` } }),
      })
    await wish(1, 'Happy', 'Happy')
    await wish(4, 'Neutral')
    await h.drain()
    h.clock.advanceMs(5_000)
    // Computed before the fourth state was, and given out after it: only what nobody knew better counts.
    await wish(3, 'Not Happy', 'Not Happy')
    await h.drain()
    expect(contactOf(h.crm, 'ada@example.com')).toMatchObject({ fields: { 'f-company': 'Neutral', 'f-level': 'Not Happy' }, tags: ['happiness: not happy'] })
    h.clock.advanceMs(5_000)
    h.crm.forgetCalls()
    // The same value of a newer state: nothing is written, and what is older than that state is still passed over.
    await wish(6, 'Neutral')
    await wish(5, 'Happy')
    await h.drain()
    expect(h.crm.calls).toEqual([])
    await wish(7, 'Happy')
    await h.drain()
    expect(contactOf(h.crm, 'ada@example.com').fields).toMatchObject({ 'f-company': 'Happy' })
  })

  it('keep the tags of others, and lose only a level tag of ours', async () => {
    h.crm.addContact({ email: 'ada@example.com', tags: ['vip', 'newsletter'] })
    await wantLevel('Happy')
    await h.drain()
    h.clock.advanceMs(5_000)
    await wantLevel('Not Happy')
    await h.drain()
    expect(contactOf(h.crm, 'ada@example.com').tags.sort()).toEqual(['happiness: not happy', 'newsletter', 'vip'])
    for (const call of h.crm.calls) if (call.name === 'updateContact') expect(call.args[1]).not.toHaveProperty('tags')
  })

  it('tell echoes of our writes by their value, however late they come', async () => {
    h.crm.addContact({ email: 'ada@example.com', tags: ['vip'] })
    await wantLevel('Happy')
    await h.drain()
    const firstAt = h.clock.now()
    const first = contactOf(h.crm, 'ada@example.com')
    h.clock.advanceMs(3_000)
    await wantLevel('Neutral')
    await h.drain()
    const second = contactOf(h.crm, 'ada@example.com')
    h.crm.forgetCalls()
    h.clock.advanceMs(100)
    for (const [seen, at] of [[second, h.clock.now()], [first, firstAt], [second, h.clock.now()]] as const) {
      expect(await h.effects.observeContact(companyId, { id: seen.id, tags: seen.tags, customFields: seen.customFields, at })).toEqual([])
      await h.drain()
    }
    expect(h.crm.calls).toEqual([])
    expect(h.events).toEqual([])
  })

  it('take an echo that comes before our own write is recorded for an echo', async () => {
    h.crm.addContact({ email: 'ada@example.com' })
    await wantLevel('Happy')
    await h.drain()
    h.clock.advanceMs(3_000)
    await wantLevel('Neutral')
    const now = contactOf(h.crm, 'ada@example.com')
    const customFields = [{ id: 'f-level', value: 'Neutral' }]
    expect(await h.effects.observeContact(companyId, { id: now.id, tags: now.tags, customFields, at: h.clock.now() })).toEqual([])
    expect(h.events).toEqual([])
  })

  it('record a person\'s edit of a computed field once, and put the computed value back', async () => {
    h.crm.addContact({ email: 'ada@example.com', tags: ['vip'] })
    await wantLevel('Happy')
    await h.drain()
    h.clock.advanceMs(60_000)
    const { id } = contactOf(h.crm, 'ada@example.com')
    const edited = { id, tags: ['vip', 'happiness: happy', 'golf'], customFields: [{ id: 'f-level', value: 'Very Happy' }], at: h.clock.now() }
    h.crm.contacts.get(id)!.customFields = edited.customFields
    h.crm.contacts.get(id)!.tags = edited.tags
    const edits = await h.effects.observeContact(companyId, edited)
    expect(edits).toMatchObject([
      { kind: 'field', field: 'happinessLevel', before: 'Happy', after: 'Very Happy', subjectId: 'user:loc1:ada' },
      { kind: 'tag_added', tag: 'golf' },
    ])
    expect(await h.effects.observeContact(companyId, edited)).toEqual([])
    await h.drain()
    expect(contactOf(h.crm, 'ada@example.com')).toMatchObject({ fields: { 'f-level': 'Happy' }, tags: edited.tags })
    expect(h.events.map((event) => [event.type, event.source, event.actor.kind, event.locationId, event.userId])).toEqual([
      ['contact.field_changed', 'field', 'crm', 'loc1', 'ada'],
      ['contact.tag_added', 'field', 'crm', 'loc1', 'ada'],
    ])
  })

  it('are put right when a person edits them between HighLevel’s taking our own write and its answer, whenever the news comes', async () => {
    h.crm.addContact({ email: 'ada@example.com', tags: ['vip'] })
    await wantLevel('Happy')
    await h.drain()
    const { id } = contactOf(h.crm, 'ada@example.com')
    const live = h.crm.contacts.get(id)!
    for (const [call, edit] of [
      ['updateContact', () => (live.customFields = [{ id: 'f-level', value: 'Happy' }])],
      ['addTags', () => (live.tags = ['vip', 'happiness: happy'])],
      ['addTags', () => (live.tags = ['happiness: neutral', 'golf'])],
    ] as const) {
      h.clock.advanceMs(5_000)
      await wantLevel('Happy')
      await h.drain()
      h.clock.advanceMs(5_000)
      await wantLevel('Neutral')
      let edited = { id, tags: live.tags, customFields: live.customFields, at: h.clock.now() }
      h.crm.meanwhile(call, () => {
        h.clock.advanceMs(50)
        edit()
        edited = structuredClone({ id, tags: live.tags, customFields: live.customFields, at: h.clock.now() })
        h.clock.advanceMs(50)
      })
      await h.drain()
      h.clock.advanceMs(3_000)
      await h.effects.observeContact(companyId, edited)
      await h.drain()
      expect(contactOf(h.crm, 'ada@example.com')).toMatchObject({ fields: { 'f-level': 'Neutral' } })
      expect(live.tags.filter((tag) => tag.startsWith('happiness:'))).toEqual(['happiness: neutral'])
    }
    expect(h.events.filter((event) => event.type.startsWith('contact.tag')).map((event) => [event.type, event.data['tag']])).toEqual([
      ['contact.tag_added', 'happiness: happy'],
      ['contact.tag_removed', 'happiness: neutral'],
      ['contact.tag_added', 'golf'],
      ['contact.tag_removed', 'vip'],
    ])
  })

  describe('a tag of another level', () => {
    const tags = ['very happy', 'happy', 'neutral', 'not happy'].map((level) => `happiness: ${level}`)
    const wantTag = (level: string): Promise<void> => h.effects.wantContact({ companyId, identity: ada, tags: { happiness: `happiness: ${level}` }, tagChoices: { happiness: tags } })
    const added = (): unknown[] => h.events.filter((event) => event.type === 'contact.tag_added').map((event) => event.data['tag'])
    const live = () => h.crm.contacts.get(contactOf(h.crm, 'ada@example.com').id)!
    const see = (seen: string[], at = h.clock.now()) => h.effects.observeContact(companyId, { id: live().id, tags: seen, customFields: [], at })

    beforeEach(async () => {
      h.crm.addContact({ email: 'ada@example.com' })
      await wantTag('happy')
      await h.drain()
      h.clock.advanceMs(60_000)
    })

    it('that a person adds is told once and taken away', async () => {
      live().tags = ['happiness: happy', 'happiness: neutral']
      expect(await see(live().tags)).toMatchObject([{ kind: 'tag_added', tag: 'happiness: neutral' }])
      expect(await see(live().tags)).toEqual([])
      await h.drain()
      expect(live().tags).toEqual(['happiness: happy'])
      expect(added()).toEqual(['happiness: neutral'])
      // The event of its removal, and a late one of its adding.
      h.clock.advanceMs(6_000)
      expect(await see(['happiness: happy'])).toEqual([])
      expect(await see(['happiness: happy', 'happiness: neutral'], new Date(h.clock.nowMs() - 20_000))).toEqual([])
      expect(added()).toHaveLength(1)
    })

    it('that is our own write of a moment ago is nobody\'s edit, recorded or not', async () => {
      h.crm.failNext('addTags', { when: 'after', error: new Error('socket hang up') })
      await wantTag('neutral')
      await h.drain()
      await wantTag('very happy')
      h.clock.advanceMs(1_000)
      // Written, not recorded, and wanted no more.
      expect(await see(['happiness: neutral'])).toEqual([])
      h.clock.advanceMs(20_000)
      await h.drain()
      expect(live().tags).toEqual(['happiness: very happy'])
      // A late echo whose time is a little ahead of ours: reading the contact tells.
      h.clock.advanceMs(1_000)
      expect(await see(['happiness: neutral'])).toEqual([])
      h.clock.advanceMs(5_000)
      await h.drain()
      expect(live().tags).toEqual(['happiness: very happy'])
      expect(added()).toEqual([])
    })

    it('that a person adds right after our write is told once the contact was read', async () => {
      await wantTag('neutral')
      await h.drain()
      h.clock.advanceMs(1_000)
      live().tags = ['happiness: neutral', 'happiness: happy']
      expect(await see(live().tags)).toEqual([])
      h.clock.advanceMs(5_000)
      await h.drain()
      expect(added()).toEqual(['happiness: happy'])
      expect(live().tags).toEqual(['happiness: neutral'])
    })
  })

  it('leave Health Status as a person set it', async () => {
    h.crm.addContact({ email: 'ada@example.com' })
    await h.effects.wantContact({ companyId, identity: ada, fields: { healthStatus: 'Steady' } })
    await h.drain()
    h.clock.advanceMs(60_000)
    h.crm.forgetCalls()
    const { id } = contactOf(h.crm, 'ada@example.com')
    const edits = await h.effects.observeContact(companyId, { id, tags: [], customFields: [{ id: 'f-health', value: 'Thriving' }], at: h.clock.now() })
    expect(edits).toMatchObject([{ kind: 'field', field: 'healthStatus', before: 'Steady', after: 'Thriving' }])
    await h.drain()
    expect(h.crm.calls).toEqual([])
  })

  it('end the same in any order of arrival', async () => {
    h.crm.addContact({ email: 'ada@example.com' })
    await h.effects.wantContact({ companyId, identity: ada, fields: { healthStatus: 'Steady' } })
    await h.drain()
    const { id } = contactOf(h.crm, 'ada@example.com')
    const startMs = h.clock.nowMs()
    h.clock.advanceMs(60_000)
    const news = ['Healthy', 'Thriving', 'Struggling'].map((value, index) => ({ id, tags: [], customFields: [{ id: 'f-health', value }], at: new Date(startMs + 10_000 * (index + 1)) }))
    for (const index of [2, 0, 1, 2]) await h.effects.observeContact(companyId, news[index]!)
    h.crm.contacts.get(id)!.customFields = news[2]!.customFields
    await h.drain()
    expect(contactOf(h.crm, 'ada@example.com').fields).toEqual({ 'f-health': 'Struggling' })
    const last = await h.effects.observeContact(companyId, { ...news[2]!, at: h.clock.now() })
    expect(last).toEqual([])
  })

  it('are one contact for one e-mail address, whoever in whichever account has it', async () => {
    const elsewhere = person('ada', { subjectId: 'user:loc2:ada', locationId: 'loc2' })
    await wantLevel('Happy')
    await h.effects.wantContact({ companyId, identity: elsewhere, fields: { happinessLevel: 'Neutral' } })
    await h.drain()
    expect(h.crm.contacts.size).toBe(1)
    expect(contactOf(h.crm, 'ada@example.com').fields).toEqual({ 'f-level': 'Neutral' })
    const { id, tags, customFields } = contactOf(h.crm, 'ada@example.com')
    expect(await h.effects.observeContact(companyId, { id, tags, customFields, at: h.clock.now() })).toEqual([])
  })

  it('are looked up before a create is repeated that may have arrived', async () => {
    h.crm.searchLagMs = 5_000
    h.crm.failNext('createContact', { when: 'after', error: new Error('socket hang up') })
    await wantLevel('Happy')
    await h.drain()
    for (let turn = 0; turn < 10; turn += 1) {
      h.clock.advanceMs(1_500)
      await h.drain()
    }
    expect(h.crm.contacts.size).toBe(1)
    expect(h.crm.count('createContact')).toBe(1)
    expect(contactOf(h.crm, 'ada@example.com').tags).toEqual(['happiness: happy'])
  })

  it('are made once although the process dies when HighLevel has accepted', async () => {
    h.crm.searchLagMs = 5_000
    h.crm.failNext('createContact', { when: 'after', hang: true })
    await wantLevel('Happy')
    void h.effects.pumps[0]!.drain()
    await until('HighLevel to have the contact', () => h.crm.contacts.size === 1)
    const other = await h.anotherProcess()
    await h.drain(other)
    expect(h.crm.count('createContact')).toBe(1)
    h.clock.advanceMs(60_001)
    await h.drain(other)
    expect(h.crm.contacts.size).toBe(1)
    expect(contactOf(h.crm, 'ada@example.com')).toMatchObject({ fields: { 'f-level': 'Happy' }, tags: ['happiness: happy'] })
  })

  it('are matched again when they were deleted in HighLevel', async () => {
    await wantLevel('Happy')
    await h.drain()
    const { id } = contactOf(h.crm, 'ada@example.com')
    h.crm.contacts.delete(id)
    h.clock.advanceMs(5_000)
    await wantLevel('Neutral')
    await h.drain()
    const made = contactOf(h.crm, 'ada@example.com')
    expect(made.id).not.toBe(id)
    expect(made).toMatchObject({ fields: { 'f-level': 'Neutral' }, tags: ['happiness: neutral'] })
  })

  it('wait without loss for set-up, for a reconnect, and as long as HighLevel asks', async () => {
    h.crm.addContact({ email: 'ada@example.com' })
    h.setup.map = null
    await wantLevel('Happy')
    await h.drain()
    expect((await h.effects.status({ companyId, page: 1, pageSize: 10 })).items).toMatchObject([{ kind: 'contact', state: 'held', reason: 'setup_incomplete' }])
    h.setup.map = map
    h.setup.live = false
    await h.effects.releaseHeld(companyId)
    await h.drain()
    expect((await h.effects.status({ companyId, page: 1, pageSize: 10 })).items).toMatchObject([{ state: 'held', reason: 'installation_not_live' }])
    h.setup.live = true
    h.crm.failNext('updateContact', { when: 'before', error: new RetryAfterError('highlevel_rate_limited', 'Slow down.', 10_000) })
    await h.effects.releaseHeld(companyId)
    await h.drain()
    expect(h.crm.count('updateContact')).toBe(1)
    h.clock.advanceMs(10_000)
    await h.drain()
    expect(contactOf(h.crm, 'ada@example.com').fields).toEqual({ 'f-level': 'Happy' })
    expect((await h.effects.status({ companyId, page: 1, pageSize: 10 })).total).toBe(0)
  })

  it('write what can be written, and wait with a reason for a field that is missing', async () => {
    h.crm.addContact({ email: 'ada@example.com' })
    h.setup.map = { ...map, fields: { ...map.fields, happinessScore: null } }
    await wantLevel('Happy', { happinessScore: 25 })
    await h.drain()
    expect(contactOf(h.crm, 'ada@example.com').fields).toEqual({ 'f-level': 'Happy' })
    expect((await h.effects.status({ companyId, page: 1, pageSize: 10 })).items).toMatchObject([{ state: 'held', reason: 'field_missing:happinessScore' }])
    h.setup.map = { ...map, fields: { ...map.fields, happinessScore: 'f-score-new' } }
    await h.effects.releaseHeld(companyId)
    await h.drain()
    expect(contactOf(h.crm, 'ada@example.com').fields).toEqual({ 'f-level': 'Happy', 'f-score-new': 25 })
  })

  it('that HighLevel refuses are dead with the reason, until wanted anew', async () => {
    h.crm.addContact({ email: 'ada@example.com' })
    h.crm.failNext('updateContact', { when: 'before', error: new PermanentError('highlevel_invalid', 'No.') })
    await wantLevel('Happy')
    await h.drain()
    expect((await h.effects.status({ companyId, page: 1, pageSize: 10 })).items).toMatchObject([{ state: 'dead', error: { code: 'highlevel_invalid' } }])
    h.clock.advanceMs(60_000)
    await wantLevel('Happy')
    await h.drain()
    expect(contactOf(h.crm, 'ada@example.com').fields).toEqual({ 'f-level': 'Happy' })
  })

  it('outlive a HighLevel that is down for a day', async () => {
    h.crm.addContact({ email: 'ada@example.com' })
    for (let failure = 0; failure < 100; failure += 1) h.crm.failNext('updateContact', { when: 'before', error: new Error('HighLevel answered 503.') })
    await wantLevel('Happy')
    for (let quarter = 0; quarter < 96 * 2; quarter += 1) {
      await h.drain()
      h.clock.advanceMs(15 * 60_000)
    }
    expect(contactOf(h.crm, 'ada@example.com').fields).toEqual({ 'f-level': 'Happy' })
  })
})
