import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { PermanentError } from '../../src/kernel/errors.ts'
import { workflowDefinition } from '../../workflows/definition.ts'
import { neutralCheckIn } from '../../workflows/library/neutral.ts'
import type { WorkflowDefinition, WorkflowPorts } from '../../workflows/index.ts'
import { companyId, createWorld, type World } from './support/world.ts'

const withSteps = (steps: unknown[]) => ({ ...neutralCheckIn, key: 'crm', steps }) as unknown as WorkflowDefinition

const all = withSteps([
  { id: 'mark', kind: 'tag', add: ['Advocate'], remove: ['lead'] },
  { id: 'words', kind: 'set_field', fieldId: 'f-words', fieldName: 'Last words', value: '{{ user.first_name }}: {{ answer.level }}' },
  { id: 'figure', kind: 'set_field', fieldId: 'f-number', fieldName: 'Figure', value: '$1,250.50' },
  { id: 'odd', kind: 'set_field', fieldId: 'f-number', fieldName: 'Figure', value: 'a lot' },
  { id: 'card', kind: 'move_card', pipelineId: 'p-1', stageId: 's-1', pipelineName: 'Advocates', stageName: 'Asked' },
  { id: 'enter', kind: 'crm_workflow', action: 'add', workflowId: 'w-1', workflowName: 'Thanks' },
  { id: 'tell', kind: 'webhook', url: 'https://hooks.example.org/in' },
])

describe('steps that write to the CRM and outside', () => {
  let world: World
  beforeEach(async () => {
    world = await createWorld({ library: [all] })
  })
  afterEach(() => world.close())

  async function run(ports: Partial<WorkflowPorts> = {}) {
    const engine = world.engineWith({ fieldIsNumber: async (_company, fieldId) => fieldId === 'f-number', ...ports })
    await engine.workflows.publish(companyId, 'crm', 'admin-1')
    await engine.events.append(world.answer('neutral'))
    await engine.settle()
    for (let round = 0; round < 10; round += 1) {
      world.clock.advanceMs(60_000)
      await engine.settle()
    }
    return (await engine.workflows.runs({ companyId, key: 'crm', page: 1, pageSize: 10 })).items
  }

  it('hand over what they say, with merge fields filled in and numbers as numbers, each under its own key', async () => {
    const webhooks: unknown[] = []
    const [done] = await run({
      async webhook(delivery) {
        webhooks.push(delivery)
        return 'queued'
      },
    })
    expect([...world.around.outbox.values()].map(({ content }) => content)).toEqual([
      { kind: 'tags', add: ['Advocate'], remove: ['lead'] },
      { kind: 'field', fieldId: 'f-words', value: 'Maya: Neutral', label: 'Last words' },
      { kind: 'field', fieldId: 'f-number', value: 1250.5, label: 'Figure' },
      { kind: 'card', pipelineId: 'p-1', stageId: 's-1', name: 'Maya Lopez', label: 'Advocates: Asked' },
      { kind: 'crm_workflow', action: 'add', workflowId: 'w-1', label: 'Thanks' },
    ])
    expect(webhooks).toMatchObject([{ url: 'https://hooks.example.org/in', type: 'feedback.received', data: { workflow: { key: 'crm', stepId: 'tell' }, person: { userId: 'user-1' }, level: 'neutral' } }])
    expect(done!.state).toBe('done')
    expect(done!.steps.find(({ stepId }) => stepId === 'odd')).toMatchObject({ outcome: 'skipped', reason: 'not_a_number' })
  })

  it('write nothing about nobody, and nothing for an agency that has gone', async () => {
    world.around.personRemoved = true
    await run()
    expect(world.around.sendCalls).toEqual([])
  })

  it('that can never succeed end their run with the reason', async () => {
    const [failed] = await run({ webhook: () => Promise.reject(new PermanentError('webhook_stopped', 'The receiver answered 410 Gone.')) })
    expect(failed).toMatchObject({ state: 'failed' })
    expect(failed!.steps.find(({ stepId }) => stepId === 'tell')).toMatchObject({ outcome: 'failed', reason: 'webhook_stopped' })
  })
})

describe('a definition', () => {
  const faultsOf = (step: unknown) => {
    const parsed = workflowDefinition.safeParse(withSteps([step]))
    return parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  }

  it.each([
    [{ id: 'mark', kind: 'tag', add: [], remove: [] }, 'steps.0.add: name at least one tag'],
    [{ id: 'mark', kind: 'tag', add: ['VIP'], remove: ['vip'] }, 'steps.0.remove.0: "vip" is added by the same step'],
    [{ id: 'mark', kind: 'tag', add: ['one, two'], remove: [] }, 'steps.0.add.0: must be one tag'],
    [{ id: 'words', kind: 'set_field', fieldId: '../x', fieldName: 'X', value: 'x' }, 'steps.0.fieldId: must be the id'],
    [{ id: 'words', kind: 'set_field', fieldId: 'f', fieldName: 'X', value: '' }, 'steps.0.value:'],
    [{ id: 'card', kind: 'move_card', pipelineId: 'p', stageId: '', pipelineName: 'P', stageName: 'S' }, 'steps.0.stageId:'],
    [{ id: 'enter', kind: 'crm_workflow', action: 'start', workflowId: 'w', workflowName: 'W' }, 'steps.0.action:'],
    [{ id: 'tell', kind: 'webhook', url: 'http://hooks.example.org/' }, 'steps.0.url: Webhooks go out over https only'],
    [{ id: 'tell', kind: 'webhook', url: 'https://192.168.0.1/' }, 'steps.0.url: 192.168.0.1 is not'],
  ])('with the step %j is refused with the exact place', (step, fault) => {
    expect(faultsOf(step).join('\n')).toContain(fault)
  })
})
