import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { until } from '../support/until.ts'
import { companyId, contactOf, createHarness, person, type Harness } from './harness.ts'

/** With its pumps running, a process begins what it just stored, in the same write. */
describe('a record that is begun as it is stored', () => {
  let h: Harness

  beforeEach(async () => {
    h = await createHarness()
    for (const pump of h.effects.pumps) pump.start()
  })
  afterEach(async () => {
    await Promise.all(h.effects.pumps.map((pump) => pump.stop()))
    await h.close()
  })

  it('is in one hand: many new people become one contact each, made with all that is wanted', async () => {
    const people = Array.from({ length: 12 }, (_, index) => person(`p${index}`))
    await Promise.all(people.map((identity) => h.effects.wantContact({ companyId, identity, fields: { happinessLevel: 'Happy' }, tags: { happiness: 'happiness: happy' } })))
    await until('all contacts to be written', async () => {
      const { contacts } = await h.effects.counts()
      return contacts.clean === people.length
    })
    expect(h.crm.contacts.size).toBe(people.length)
    expect(h.crm.count('createContact')).toBe(people.length)
    expect(h.crm.count('updateContact')).toBe(0)
    for (const { email } of people) expect(contactOf(h.crm, email ?? '')).toMatchObject({ fields: { 'f-level': 'Happy' }, tags: ['happiness: happy'] })
  })
})
