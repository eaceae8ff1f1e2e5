import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { RequestError } from '../../src/kernel/errors.ts'
import { workflowDetail, workflowSummary } from '../../src/http/contract/workflows.ts'
import { companyId, createWorld, type World } from './support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const edit = (patch: Parameters<World['engine']['workflows']['edit']>[2]) => world.engine.workflows.edit(companyId, 'neutral_check_in', patch, 'admin-1')
async function refusal(work: Promise<unknown>): Promise<RequestError> {
  const error = await work.then(() => undefined, (reason: unknown) => reason)
  if (!(error instanceof RequestError)) throw new Error('was not refused')
  return error
}

describe('workflows of an agency', () => {
  it('are listed as shipped: follow-ups drafts, notifications on', async () => {
    const items = await world.engine.workflows.list(companyId)
    for (const item of items) expect(workflowSummary.parse(item).state).toBe(item.kind === 'notification' ? 'published' : 'draft')
    expect(items.find((item) => item.key === 'neutral_check_in')).toMatchObject({ delayMinutes: 120, customised: false, version: 0, stateText: 'Draft: nobody receives this.' })
  })

  it('keep their own words beside the shipped ones', async () => {
    const detail = workflowDetail.parse(await edit({ copy: { subject: 'How is {{ account.name }}?', text: 'Hi {{ user.first_name }},\n\na & b' }, delayMinutes: 30 }))
    expect(detail).toMatchObject({ customised: true, delayMinutes: 30, copy: { subject: 'How is {{ account.name }}?', html: '<p>Hi {{ user.first_name }},</p>\n<p>a &amp; b</p>' } })
    expect(detail.preview.subject).toBe('How is Bright Smile Dental?')
    expect(detail.shippedSteps[0]).toMatchObject({ delayMinutes: 120 })
    const back = await edit({ steps: { ask: null, pause: null } })
    expect(back).toMatchObject({ customised: false, delayMinutes: 120 })
  })

  it('an unknown field blocks with the exact place', async () => {
    const error = await refusal(edit({ copy: { text: 'Hi,\n\nyour {{ account.plan }}' } }))
    expect(error.status).toBe(422)
    expect(error.code).toBe('invalid_template')
    expect(error.details).toMatchObject({ faults: [{ path: 'steps.ask.text', line: 3, column: 9 }, { path: 'steps.ask.html' }] })
    expect((await world.engine.workflows.detail(companyId, 'neutral_check_in')).customised).toBe(false)
  })

  it.each([
    ['a step that is not there', { steps: { other: { subject: 'x' } } }, 'unknown_step'],
    ['a member of another kind of step', { steps: { pause: { subject: 'x' } } }, 'unknown_member'],
  ])('refuse %s', async (_what, patch, code) => {
    expect((await refusal(edit(patch))).code).toBe(code)
  })

  it('publishing twice is publishing once', async () => {
    const first = await world.engine.workflows.publish(companyId, 'neutral_check_in', 'admin-1')
    world.clock.advanceMs(1_000)
    const second = await world.engine.workflows.publish(companyId, 'neutral_check_in', 'admin-1')
    expect(second).toEqual(first)
    expect(first).toMatchObject({ state: 'published', version: 1 })
  })

  it('publishing again after a pause without a change keeps the version', async () => {
    await world.engine.workflows.publish(companyId, 'neutral_check_in', 'admin-1')
    await world.engine.workflows.pause(companyId, 'neutral_check_in', 'admin-1')
    expect(await world.engine.workflows.publish(companyId, 'neutral_check_in', 'admin-1')).toMatchObject({ state: 'published', version: 1 })
  })

  it('two people’s changes at once do not swallow each other', async () => {
    const results = await Promise.allSettled([edit({ copy: { subject: 'One' } }), edit({ copy: { subject: 'Two' } })])
    const { copy } = await world.engine.workflows.detail(companyId, 'neutral_check_in')
    const won = results.filter((result) => result.status === 'fulfilled')
    expect(won.length).toBeGreaterThanOrEqual(1)
    if (won.length === 1) expect(results.find((result) => result.status === 'rejected')).toMatchObject({ reason: { code: 'conflict' } })
    expect(['One', 'Two']).toContain(copy.subject)
  })

  it('a workflow that is not there is a 404, a draft cannot be paused', async () => {
    expect((await refusal(world.engine.workflows.publish(companyId, 'nothing', 'admin-1'))).status).toBe(404)
    expect((await refusal(world.engine.workflows.pause(companyId, 'neutral_check_in', 'admin-1'))).status).toBe(409)
  })
})
