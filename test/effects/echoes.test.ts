import { beforeEach, describe, expect, it } from '@jest/globals'
import type { ContactDifference, ObservedContact } from '../../src/effects/contact-rules.ts'
import { newContact } from '../../src/effects/contact-identity.ts'
import { createEchoes, type Echoes } from '../../src/effects/echoes.ts'
import type { ObservedOpportunity } from '../../src/effects/card-rules.ts'
import type { ContactRecord } from '../../src/effects/records.ts'
import { secondMs } from '../../src/kernel/clock.ts'
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts'
import { companyId, map, person } from './harness.ts'

const computed = { 'f-level': 'Happy', 'f-score': 50, 'f-company': 'Happy', 'f-date': '2026-11-02', 'f-comment': 'Fine' }
const before = { 'f-level': 'Neutral', 'f-score': 0, 'f-company': 'Happy', 'f-date': '2026-11-02', 'f-comment': 'Fine' }
const fieldsOf = (values: Record<string, unknown>) => Object.entries(values).map(([id, value]) => ({ id, value }))

describe('an event that shows what this process wrote a moment ago', () => {
  let clock: FakeClock
  let echoes: Echoes
  let record: ContactRecord

  beforeEach(() => {
    clock = createFakeClock()
    echoes = createEchoes(clock)
    const known = (fieldId: string, value: string | number) => ({ value, at: clock.now(), own: true, before: null, fieldId })
    record = {
      ...newContact(companyId, person('ada'), clock.now()),
      contactId: 'ada',
      crmLocationId: 'hq',
      crmEmail: 'ada@example.com',
      known: {
        happinessLevel: known('f-level', 'Neutral'), happinessScore: known('f-score', 0), companyHappinessLevel: known('f-company', 'Happy'),
        lastFeedback: known('f-date', '2026-11-02'), lastFeedbackComment: known('f-comment', 'Fine'), healthStatus: known('f-health', ''),
      },
      knownTags: { value: ['happiness: neutral', 'vip'], at: clock.now(), own: true },
    }
  })

  const difference: ContactDifference = {
    fields: [{ field: 'happinessLevel', id: 'f-level', value: 'Happy' }, { field: 'happinessScore', id: 'f-score', value: 50 }],
    addTags: ['happiness: happy'], removeTags: ['happiness: neutral'], missing: [],
  }
  const write = (changes: Partial<ContactRecord> = {}): void => echoes.writingContact({ ...record, ...changes }, difference, map)
  const shown = (changes: Partial<ObservedContact> = {}): ObservedContact => ({
    id: 'ada', email: 'ada@example.com', tags: ['vip', 'happiness: happy'], customFields: fieldsOf(computed), at: clock.now(), ...changes,
  })
  const isDropped = (changes: Partial<ObservedContact> = {}, tagsToldApart = false, inCompany = companyId): boolean => echoes.isContact(inCompany, shown(changes), tagsToldApart)

  it('of a contact is dropped, however HighLevel spells the values', () => {
    write()
    expect(isDropped()).toBe(true)
    expect(isDropped({ tags: [' VIP ', 'Happiness: Happy'], customFields: fieldsOf({ ...computed, 'f-level': ['Happy'], 'f-score': '50', 'f-date': '2026-11-02T08:30:00.000Z', 'somebody-s': 'own' }), email: 'Ada@Example.com' })).toBe(true)
  })

  it('is dropped for ten seconds, and never later', () => {
    write()
    clock.advanceMs(10 * secondMs - 1)
    expect(isDropped()).toBe(true)
    clock.advanceMs(1)
    expect(isDropped()).toBe(false)
  })

  it('is dropped as often as it comes', () => {
    write()
    expect([isDropped(), isDropped(), isDropped()]).toEqual([true, true, true])
  })

  it.each<[string, Partial<ObservedContact>]>([
    ['any other value in a field that was written', { customFields: fieldsOf({ ...computed, 'f-level': 'Very Happy' }) }],
    ['the values from before the write', { customFields: fieldsOf(before) }],
    ['another value in a field that was not written', { customFields: fieldsOf({ ...computed, 'f-comment': 'Not so fine' }) }],
    ['an emptied field', { customFields: fieldsOf({ ...computed, 'f-score': null }) }],
    ['a field that is left out', { customFields: fieldsOf({ ...computed }).slice(1) }],
    ['a tag that somebody added', { tags: ['vip', 'happiness: happy', 'called'] }],
    ['a tag that somebody took away', { tags: ['happiness: happy'] }],
    ['another address', { email: 'countess@example.com' }],
    ['no address any more', { email: null }],
    ['that the contact was deleted', { deleted: true }],
    ['another contact', { id: 'grace' }],
  ])('is not dropped if it shows %s', (_what, changes) => {
    write()
    expect(isDropped(changes)).toBe(false)
  })

  it('is not dropped if it leaves out tags or fields', () => {
    write()
    const { tags, customFields, ...rest } = shown()
    expect(echoes.isContact(companyId, { ...rest, tags: tags ?? [] }, false)).toBe(false)
    expect(echoes.isContact(companyId, { ...rest, customFields: customFields ?? [] }, false)).toBe(false)
    expect(echoes.isContact(companyId, { ...rest, tags: tags ?? [], customFields: customFields ?? [] }, false)).toBe(true)
  })

  it('with tags from before or between our writes is dropped only where tags have an event of their own', () => {
    write()
    for (const tags of [['vip', 'happiness: neutral'], ['vip']]) {
      expect(isDropped({ tags }, true)).toBe(true)
      expect(isDropped({ tags }, false)).toBe(false)
    }
    expect(isDropped({ tags: ['vip', 'called'] }, true)).toBe(false)
  })

  it('is never dropped of a contact that has, had or shall have a Health Status: people set that themselves', () => {
    const health = (value: string) => ({ known: { ...record.known, healthStatus: { value, at: clock.now(), own: true, before: null, fieldId: 'f-health' } } })
    write(health('Healthy'))
    expect(isDropped({ customFields: fieldsOf({ ...computed, 'f-health': 'Healthy' }) })).toBe(false)
    write({ wantedFields: { healthStatus: 'Healthy' } })
    expect(isDropped({ customFields: fieldsOf({ ...computed, 'f-health': 'Healthy' }) })).toBe(false)
    // Also what was remembered before it got one.
    write()
    write({ wantedFields: { healthStatus: 'Healthy' } })
    expect(isDropped()).toBe(false)
    // A status that somebody gave the contact just now.
    write()
    expect(isDropped({ customFields: fieldsOf({ ...computed, 'f-health': 'Steady' }) })).toBe(false)
  })

  it('is not dropped while it is not known whole what the contact holds', () => {
    write({ knownTags: null })
    expect(isDropped()).toBe(false)
    const { lastFeedbackComment: _left, ...known } = record.known
    write({ known })
    expect(isDropped()).toBe(false)
    write({ contactId: null })
    expect(isDropped()).toBe(false)
  })

  it('is not dropped once a write failed or somebody else\'s value was seen', () => {
    write()
    echoes.forget(companyId, 'ada')
    expect(isDropped()).toBe(false)
  })

  it('is not dropped for another agency, nor by another process', () => {
    write()
    expect(isDropped({}, false, 'company2')).toBe(false)
    expect(createEchoes(clock).isContact(companyId, shown(), false)).toBe(false)
  })

  describe('of a card', () => {
    const card = (changes: Partial<ObservedOpportunity> = {}): ObservedOpportunity => ({ id: 'card1', contactId: 'ada', pipelineId: 'p-happiness', stageId: 's-happy', status: 'open', at: clock.now(), ...changes })

    it('is dropped at the place where it was put, for ten seconds', () => {
      echoes.writingCard(companyId, 'card1', 'p-happiness/s-happy')
      expect(echoes.isCard(companyId, card())).toBe(true)
      expect(echoes.isCard(companyId, card({ status: 'won' }))).toBe(true)
      clock.advanceMs(10 * secondMs)
      expect(echoes.isCard(companyId, card())).toBe(false)
    })

    it('is not dropped at another place, if it is gone, of another card, for another agency, by another process, or after a failure', () => {
      echoes.writingCard(companyId, 'card1', 'p-happiness/s-happy')
      const others = [card({ stageId: 's-not' }), card({ pipelineId: 'p-sales' }), card({ deleted: true }), card({ id: 'card2' })]
      for (const other of others) expect(echoes.isCard(companyId, other)).toBe(false)
      expect(echoes.isCard('company2', card())).toBe(false)
      expect(createEchoes(clock).isCard(companyId, card())).toBe(false)
      echoes.forget(companyId, 'card1')
      expect(echoes.isCard(companyId, card())).toBe(false)
    })

    it('a newer write of ours replaces what is remembered: the older place is told', () => {
      echoes.writingCard(companyId, 'card1', 'p-happiness/s-happy')
      echoes.writingCard(companyId, 'card1', 'p-happiness/s-not')
      expect(echoes.isCard(companyId, card())).toBe(false)
      expect(echoes.isCard(companyId, card({ stageId: 's-not' }))).toBe(true)
    })
  })

  it('what is remembered stays bounded', () => {
    for (let index = 0; index <= 10_000; index += 1) echoes.writingCard(companyId, `card${index}`, 'p/s')
    const at = (index: number) => echoes.isCard(companyId, { id: `card${index}`, contactId: null, pipelineId: 'p', stageId: 's', status: 'open', at: clock.now() })
    expect([at(0), at(1), at(10_000)]).toEqual([false, true, true])
  })
})
