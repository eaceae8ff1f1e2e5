import type { DomainEvent } from '../events/index.ts'
import { userIdOf } from './edit-events.ts'
import { sentKeyOf } from './records.ts'
import type { OutboxMessage } from './types.ts'

type Content = OutboxMessage['content']

const quoted = (names: readonly string[]): string => names.map((name) => `“${name}”`).join(', ')
const titled = (noun: string, title: string): string => (title === '' ? noun : `${noun}: ${title.replace(/[.?]+$/, '')}`)
/** A name that is known, or the thing itself. */
const named = (noun: string, label: string | undefined): string => (label === undefined ? noun : `${noun} “${label}”`)

/** What happened, in one sentence. */
function sentence(content: Content): string {
  switch (content.kind) {
    case 'email':
      return `${titled('An e-mail was sent', content.subject)}.`
    case 'sms':
      return 'A text message was sent.'
    case 'task':
      return `${titled('A task was created', content.title)}.`
    case 'note':
      return 'A note was created.'
    case 'tags': {
      const parts = [...(content.add.length === 0 ? [] : [`added: ${quoted(content.add)}`]), ...(content.remove.length === 0 ? [] : [`removed: ${quoted(content.remove)}`])]
      return `Tags were changed by an automation (${parts.join('; ')}).`
    }
    case 'field':
      return `${named('The field', content.label)} was set by an automation.`
    case 'card':
      return content.label === undefined ? 'The card was moved by an automation.' : `The card was moved to “${content.label}” by an automation.`
    case 'crm_workflow':
      return `The contact was ${content.action === 'add' ? 'added to' : 'removed from'} ${named('the workflow', content.label)}.`
  }
}

const subjects: Record<Content['kind'], string> = {
  email: 'An e-mail could not be delivered',
  sms: 'A text message could not be delivered',
  task: 'A task could not be delivered',
  note: 'A note could not be delivered',
  tags: 'Tags could not be changed',
  field: 'A field could not be set',
  card: 'A card could not be moved',
  crm_workflow: 'A workflow could not be told about the contact',
}

/** HighLevel's id of what it accepted; or why it did not come about, and how often somebody had it tried again before. */
export type OutboxEnd = { externalId: string } | { failure: { code: string; message: string }; replays: number }

/** How the end of a message, or of what a step wrote, is told. */
export function eventOf(message: OutboxMessage, at: Date, end: OutboxEnd): DomainEvent {
  const failure = 'failure' in end ? end.failure : null
  const { companyId, key, contact, content, changeId } = message
  const type = failure !== null ? 'message.failed' : content.kind === 'task' ? 'task.created' : 'message.sent'
  return {
    // Given up again after somebody had it tried again: a fact of its own.
    key: `${type}:${sentKeyOf(companyId, key)}${'replays' in end && end.replays > 0 ? `:${end.replays}` : ''}`,
    companyId,
    locationId: contact.locationId,
    userId: userIdOf(contact.subjectId),
    type,
    at,
    actor: { kind: 'system', id: null, name: null },
    source: 'workflow',
    summary: failure === null ? sentence(content) : `${subjects[content.kind]}: ${failure.message}`,
    data: { messageKey: key, kind: content.kind, subjectId: contact.subjectId, ...(changeId === undefined ? {} : { changeId }), ...('externalId' in end ? { externalId: end.externalId } : { code: end.failure.code }) },
  }
}
