import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { until } from '../support/until.ts'
import { accessibilityFaults, sidewaysScroll } from './support/checks.ts'
import { openStage, picture, textOf, type Person, type Stage } from './support/stage.ts'

/** The life of one follow-up: edited, tried on the last 30 days, published, answered to, read in the conversation, and stopped by a reply. */
let stage: Stage
let admin: Person
let users: string[]
let locationId: string
let headquartersId: string

const key = 'two_letters'
const definition = {
  schemaVersion: 2, key, kind: 'follow_up', reading: 'happiness', level: 'neutral', name: 'Two letters', reason: 'A user’s answer is Neutral: ask, and ask once more a week later.',
  trigger: { events: ['feedback.received'], where: [{ field: 'answer.level', is: 'one_of', values: ['neutral'] }] },
  conditions: [],
  steps: [
    { id: 'pause', kind: 'wait', delayMinutes: 60 },
    { id: 'first', kind: 'message', channel: 'email', subject: 'The first letter', text: 'Hi {{ user.first_name }}.', html: '<p>Hi {{ user.first_name }}.</p>' },
    { id: 'week', kind: 'wait', delayMinutes: 14 * 24 * 60 },
    { id: 'second', kind: 'message', channel: 'email', subject: 'The second letter', text: 'Hi again.', html: '<p>Hi again.</p>' },
  ],
  guards: { dedupe: 'answer', capDays: 'agency', exitOn: ['reply', 'uninstall'], noOpenCase: false, reentry: 'always' },
}

beforeAll(async () => {
  stage = await openStage({ sandbox: { seed: { accounts: 2, usersPerAccount: 3 } } })
  ;({ headquartersId } = await stage.product.setUp())
  ;({ locationId, userIds: users } = await stage.product.enableFeedback(0))
  const own = stage.product.admin()
  await own.send('PATCH', '/api/settings', { messages: { holdSeconds: 0, quietHours: { enabled: false } } })
  const taken = await own.send('POST', '/api/workflows/import', { format: 'workflows', formatVersion: 1, workflows: [{ definition }] })
  if (taken.status !== 200) throw new Error(`The import answered ${taken.status}: ${JSON.stringify(taken.body)}`)
  // Somebody answered before anything was live: what the dry run looks at.
  await stage.product.answer({ locationId, userId: users[0]! }, 'neutral')
  await stage.product.settled()
  admin = await stage.open()
}, 120_000)
afterAll(() => stage.close())

const contactOf = (userId: string) => {
  const email = stage.product.sandbox.state.users.get(userId)!.email.toLowerCase()
  return stage.product.sandbox.state.contacts.by('location', headquartersId).find((one) => one.email === email)
}
const inner = () => admin.page.frames().find((one) => one.url().includes('/pages/workspace'))!

