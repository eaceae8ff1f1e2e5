import { z } from 'zod'
import type {
  ConversationSchema, GetEmailMessageResponseDto, GetMessageResponseDto, GetMessagesByConversationResponseDto, SendConversationResponseDto, SendMessageResponseDto,
} from '@gohighlevel/api-client/dist/lib/code/conversations/models/conversations.js'
import { badRequest, missing } from './api-error.ts'
import { countParam, endpoint, namedTenant, ok, toCount, type Endpoint } from './endpoint.ts'
import { getContact, nameOf } from '../domain/contacts.ts'
import { addMessage } from '../domain/activity.ts'
import type { Conversation, Message } from '../state/records.ts'
import type { World } from '../world.ts'

const versions = ['2021-04-15']

const sendBody = z.strictObject({
  type: z.enum(['SMS', 'RCS', 'Email', 'WhatsApp', 'IG', 'FB', 'Custom', 'Live_Chat', 'TIKTOK']), contactId: z.string(), subType: z.unknown().optional(),
  appointmentId: z.string().optional(), attachments: z.array(z.string()).optional(), emailFrom: z.string().optional(), emailCc: z.array(z.string()).optional(),
  emailBcc: z.array(z.string()).optional(), html: z.string().optional(), message: z.string().optional(), subject: z.string().optional(), replyMessageId: z.string().optional(),
  templateId: z.string().optional(), threadId: z.string().optional(), scheduledTimestamp: z.number().optional(), conversationProviderId: z.string().optional(),
  emailTo: z.string().optional(), customSubtypeId: z.string().optional(), emailReplyMode: z.enum(['reply', 'reply_all']).optional(), fromNumber: z.string().optional(),
  toNumber: z.string().optional(), forward: z.unknown().optional(), status: z.enum(['delivered', 'failed', 'pending', 'read']).optional(),
  usesNativeSchedulingAi: z.boolean().optional(), optimizationPeriod: z.string().optional(),
})

function wireType(message: Pick<Message, 'channel'> | undefined): string {
  if (message?.channel === 'Email') return 'TYPE_EMAIL'
  return message?.channel === 'Other' ? 'TYPE_LIVE_CHAT' : 'TYPE_SMS'
}

function wireMessage(message: Message, emailBodies: boolean): GetMessageResponseDto {
  const elsewhere = message.channel === 'Email' && !emailBodies
  return {
    id: message.id, type: message.channel === 'Email' ? 3 : 2, messageType: wireType(message), locationId: message.locationId, contactId: message.contactId,
    conversationId: message.conversationId, dateAdded: message.dateAdded, body: elsewhere ? '' : message.body, direction: message.direction, status: message.status,
    ...(elsewhere ? { meta: { email: { messageIds: [message.id] } } } : {}),
    contentType: message.channel === 'Email' ? 'text/html' : 'text/plain', attachments: [], source: message.source,
    ...(message.userId === '' ? {} : { userId: message.userId }),
  }
}

