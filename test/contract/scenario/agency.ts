import { hourMs, systemClock, type Clock } from '../../../src/kernel/clock.ts'
import { startProduct, type Product } from '../../support/product.ts'
import { until } from '../../support/until.ts'
import type { Recording } from './record.ts'

const levels = ['very_happy', 'happy', 'neutral', 'not_happy'] as const

/** A check reads from HighLevel, so asking all the time would use up the quota. */
const checkEveryMs = 750

/** Real time that can be pushed forward. */
function pushedClock(): Clock & { advanceMs(durationMs: number): void } {
  let aheadMs = 0
  return {
    nowMs: () => systemClock.nowMs() + aheadMs,
    now: () => new Date(systemClock.nowMs() + aheadMs),
    advanceMs(durationMs) {
      aheadMs += durationMs
    },
  }
}

function mustBe(status: number, reply: { status: number; body: unknown }, what: string): void {
  if (reply.status !== status) throw new Error(`${what} answered ${reply.status}: ${JSON.stringify(reply.body)}`)
}

/** An answer in a session of its own: sessions end while the clock is pushed. */
async function answer(product: Product, who: { userId: string; locationId: string }, level: string, more: { comment?: string; key: string }): Promise<void> {
  const { key, ...rest } = more
  mustBe(201, await product.as(who).send('POST', '/api/answers', { level, idempotencyKey: key, ...rest }), 'Answering')
}

/** The agency's administrator, signed in just now. */
function adminOf(product: Product) {
  return product.as({ userId: product.sandbox.company().admin.id })
}

/** The contact of an account's user in the success location. */
function contactOf({ sandbox }: Product, headquartersId: string, userId: string) {
  const email = sandbox.state.users.get(userId)?.email.toLowerCase()
  return sandbox.state.contacts.by('location', headquartersId).find((contact) => contact.email === email)
}

/** An agency from installation to uninstall. */
export async function wholeStory(recording: Recording): Promise<void> {
  const clock = pushedClock()
  const product = await startProduct({ clock, sandbox: { seed: { accounts: 3, usersPerAccount: 4 } } })
  const { sandbox } = product
  recording.listen(sandbox)
  try {
    const { headquartersId } = await product.setUp()
    const admin = product.admin()
    mustBe(200, await admin.send('POST', '/api/workflows/neutral_check_in/publish'), 'Publishing')
    const { locationId, userIds } = await product.enableFeedback(0)
    for (const [index, level] of levels.entries()) {
      await answer(product, { locationId, userId: userIds[index] ?? '' }, level, { comment: `Because of ${level}`, key: `first-answer-${index}` })
    }
    await product.settled()
    for (const userId of userIds) await until('the card of everybody who answered', () => sandbox.state.opportunities.by('contact', contactOf(product, headquartersId, userId)?.id ?? '').length > 0)
    // Everybody thinks again, so that every card moves and every tag changes.
    clock.advanceMs(hourMs)
    for (const [index, userId] of userIds.entries()) await answer(product, { locationId, userId }, levels[(index + 1) % 4] ?? 'happy', { key: `second-answer-${index}` })
    await product.settled()

    const answeredNeutral = userIds[1] ?? ''
    const contact = contactOf(product, headquartersId, answeredNeutral)
    const sentTo = () => sandbox.state.messages.values().filter((message) => message.contactId === contact?.id && message.direction === 'outbound').length
    for (let hours = 0; hours < 96 && sentTo() === 0; hours += 6) {
      clock.advanceMs(6 * hourMs)
      await product.settled()
      if (hours % 24 === 18) sandbox.expireTokens({ companyId: sandbox.companyId })
    }
    if (sentTo() === 0) throw new Error('The published follow-up was not sent')

    await taskAndNote(product, headquartersId, locationId, answeredNeutral)
    await healthStatus(product, headquartersId, locationId)
    await damageAndRepair(product, headquartersId)

    const added = sandbox.createLocation({ companyId: sandbox.companyId, name: 'Opened later' })
    sandbox.createUser({ firstName: 'New', email: 'new@later.example', locationId: added.id })
    await product.settled()
    mustBe(200, await adminOf(product).send('POST', '/api/installation/disconnect'), 'Disconnecting')
    await product.settled()
  } finally {
    await product.stop()
  }
}