describe('the story of a follow-up', () => {
  it('edited, it shows what a chosen person would read and who would have got it, before anything is live', async () => {
    const frame = await admin.workspace(`#/follow-ups?key=${key}`)
    await frame.getByTestId('step-subject').first().fill('How can we help, {{ user.first_name }}?')
    await frame.getByTestId('step-delay').first().fill('0')
    await frame.getByTestId('step-delay').first().blur()
    await frame.getByTestId('preview-account').selectOption(locationId)
    const first = stage.product.sandbox.state.users.get(users[0]!)!.firstName
    await frame.getByTestId('preview-person').selectOption(users[0]!)
    await textOf(frame.getByTestId('workflow-preview'), (text) => text.includes(`How can we help, ${first}?`))
    await picture(admin.page, 'follow-up-preview')
    await frame.getByTestId('workflow-save').click()
    await frame.getByTestId('workflow-publish').waitFor()
    await frame.getByTestId('differs-first').waitFor()
    await frame.getByTestId('view-dryRun').click()
    await textOf(frame.getByTestId('dry-run-receive'), (text) => text.includes('1 person would have got this.'))
    const row = frame.getByTestId('dry-would_receive').first()
    expect(await row.textContent()).toContain(`How can we help, ${first}?`)
    expect(await accessibilityFaults(inner())).toEqual([])
    await picture(admin.page, 'follow-up-dry-run')
  })

  it('published, it reaches the conversation of the person who answers next', async () => {
    const frame = await admin.workspace()
    await frame.getByTestId('workflow-publish').click()
    await frame.getByTestId('publish-go').click()
    await textOf(frame.getByTestId('workflow-state'), (text) => text === 'Live')

    const someone = await stage.open({ userId: users[1]! })
    await someone.widget.step('ask')
    await someone.widget.face('neutral').click()
    await someone.widget.part('saved').waitFor()
    expect(someone.noise).toEqual([])
    await someone.context.close()
    const contact = await until('the contact', () => contactOf(users[1]!))
    await until('the message', () => stage.product.sandbox.state.messages.by('contact', contact.id).length > 0)
    await stage.product.settled()
    await admin.goToLocation(headquartersId)
    await admin.visit('contacts')
    await admin.page.getByTestId(`contact-link-${contact.email}`).click()
    expect(await textOf(admin.page.getByTestId('message-subject').first(), (text) => text !== '')).toContain('How can we help,')
    // Whoever answered before it was live got nothing.
    expect(stage.product.sandbox.state.messages.by('contact', contactOf(users[0]!)!.id)).toEqual([])
  })

  it('a reply stops the rest, and the run says so', async () => {
    const contact = contactOf(users[1]!)!
    stage.product.sandbox.reply(contact.id, 'Please call me.')
    await stage.product.settled()
    const runs = async () => (await stage.product.admin().get(`/api/runs?workflowKey=${key}`)).body.items as { id: string; state: string; reason: string }[]
    const run = await until('the run has ended', async () => (await runs()).find(({ state, reason }) => state === 'stopped' && reason === 'reply'))
    const frame = await admin.workspace(`#/follow-ups?key=${key}&show=runs`)
    await textOf(frame.getByTestId(`run-${run.id}`), (text) => text.includes('the person wrote to the team') && text.includes('Email sent'))
    expect(await frame.getByTestId('run-cancel').count()).toBe(0)
    expect(await accessibilityFaults(inner())).toEqual([])
    await picture(admin.page, 'follow-up-runs')
    expect(stage.product.sandbox.state.messages.by('contact', contact.id).filter(({ direction }) => direction === 'outbound')).toHaveLength(1)
  })

  it('rests, is archived, taken out again; and everything stops with one switch', async () => {
    const frame = await admin.workspace(`#/follow-ups?key=${key}`)
    await frame.getByTestId('view-versions').click()
    await frame.getByTestId('version-1').waitFor()
    await frame.getByTestId('workflow-archive').click()
    await frame.getByTestId('archive-go').click()
    await textOf(frame.getByTestId('workflow-state'), (text) => text === 'Archived')
    await frame.getByTestId('shelf-archived').click()
    await frame.getByTestId(`workflow-${key}`).waitFor()
    await frame.getByTestId('workflow-unarchive').click()
    await textOf(frame.getByTestId('workflow-state'), (text) => text === 'Draft')
    await frame.getByTestId('sending-stop').click()
    await frame.getByTestId('ask-go').click()
    await frame.getByTestId('sending-paused').waitFor()
    expect((await stage.product.admin().get('/api/workflows/sending')).body).toEqual({ paused: true })
    await frame.getByTestId('sending-resume').click()
    await until('messages leave again', async () => (await stage.product.admin().get('/api/workflows/sending')).body.paused === false)
    expect(admin.noise).toEqual([])
  })

  it('fits a telephone', async () => {
    const person = await stage.open({ viewport: { width: 375, height: 800 } })
    const frame = await person.workspace(`#/follow-ups?key=${key}`)
    const page = person.page.frames().find((one) => one.url().includes('/pages/workspace'))!
    for (const view of ['words', 'dryRun', 'runs', 'versions']) {
      await frame.getByTestId(`view-${view}`).click()
      await frame.locator(`[data-testid=${view === 'words' ? 'workflow-preview' : view === 'dryRun' ? 'dry-run' : view}]`).waitFor()
      expect([view, await sidewaysScroll(page)]).toEqual([view, 0])
      expect([view, await accessibilityFaults(page)]).toEqual([view, []])
    }
    await picture(person.page, 'follow-up-375')
    expect(person.noise).toEqual([])
    await person.context.close()
  })
})
