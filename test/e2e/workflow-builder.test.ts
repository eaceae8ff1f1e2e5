import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { until } from '../support/until.ts'
import { accessibilityFaults } from './support/checks.ts'
import { openStage, picture, textOf, type Stage } from './support/stage.ts'

/** The README's way to try triggers and steps, in the stand-in's workflow builder. */
let stage: Stage
let customer: { locationId: string; userId: string; userIds: string[] }
let headquartersId: string

beforeAll(async () => {
  stage = await openStage({ sandbox: { seed: { accounts: 2, usersPerAccount: 2 } } })
  ;({ headquartersId } = await stage.product.setUp())
  customer = await stage.product.enableFeedback()
}, 120_000)
afterAll(() => stage.close())

it('a trigger is put into a workflow with one click, an answer starts it, and a step sets the status', async () => {
  const dana = await stage.open({ path: `/v2/location/${headquartersId}/dashboard` })
  const { page } = dana
  const part = (id: string) => page.getByTestId(id)
  await dana.visit('workflow-builder')
  await part('filter-level').waitFor()
  await part('trigger-add').click()
  expect(await textOf(part('trigger').first(), (text) => text.includes('created'))).toMatch(/Welcome new customers.*Answer == very_happy.*200/)
  expect(await part('execution').count()).toBe(0)

  const felix = await stage.open({ userId: customer.userId, path: `/v2/location/${customer.locationId}/dashboard` })
  await felix.widget.step('ask')
  await felix.widget.face('very_happy').click()
  await felix.widget.step('comment')
  // The page follows by itself.
  const row = await textOf(part('execution').first(), (text) => text.includes('Feedback received'))
  expect(row).toContain('Welcome new customers')
  expect(row).toContain('"levelLabel": "Very Happy"')

  const { sandbox } = stage.product
  const email = sandbox.state.users.get(customer.userId)!.email.toLowerCase()
  const contact = sandbox.state.contacts.by('location', headquartersId).find((one) => one.email === email)!
  await part('action-key').selectOption('set_health_status')
  await part('action-reasonCodes').waitFor()
  await part('action-level').selectOption('thriving')
  await part('action-note').fill('They told us so.')
  await part('action-contact').selectOption(contact.id)
  await part('action-run').click()
  await part('action-run-row').first().waitFor()
  expect(await part('action-run-row').first().textContent()).toContain('"levelLabel": "Thriving"')
  await until('the field of the contact', () => {
    const field = sandbox.state.fields.by('location', headquartersId).find(({ name }) => name === 'Health Status')!
    return sandbox.state.contacts.get(contact.id)!.customFields.find(({ id }) => id === field.id)?.value === 'Thriving'
  })
  await picture(page, 'workflow-builder')
  expect(await accessibilityFaults(page.mainFrame())).toEqual([])

  await part('trigger').first().getByRole('button').click()
  await until('the trigger is out', async () => (await part('trigger').count()) === 0)
  expect(dana.noise).toEqual([])
}, 120_000)