export function conversationEndpoints(world: World): Endpoint[] {
  const { state } = world

  function wireConversation(conversation: Conversation): ConversationSchema {
    const contact = state.contacts.get(conversation.contactId)
    const last = state.messages.get(conversation.lastMessageId)
    const name = contact === undefined ? '' : nameOf(contact)
    return {
      id: conversation.id, contactId: conversation.contactId, locationId: conversation.locationId, lastMessageBody: last?.body ?? '', lastMessageType: wireType(last),
      type: last?.channel === 'Email' ? 'TYPE_EMAIL' : 'TYPE_PHONE', unreadCount: conversation.unreadCount, fullName: name, contactName: name,
      email: contact?.email ?? '', phone: contact?.phone ?? '',
    }
  }

  return [
    endpoint({
      method: 'POST', path: '/conversations/messages', versions, scope: 'conversations/message.write', body: sendBody,
      tenant: ({ body }) => ({ locationId: state.contacts.get(String((body as { contactId?: unknown } | undefined)?.contactId))?.locationId }),
      handle({ body }) {
        const contact = getContact(world, body.contactId)
        const channel = body.type === 'Email' || body.type === 'SMS' ? body.type : 'Other'
        if (contact.dnd || contact.dndSettings[body.type]?.status === 'active') {
          throw badRequest(`Cannot send message as DND is active for ${body.type}.`)
        }
        if (channel === 'Email' && contact.email === '') throw badRequest('No email address found for the contact')
        if (channel === 'SMS' && contact.phone === '') throw badRequest('Missing phone number')
        const text = body.html ?? body.message
        if (text === undefined || text === '') throw badRequest('There is no message or attachments for this message. Skip sending.')
        const message = addMessage(world, contact.id, { channel, direction: 'outbound', body: text, subject: body.subject, from: body.emailFrom, source: 'api' })
        const answer: SendMessageResponseDto = {
          conversationId: message.conversationId, messageId: message.id, ...(channel === 'Email' ? { emailMessageId: message.id } : {}),
          msg: `${channel === 'Email' ? 'Email' : 'Message'} queued successfully.`, status: 'pending',
        }
        return ok(answer)
      },
    }),
    endpoint({
      method: 'GET', path: '/conversations/search', versions, scope: 'conversations.readonly', tenant: namedTenant,
      query: z.strictObject({
        locationId: z.string(), contactId: z.string().optional(), assignedTo: z.string().optional(), query: z.string().optional(), sort: z.enum(['asc', 'desc']).optional(),
        startAfterDate: z.string().optional(), id: z.string().optional(), limit: countParam, lastMessageType: z.string().optional(), lastMessageAction: z.string().optional(),
        lastMessageDirection: z.enum(['inbound', 'outbound']).optional(), status: z.string().optional(), sortBy: z.string().optional(),
      }),
      handle({ query }) {
        const matching = state.conversations.by('location', query.locationId).filter((conversation) => {
          const last = state.messages.get(conversation.lastMessageId)
          return (query.contactId === undefined || conversation.contactId === query.contactId)
            && (query.id === undefined || conversation.id === query.id)
            && (query.lastMessageDirection === undefined || last?.direction === query.lastMessageDirection)
            && (query.status !== 'unread' || conversation.unreadCount > 0)
        }).sort((a, b) => (query.sort === 'asc' ? 1 : -1) * a.dateUpdated.localeCompare(b.dateUpdated))
        const answer: SendConversationResponseDto = { conversations: matching.slice(0, toCount(query.limit, 20, 100)).map(wireConversation), total: matching.length }
        return ok(answer)
      },
    }),
    endpoint({
      method: 'GET', path: '/conversations/{conversationId}/messages', versions, scope: 'conversations/message.readonly',
      query: z.strictObject({ lastMessageId: z.string().optional(), limit: countParam, type: z.string().optional() }),
      tenant: ({ params }) => ({ locationId: state.conversations.get(params['conversationId'] ?? '')?.locationId }),
      handle({ params, query }) {
        const conversationId = params['conversationId'] ?? ''
        if (!state.conversations.has(conversationId)) throw missing(`Conversation with id ${conversationId} not found`, 400)
        const newestFirst = state.messages.by('conversation', conversationId).reverse().filter((message) => query.type === undefined || query.type.split(',').includes(wireType(message)))
        const from = query.lastMessageId === undefined ? 0 : newestFirst.findIndex((message) => message.id === query.lastMessageId) + 1
        const limit = toCount(query.limit, 20, 100)
        const shown = newestFirst.slice(from, from + limit)
        const answer: GetMessagesByConversationResponseDto = {
          lastMessageId: shown.at(-1)?.id ?? '', nextPage: from + limit < newestFirst.length, messages: shown.map((message) => wireMessage(message, world.settings.emailBodiesInLists)),
        }
        return ok(answer)
      },
    }),
    endpoint({
      method: 'GET', path: '/conversations/messages/email/{id}', versions, scope: 'conversations/message.readonly',
      tenant: ({ params }) => ({ locationId: state.messages.get(params['id'] ?? '')?.locationId }),
      handle({ params }) {
        const id = params['id'] ?? ''
        const message = state.messages.get(id)
        if (message?.channel !== 'Email') throw missing(`Email message with id ${id} not found`, 400)
        const answer: GetEmailMessageResponseDto = {
          id, threadId: message.conversationId, locationId: message.locationId, contactId: message.contactId, conversationId: message.conversationId,
          dateAdded: message.dateAdded, subject: message.subject, body: message.body, direction: message.direction, contentType: 'text/html', attachments: [],
          from: message.from, to: [message.to], source: message.source,
        }
        return ok(answer)
      },
    }),
  ]
}