/** A task and a note, each once as the outbox sends them and once as it looks whether an attempt arrived. */
async function taskAndNote(product: Product, headquartersId: string, locationId: string, userId: string): Promise<void> {
  const { app, sandbox, companyId } = product
  const user = sandbox.state.users.get(userId)
  const contact = { subjectId: `user:${locationId}:${userId}`, locationId, email: user?.email ?? null, firstName: user?.firstName ?? null, lastName: null, phone: null, companyName: '' }
  const dueAt = new Date(sandbox.settings.clock.nowMs())
  const { effects } = app.services
  sandbox.faults.next({ method: 'POST', path: /^\/contacts\/\w+\/tasks$/ }, { acceptThen: 'reset' })
  await effects.send({ key: 'contract:task', companyId, contact, dueAt, content: { kind: 'task', title: 'Call them', body: 'Not happy', dueAt, assignedTo: sandbox.company().admin.id } })
  await effects.send({ key: 'contract:note', companyId, contact, dueAt, content: { kind: 'note', body: 'They called back' } })
  await effects.send({ key: 'contract:sms', companyId, contact, dueAt, content: { kind: 'sms', text: 'Short hello' } })
  const written = () => sandbox.state.tasks.by('location', headquartersId).length > 0 && sandbox.state.notes.by('location', headquartersId).length > 0
  await until('a task and a note', written)
  await product.settled()
  await effects.settleTask({ companyId, key: 'contract:task', subjectId: contact.subjectId, locationId, reason: 'answered' })
  await until('the task completed', () => sandbox.state.tasks.by('location', headquartersId).some((task) => task.title === 'Call them' && task.completed))
  await product.settled()
}

/** Health Status set in every place: in Barometer, in a contact's field and by the card; what is no level is put back. */
async function healthStatus(product: Product, headquartersId: string, locationId: string): Promise<void> {
  const { sandbox } = product
  const fieldId = sandbox.state.fields.by('location', headquartersId).find((field) => field.name === 'Health Status')?.id
  const pipelines = sandbox.state.pipelines.by('location', headquartersId)
  const pipeline = pipelines.find((one) => one.name === 'Company Health Status')
  const foreign = pipelines.find((one) => one.name === 'Sales')
  const contacts = () => sandbox.accountUsersOf(locationId).flatMap((user) => contactOf(product, headquartersId, user.id) ?? [])
  const cards = () => sandbox.state.opportunities.by('location', headquartersId).filter((card) => card.name === sandbox.state.locations.get(locationId)?.name)
  const shows = (label: string): boolean => {
    const stageId = pipeline?.stages.find((stage) => stage.name === label)?.id
    const [card, ...others] = cards()
    const fields = contacts().map((contact) => contact.customFields.find((field) => field.id === fieldId)?.value)
    const tags = contacts().map((contact) => contact.tags.includes(`health: ${label.toLowerCase()}`))
    return others.length === 0 && card?.pipelineStageId === stageId && fields.every((value) => value === label) && tags.every((has) => has)
  }
  async function agreed(label: string, how: string): Promise<void> {
    await until(`${label} everywhere: ${how}`, () => shows(label), 30_000)
    await product.settled()
  }

  mustBe(200, await adminOf(product).send('PUT', `/api/accounts/${locationId}/health`, { level: 'healthy', note: 'They renewed for a year.' }), 'Setting the status')
  await agreed('Healthy', 'set in Barometer')
  sandbox.updateContact(contacts()[0]?.id ?? '', { fields: { 'Health Status': 'Steady' } })
  await agreed('Steady', 'a field edited')
  sandbox.moveCard(cards()[0]?.id ?? '', 'Thriving')
  await agreed('Thriving', 'the card dragged')
  sandbox.moveCard(cards()[0]?.id ?? '', foreign?.stages[0]?.id ?? '', foreign?.id ?? '')
  await agreed('Thriving', 'the card dragged to another pipeline')
  sandbox.updateContact(contacts()[0]?.id ?? '', { fields: { 'Health Status': null } })
  await agreed('Thriving', 'a field emptied')
}

