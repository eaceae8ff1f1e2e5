import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { companyId, contactOf, createHarness, person, type Harness } from './harness.ts'

const levels = ['Not Happy', 'Neutral', 'Happy', 'Very Happy'] as const
const tagOf = (level: string): string => `happiness: ${level.toLowerCase()}`

/** What can happen between us, HighLevel and a person who works there. */
const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('want' as const), level: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('edit' as const), value: fc.constantFrom(...levels, 'Delighted') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('tag' as const), tag: fc.constantFrom('vip', 'golf') }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'untag' as const }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('deliver' as const), pick: fc.nat(20) }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'drain' as const }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('advance' as const), durationMs: fc.integer({ min: 1, max: 8_000 }) }) },
)

describe('we and HighLevel', () => {
  let h: Harness
  let number = 0

  beforeAll(async () => {
    h = await createHarness()
  })
  afterAll(() => h.close())

  it('agree in the end, in whatever order news, edits and our own writes come, and then keep still', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 3, maxLength: 18 }), fc.integer(), async (actions, seed) => {
        number += 1
        const who = person(`p${number}`)
        const email = `p${number}@example.com`
        const { id } = h.crm.addContact({ email })
        const live = h.crm.contacts.get(id)!
        const personsTags = new Set<string>()
        h.crm.snapshots.splice(0)
        const news = (): typeof h.crm.snapshots => h.crm.snapshots
        const deliver = async (index: number): Promise<void> => {
          const one = news()[index]
          if (one !== undefined) await h.effects.observeContact(companyId, { id, tags: one.contact.tags, customFields: one.contact.customFields, at: one.at })
        }
        const edited = (): void => void h.crm.snapshots.push({ contact: structuredClone(live), at: h.clock.now() })
        let wanted: string = levels[2]
        const want = (): Promise<void> => h.effects.wantContact({ companyId, identity: who, fields: { happinessLevel: wanted }, tags: { happiness: tagOf(wanted) } })
        await want()
        await h.drain()
        for (const one of actions) {
          h.clock.advanceMs(10)
          if (one.kind === 'want') {
            wanted = levels[one.level]!
            await want()
          } else if (one.kind === 'edit') {
            live.customFields = [...live.customFields.filter((field) => field.id !== 'f-level'), { id: 'f-level', value: one.value }]
            edited()
          } else if (one.kind === 'tag') {
            personsTags.add(one.tag)
            live.tags = [...new Set([...live.tags, one.tag])]
            edited()
          } else if (one.kind === 'untag') {
            live.tags = live.tags.filter((tag) => !tag.startsWith('happiness:'))
            edited()
          } else if (one.kind === 'deliver') await deliver(one.pick % Math.max(1, news().length))
          else if (one.kind === 'drain') await h.drain()
          else h.clock.advanceMs(one.durationMs)
        }
        // Everything that was sent arrives, in a shuffled order, until nothing new is sent.
        let delivered = 0
        for (let round = 0; round < 8 && delivered < news().length; round += 1) {
          const order = [...news().keys()].sort((left, right) => ((left * 7_919 + seed) % 101) - ((right * 7_919 + seed) % 101))
          delivered = news().length
          for (const index of order) await deliver(index)
          for (let turn = 0; turn < 4; turn += 1) {
            h.clock.advanceMs(2_500)
            await h.drain()
          }
        }
        const contact = contactOf(h.crm, email)
        expect(contact.fields).toEqual({ 'f-level': wanted })
        expect(contact.tags.sort()).toEqual([...personsTags, tagOf(wanted)].sort())
        h.clock.advanceMs(60_000)
        await h.drain()
        h.crm.forgetCalls()
        await want()
        for (const index of news().keys()) await deliver(index)
        await h.drain()
        expect(h.crm.calls.filter((call) => call.name !== 'getContact')).toEqual([])
      }),
      { numRuns: 25 },
    )
  }, 170_000)
})
