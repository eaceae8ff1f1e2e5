import { hashOf } from '../../../src/kernel/ids.ts'
import { happinessLabels } from '../../../src/kernel/levels.ts'
import type { Acknowledged, Crowd } from './customers.ts'
import type { Customer, World } from './world.ts'

/** What a scenario came to: every fact that was acknowledged, and those without their effects or with more than one set of them. */
export interface Findings {
  acknowledged: number
  lost: string[]
  doubled: string[]
}

interface Seen {
  expected: number
  found: number
  what: string
}

/** Holds the sandbox and the records against everything that was acknowledged. Call it when all is at rest. */
export async function verify(world: World, crowd: Crowd): Promise<Findings> {
  const lost: string[] = []
  const doubled: string[] = []
  const exactly = ({ expected, found, what }: Seen): void => {
    if (found < expected) lost.push(`${what}: ${found} instead of ${expected}`)
    if (found > expected) doubled.push(`${what}: ${found} instead of ${expected}`)
  }
  const equal = (what: string, found: unknown, expected: unknown): void => {
    if (found !== expected) lost.push(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`)
  }
  const database = (await world.db()).db
  if (database === undefined) throw new Error('The store is not open')
  const { companyId, sandbox } = world
  const all = (name: string) => database.collection(name).find({ companyId }).toArray()
  const [answers, entries, events, notifications, cases, accounts] = await Promise.all(['answers', 'score_entries', 'events', 'notifications', 'cases', 'accounts'].map(all))

  for (const name of ['inbox', 'answer_work', 'events', 'workflow_steps', 'outbox', 'effect_contacts', 'effect_cards']) {
    for (const dead of await database.collection(name).find({ state: 'dead' }).toArray()) lost.push(`${name} ${String(dead._id)} is dead: ${JSON.stringify(dead['error'])}`)
  }
  const team = sandbox.state.users.by('company', companyId).filter((user) => user.type === 'agency' && !user.deleted)
  for (const { answerId, key, customer, level, comment } of crowd.given) {
    const stored = answers?.filter((answer) => answer['idempotencyKey'] === key && answer['userId'] === customer.userId) ?? []
    exactly({ expected: 1, found: stored.length, what: `answer ${key}` })
    equal(`level of answer ${key}`, stored[0]?.['level'], level)
    equal(`comment of answer ${key}`, stored[0]?.['comment'], comment)
    exactly({ expected: 1, found: entries?.filter((entry) => String(entry._id).endsWith(`:answer:${answerId}:0`)).length ?? 0, what: `ledger entry of ${key}` })
    const fact = `feedback.received:${answerId}`
    exactly({ expected: 1, found: events?.filter((event) => String(event._id) === fact).length ?? 0, what: `event of ${key}` })
    const notice = `run:${hashOf('run', companyId, 'feedback_received', customer.userId, fact).slice(0, 32)}:tell`
    for (const member of team) {
      const told = notifications?.filter((each) => each['recipientId'] === member.id).flatMap((each) => (each['keys'] as string[]).filter((known) => known === notice)) ?? []
      exactly({ expected: 1, found: told.length, what: `notification of ${member.email} about ${key}` })
    }
    if (level === 'not_happy') {
      const attached = cases?.flatMap((each) => (each['answers'] as { answerId: string }[]).filter((known) => known.answerId === answerId)) ?? []
      exactly({ expected: 1, found: attached.length, what: `case of ${key}` })
    }
  }
  for (const notification of notifications ?? []) equal(`count of notification ${String(notification._id)}`, notification['count'], (notification['keys'] as string[]).length)

  for (const [customer, given] of byCustomer(crowd.given)) {
    const level = accounts?.find((account) => account['locationId'] === customer.locationId)?.['happiness'] as { level: keyof typeof happinessLabels } | null | undefined
    const opened = events?.filter((event) => event['data'].type === 'case.opened' && event['data'].userId === customer.userId).length ?? 0
    verifyInCrm(world, customer, given, { opened, companyLevel: level?.level ?? null }, exactly, equal)
  }
  const webhooks = verifyWebhooks(world, accounts ?? [], events ?? [], exactly, equal)
  for (const [index, text] of lost.entries()) {
    // Why a follow-up did not leave stands in its run.
    const userId = /messages to .* \((\w+)\)/.exec(text)?.[1]
    if (userId === undefined) continue
    const runs = await database.collection('workflow_runs').find({ companyId, userId, kind: 'follow_up' }).toArray()
    lost[index] = `${text}; runs: ${JSON.stringify(runs.map((run) => [run['workflowKey'], run['state'], run['reason'], run['history']]))}`
  }
  for (const [index, text] of lost.entries()) {
    // What became of a reply stands in its delivery and in the record of its contact.
    const [, messageId, contactId] = /^reply (\w+) of contact (\w+)/.exec(text) ?? []
    if (messageId === undefined || contactId === undefined) continue
    const deliveries = await database.collection('inbox').find({ 'data.type': 'InboundMessage', 'data.payload': { $regex: messageId } }).toArray()
    const records = await database.collection('effect_contacts').find({ companyId, contactId }).toArray()
    const seen = deliveries.map(({ state, createdAt, finishedAt, attempts, crashes, reason, error }) => ({ state, createdAt, finishedAt, attempts, crashes, reason, error }))
    lost[index] = `${text}; deliveries: ${JSON.stringify(seen)}; contact: ${JSON.stringify(records.map(({ state, createdAt, subjects }) => ({ state, createdAt, subjects })))}`
  }
  const users = await all('users')
  for (const user of sandbox.state.users.by('company', companyId)) {
    if (user.type === 'account') equal(`name of user ${user.id}`, users.find((known) => known['userId'] === user.id)?.['name'], `${user.firstName} ${user.lastName}`)
  }
  return { acknowledged: crowd.given.length + webhooks, lost, doubled }
}

function byCustomer(given: readonly Acknowledged[]): Map<Customer, Acknowledged[]> {
  const groups = new Map<Customer, Acknowledged[]>()
  for (const answer of given) groups.set(answer.customer, [...(groups.get(answer.customer) ?? []), answer])
  return groups
}

function verifyInCrm(
  world: World, customer: Customer, given: Acknowledged[], facts: { opened: number; companyLevel: keyof typeof happinessLabels | null }, exactly: (seen: Seen) => void,
  equal: (what: string, found: unknown, expected: unknown) => void,
): void {
  const { state } = world.sandbox
  const { email, userId } = customer
  const newest = given.at(-1)
  const contacts = state.contacts.by('email', `${world.headquartersId}/${email}`)
  exactly({ expected: 1, found: contacts.length, what: `contact of ${email}` })
  const [contact] = contacts
  if (contact === undefined || newest === undefined) return
  const names = new Map(state.fields.by('location', world.headquartersId).map((field) => [field.id, field.name]))
  const fields = Object.fromEntries(contact.customFields.map(({ id, value }) => [names.get(id), value]))
  const label = happinessLabels[newest.level]
  equal(`Happiness Level of ${email}`, fields['Happiness Level'], label)
  equal(`Last Feedback Comment of ${email}`, fields['Last Feedback Comment'], newest.comment)
  equal(`Company Happiness Level of ${email}`, fields['Company Happiness Level'], facts.companyLevel === null ? undefined : happinessLabels[facts.companyLevel])
  const tags = contact.tags.filter((tag) => tag.startsWith('happiness:'))
  equal(`tags of ${email}`, tags.join(), `happiness: ${label.toLowerCase()}`)

  const cards = state.opportunities.by('contact', contact.id).filter((card) => state.pipelines.get(card.pipelineId)?.name === 'Happiness Level')
  exactly({ expected: 1, found: cards.length, what: `card of ${email}` })
  const stage = state.pipelines.get(cards[0]?.pipelineId ?? '')?.stages.find((each) => each.id === cards[0]?.pipelineStageId)
  equal(`stage of ${email}`, stage?.name, label)

  exactly({ expected: facts.opened, found: state.tasks.by('contact', contact.id).length, what: `tasks about ${email}` })
  const talk = state.messages.by('contact', contact.id)
  const messages = talk.filter((message) => message.direction === 'outbound').length
  // Who answered once, changed nothing, did not write and was not to be asked for a review has exactly one follow-up; all others have one at most.
  const certain = given.length === 1 && newest.level !== 'very_happy' && !newest.comment.startsWith('changed') && messages === talk.length
  exactly({ expected: certain ? 1 : Math.min(messages, 1), found: messages, what: `messages to ${email} (${userId})` })
}

/** @returns how many deliveries were acknowledged */
function verifyWebhooks(
  world: World, accounts: Record<string, unknown>[], events: Record<string, unknown>[], exactly: (seen: Seen) => void, equal: (what: string, found: unknown, expected: unknown) => void,
): number {
  const { sandbox, companyId } = world
  const deliveries = sandbox.deliveries()
  exactly({ expected: deliveries.length, found: deliveries.filter((delivery) => delivery.status === 'delivered').length, what: 'webhooks delivered' })
  for (const location of sandbox.state.locations.by('company', companyId)) {
    equal(`name of account ${location.id}`, accounts.find((account) => account['locationId'] === location.id)?.['name'], location.name)
  }
  const received = events.filter((event) => (event['data'] as { type: string }).type === 'message.received')
  for (const message of sandbox.state.messages.by('location', world.headquartersId)) {
    if (message.direction !== 'inbound') continue
    exactly({ expected: 1, found: received.filter((event) => String(event['_id']).startsWith(`message.received:${message.id}:`)).length, what: `reply ${message.id} of contact ${message.contactId} at ${message.dateAdded}` })
  }
  return deliveries.filter((delivery) => delivery.status === 'delivered').length
}