/** People rename, delete and re-option what the product made; the check sees it and repair mends it. */
async function damageAndRepair(product: Product, headquartersId: string): Promise<void> {
  const { sandbox } = product
  const admin = adminOf(product)
  const fields = sandbox.state.fields.by('location', headquartersId)
  const named = (name: string) => fields.find((field) => field.name === name)?.id ?? ''
  const pipeline = sandbox.state.pipelines.by('location', headquartersId).find((one) => one.name === 'Happiness Level')
  sandbox.deleteField(named('Last Feedback Comment'))
  sandbox.setFieldOptions(named('Happiness Level'), ['Very Happy', 'Happy'])
  sandbox.renameField(named('Happiness Score'), 'Score of happiness')
  if (pipeline?.stages[1] !== undefined) sandbox.deleteStage(pipeline.id, pipeline.stages[1].id)
  mustBe(200, await admin.get('/api/setup?fresh=true'), 'Checking')
  mustBe(200, await admin.send('POST', '/api/setup/repair'), 'Repairing')
  await until('set-up mended', async () => ((await admin.get('/api/setup?fresh=true')).body as { ready: boolean }).ready, 30_000, checkEveryMs)
  await product.settled()
}

/** An agency that has fields, tags and pipelines of these names already. */
export async function matching(recording: Recording): Promise<void> {
  const product = await startProduct({ sandbox: { seed: { accounts: 1, seed: 'harborline' } } })
  const { sandbox } = product
  recording.listen(sandbox)
  try {
    const { headquarters } = sandbox.company()
    sandbox.createField(headquarters.id, { name: 'Happiness Level', dataType: 'SINGLE_OPTIONS', options: ['Happy', 'Neutral'], model: 'contact' })
    sandbox.createField(headquarters.id, { name: 'Happiness Score', dataType: 'NUMERICAL', model: 'contact' })
    sandbox.createPipeline(headquarters.id, 'Happiness Level', ['Not Happy', 'Neutral', 'Happy', 'Very Happy'])
    sandbox.createPipeline(headquarters.id, 'Company Health Status', ['Struggling', 'Steady'])
    await product.setUp()
  } finally {
    await product.stop()
  }
}

/** An agency whose app may not create pipelines: it is told what to make, makes it, and goes on. */
export async function mapping(recording: Recording): Promise<void> {
  const product = await startProduct({ sandbox: { seed: { accounts: 1 }, pipelinesV3: false } })
  const { sandbox } = product
  recording.listen(sandbox)
  try {
    const { headquarters } = sandbox.company()
    await product.install()
    const admin = product.admin()
    mustBe(200, await admin.send('PUT', '/api/setup/success-location', { locationId: headquarters.id }), 'Choosing')
    const check = async (key: string) => ((await admin.get('/api/setup?fresh=true')).body as { checks: { key: string; ok: boolean; fix: string | null }[] }).checks.find((one) => one.key === key)
    await until('the pipeline named as missing', async () => {
      const found = await check('pipeline.happiness')
      return found?.ok === false && found.fix !== null
    }, 30_000, checkEveryMs)
    sandbox.createPipeline(headquarters.id, 'Happiness Level', ['Not Happy', 'Neutral', 'Happy', 'Very Happy'])
    sandbox.createPipeline(headquarters.id, 'Company Health Status', ['Struggling', 'Steady', 'Healthy', 'Thriving'])
    mustBe(200, await admin.send('POST', '/api/setup/repair'), 'Repairing')
    await until('set-up complete', async () => ((await admin.get('/api/setup?fresh=true')).body as { ready: boolean }).ready, 30_000, checkEveryMs)
  } finally {
    await product.stop()
  }
}

/** The app on one sub-account only, with tokens of that sub-account; then removed there by its people. */
export async function singleLocation(recording: Recording): Promise<void> {
  const product = await startProduct({ sandbox: { seed: { accounts: 2 } } })
  const { sandbox } = product
  recording.listen(sandbox)
  try {
    const { headquarters } = sandbox.company()
    await sandbox.install({ single: headquarters.id, order: 'callback-first' })
    await product.settled()
    sandbox.expireTokens({ locationId: headquarters.id })
    await until('the installation', async () => (await product.app.services.installations.get(product.companyId))?.kind === 'location')
    await product.app.services.gateway.location(product.companyId, headquarters.id, 'interactive').getLocation()
    sandbox.uninstall({ locationId: headquarters.id })
    await product.settled()
  } finally {
    await product.stop()
  }
}
