import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { actionBody, dynamicBody, subscriptionBody, subscriptionEventOf } from '../../src/marketplace/wire.ts'
import { openStage } from '../marketplace/stage.ts'
import { withOfficialFiles } from './official/suite.ts'

/** What the captured files hold; each has some of it. */
interface Captured {
  samples: { label: string; body: { triggerData: { filters: { field: string; operator: string; value: unknown }[] }; data: object; extras: object } }[]
  dynamicRequest: { body: unknown }
  dynamicResponseForAction: { inputs: { section: string }[] }
  dynamicResponseForTrigger: { filters: { options?: unknown }[] }
}

/** Names of all members, whatever they hold. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])]
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => [name, shapeOf(member)]))
}

withOfficialFiles('calls of the workflow builder against the captured samples', (folder) => {
  const read = (file: string): Captured => JSON.parse(readFileSync(join(folder, 'workflow-marketplace', file), 'utf8')) as Captured

  describe('the product', () => {
    it.each(read('trigger-subscription.json').samples.map(({ label, body }) => [label, body] as const))('reads %s', (label, body) => {
      expect(subscriptionEventOf(subscriptionBody.parse(body))).toMatchObject({ kind: label, triggerId: 'def', workflowId: 'qwe', locationId: 'ghj', companyId: 'asd', version: '2.4', filters: body.triggerData.filters.map(({ field, operator, value }) => ({ field, operator, value })) })
    })
    it.each(read('action-execution.json').samples.map(({ label, body }) => [label, body] as const))('reads an action, %s', (_label, body) => {
      expect(actionBody.parse(body)).toMatchObject({ data: body.data, extras: body.extras })
    })
    it('reads the question for dynamic fields', () => {
      const { dynamicRequest } = read('dynamic-fields.json')
      expect(dynamicBody.parse(dynamicRequest.body)).toMatchObject({ extras: { locationId: 'xyz' } })
    })
  })

  describe('the sandbox', () => {
    it('sends what the samples show, and the product answers dynamic questions in their form', async () => {
      const stage = await openStage()
      try {
        const { builder } = stage.product.sandbox
        const trigger = await builder.addTrigger({ workflowId: stage.workflow.id, key: 'feedback_received', filters: [{ field: 'level', value: 'happy' }] })
        for (const { label, body } of read('trigger-subscription.json').samples) {
          const sent = builder.subscriptionBody(body.triggerData.filters.length === 0 ? { ...trigger, filters: [] } : trigger, label as 'CREATED')
          expect([label, shapeOf(sent)]).toEqual([label, shapeOf(body)])
        }
        const { dynamicResponseForAction, dynamicResponseForTrigger } = read('dynamic-fields.json')
        const inputs = await builder.dynamic('/webhooks/highlevel/actions/set_health_status/fields', stage.headquartersId)
        const withOptions = dynamicResponseForTrigger.filters.find((filter) => filter.options !== undefined)
        expect(shapeOf(inputs)).toEqual({ inputs: [{ section: shapeOf(dynamicResponseForAction.inputs[0]!.section), fields: [shapeOf(withOptions)] }] })
        expect(shapeOf(await builder.dynamic('/webhooks/highlevel/triggers/feedback_received/filters', stage.headquartersId))).toEqual({ filters: [shapeOf(withOptions)] })
      } finally {
        await stage.product.stop()
      }
    }, 120_000)
  })
})
