import { missing } from '../api/api-error.ts'
import type { Conversation, Message, Note, Task } from '../state/records.ts'
import { getContact } from './contacts.ts'
import type { World } from '../world.ts'

export function createNote(world: World, contactId: string, input: { body: string; userId?: string | undefined; title?: string | undefined }): Note {
  const { locationId } = getContact(world, contactId)
  const note = world.state.notes.put({
    id: world.state.ids.id20('note'), locationId, contactId, body: input.body, userId: input.userId ?? '', title: input.title ?? '', dateAdded: world.isoNow(),
  })
  world.emit('NoteCreate', { locationId }, { id: note.id, body: note.body, contactId, dateAdded: note.dateAdded })
  return note
}

export interface TaskInput {
  title: string
  dueDate: string
  completed: boolean
  body?: string | undefined
  assignedTo?: string | undefined
}

export function createTask(world: World, contactId: string, input: TaskInput): Task {
  const { locationId } = getContact(world, contactId)
  const task = world.state.tasks.put({
    id: world.state.ids.id20('task'), locationId, contactId, title: input.title, body: input.body ?? '', assignedTo: input.assignedTo ?? '',
    dueDate: input.dueDate, completed: input.completed, dateAdded: world.isoNow(),
  })
  const documented = world.settings.webhookFormat.taskCreateWithContact ? { contactId, body: task.body } : {}
  world.emit('TaskCreate', { locationId }, { id: task.id, assignedTo: task.assignedTo, title: task.title, dateAdded: task.dateAdded, dueDate: task.dueDate, ...documented })
  return task
}

export function updateTask(world: World, taskId: string, change: { [Key in keyof TaskInput]?: TaskInput[Key] | undefined }): Task {
  const before = world.state.tasks.get(taskId)
  if (before === undefined) throw missing(`Task with id ${taskId} not found`)
  const after = world.state.tasks.put({
    ...before, title: change.title ?? before.title, body: change.body ?? before.body, dueDate: change.dueDate ?? before.dueDate,
    completed: change.completed ?? before.completed, assignedTo: change.assignedTo ?? before.assignedTo,
  })
  if (after.completed && !before.completed) {
    world.emit('TaskComplete', { locationId: after.locationId }, { id: after.id, assignedTo: after.assignedTo, title: after.title, contactId: after.contactId, dateAdded: after.dateAdded, dueDate: after.dueDate })
  }
  return after
}

export interface MessageInput {
  channel: Message['channel']
  direction: Message['direction']
  body: string
  subject?: string | undefined
  from?: string | undefined
  source?: Message['source'] | undefined
  userId?: string | undefined
}

function conversationOf(world: World, contactId: string): Conversation {
  const { locationId } = getContact(world, contactId)
  const [there] = world.state.conversations.by('contact', contactId)
  if (there !== undefined) return there
  return world.state.conversations.put({
    id: world.state.ids.id20('conversation'), locationId, contactId, unreadCount: 0, lastMessageId: '', dateUpdated: world.isoNow(),
  })
}

/** Adds a message to a contact's conversation and emits it. Nothing is really sent. */
export function addMessage(world: World, contactId: string, input: MessageInput): Message {
  const contact = getContact(world, contactId)
  const conversation = conversationOf(world, contactId)
  const message = world.state.messages.put({
    id: world.state.ids.id20('message'), locationId: contact.locationId, conversationId: conversation.id, contactId, channel: input.channel,
    direction: input.direction, status: 'delivered', body: input.body, subject: input.subject ?? '', from: input.from ?? '',
    to: input.direction === 'outbound' ? (input.channel === 'Email' ? contact.email : contact.phone) : '', source: input.source ?? 'app',
    userId: input.userId ?? '', dateAdded: world.isoNow(),
  })
  world.state.conversations.put({
    ...conversation, lastMessageId: message.id, dateUpdated: message.dateAdded, unreadCount: conversation.unreadCount + (message.direction === 'inbound' ? 1 : 0),
  })
  // E-mails name themselves otherwise than all other messages, and have no status.
  const byChannel = message.channel === 'Email'
    ? { emailMessageId: message.id, threadId: conversation.id, subject: message.subject, from: message.from, to: [message.to] }
    : { messageId: message.id, status: message.status, contentType: 'text/plain' }
  world.emit(message.direction === 'inbound' ? 'InboundMessage' : 'OutboundMessage', { locationId: contact.locationId }, {
    attachments: [], body: message.body, contactId, conversationId: conversation.id, dateAdded: message.dateAdded, direction: message.direction,
    messageType: message.channel === 'Other' ? 'Custom' : message.channel, ...(message.direction === 'outbound' ? { source: message.source } : {}), ...byChannel,
  })
  return message
}
