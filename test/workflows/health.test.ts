import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { companyId, createWorld, dayMs, hourMs, locationId, minuteMs, type World } from './support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const sent = (kind: 'email' | 'task') => [...world.around.outbox.values()].filter((each) => each.content.kind === kind)
const publish = (key: string) => world.engine.workflows.publish(companyId, key, 'admin-1')
async function happen(...events: ReturnType<World['answer']>[]): Promise<void> {
  for (const event of events) await world.engine.events.append(event)
  await world.engine.settle()
}
async function passMs(durationMs: number): Promise<void> {
  world.clock.advanceMs(durationMs)
  await world.engine.settle()
}
const runOf = async (key: string) => (await world.engine.workflows.runs({ companyId, key, page: 1, pageSize: 5 })).items[0]

describe('a change of the status', () => {
  it('to Struggling gives the owner a high-priority task on the primary contact, and tells them', async () => {
    await happen(world.status('struggling', { note: 'Two clinics closed.' }))
    const [task] = sent('task')
    expect(task).toMatchObject({
      contact: { subjectId: `user:${locationId}:user-1` },
      content: { kind: 'task', title: 'High priority: speak with Bright Smile Dental (Struggling)', body: expect.stringContaining('Why: Two clinics closed.'), assignedTo: 'csm-1' },
    })
    expect(world.around.notices.map((notice) => [notice.kind, notice.email])).toEqual(expect.arrayContaining([['health_changed', false], ['health_struggling', true]]))
  })

  it('writes to no customer while its follow-ups are drafts', async () => {
    await happen(world.status('struggling'), world.status('steady'), world.status('healthy'), world.status('thriving'))
    await passMs(30 * dayMs)
    expect(sent('email')).toEqual([])
  })

  it('starts the published follow-up, to the primary contact, once', async () => {
    await publish('struggling_support')
    const change = world.status('struggling')
    await happen(change, change)
    await passMs(25 * hourMs)
    await passMs(20 * dayMs)
    expect(sent('email')).toHaveLength(1)
    expect(sent('email')[0]).toMatchObject({ contact: { email: 'maya@example.com' }, content: { subject: 'A look at your plan, Maya?' } })
  })

  it('that is followed by another one stops the message of the first', async () => {
    await publish('struggling_support')
    await happen(world.status('struggling'))
    await passMs(hourMs)
    await happen(world.status('healthy'))
    await passMs(3 * dayMs)
    expect(sent('email')).toEqual([])
    expect(await runOf('struggling_support')).toMatchObject({ state: 'stopped', reason: 'level_changed' })
  })

  it('that is taken back takes its task back, too', async () => {
    await happen(world.status('struggling', { changeId: 'wrong' }))
    await passMs(minuteMs)
    await happen(world.status('healthy', { changeId: 'undo', undoes: 'wrong', source: 'undo', note: null }))
    // It was taken back on our page: nothing may name the CRM as the place.
    expect(world.around.notices.findLast((notice) => notice.kind === 'health_changed')?.body).toBe('No note was given. The account’s page says who changed it, and from where.')
    expect(world.around.settledTasks).toEqual([sent('task')[0]?.key])
    expect(sent('task')[0]).toMatchObject({ cancelled: true })
  })

  it('to Thriving asks for nothing while a Not Happy case is open', async () => {
    await publish('thriving_growth')
    world.around.openCase = true
    await happen(world.status('thriving'))
    await passMs(5 * dayMs)
    expect(sent('email')).toEqual([])
    expect(await runOf('thriving_growth')).toMatchObject({ state: 'stopped', reason: 'open_case' })
  })

  it('made in the CRM asks the owner for the note, with a note it does not', async () => {
    await happen(world.status('steady', { note: null, source: 'card', actor: { kind: 'crm', id: null, name: null } }), world.status('healthy'))
    expect(world.around.notices.filter((notice) => notice.kind === 'health_note_wanted').map((notice) => notice.title)).toEqual(['Bright Smile Dental: why is it Steady now?'])
  })

  it('of an account without people reaches nobody and fails nothing', async () => {
    world.around.primary = null
    await publish('steady_check_in')
    await happen(world.status('steady'), world.status('struggling'))
    await passMs(5 * dayMs)
    expect([...world.around.outbox.values()]).toEqual([])
    expect(await runOf('steady_check_in')).toMatchObject({ state: 'stopped', reason: 'no_person' })
  })
})
