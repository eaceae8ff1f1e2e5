import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { companyId, createHarness, person, type Harness } from './harness.ts'

/** Whom somebody's reply is about, asked while contacts are being made. */
describe('the person behind a contact', () => {
  let h: Harness

  beforeEach(async () => {
    h = await createHarness()
  })
  afterEach(() => h.close())

  const wantAda = (): Promise<void> => h.effects.wantContact({ companyId, identity: person('ada'), fields: { happinessLevel: 'Happy' } })

  it('is nobody for a contact that the agency had before, until that person is wanted', async () => {
    const { id } = h.crm.addContact({ email: 'ada@example.com' })
    expect(await h.effects.subjectsOf(companyId, id)).toEqual([])
    await wantAda()
    await expect(h.effects.subjectsOf(companyId, id)).rejects.toMatchObject({ code: 'contact_being_bound' })
    await h.drain()
    expect(await h.effects.subjectsOf(companyId, id)).toEqual(['user:loc1:ada'])
  })

  it('is found when the contact is bound between the two looks', async () => {
    const { id } = h.crm.addContact({ email: 'ada@example.com' })
    await wantAda()
    const records = h.store.connection.collection('effect_contacts')
    const seen = jest.spyOn(records, 'findOne')
    seen.mockImplementationOnce(async () => {
      seen.mockRestore()
      await h.drain()
      return records.findOne({ companyId, contactId: null })
    })
    expect(await h.effects.subjectsOf(companyId, id)).toEqual(['user:loc1:ada'])
  })
})
