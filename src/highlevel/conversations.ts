import { PermanentError } from '../kernel/errors.ts'
import { endpoints } from './endpoints.ts'
import type { Ask } from './location-api.ts'
import { pathId } from './sender.ts'
import type { CrmMessage, CrmMessageInput, LocationApi } from './types.ts'
import * as wire from './wire.ts'

/** Lists of e-mails come without their bodies; at most this many are looked up one by one. */
const maxBodies = 5
const maxConversations = 3

/** Messages. HighLevel has no idempotency key for them: whoever repeats a send looks at `listMessages` first. */
export function conversationsOf(ask: Ask, locationId: string): Pick<LocationApi, 'sendMessage' | 'listMessages'> {
  return {
    // A plain request: the SDK's type demands `subType` and `status`, which are errors of the specification.
    sendMessage: (input) => ask(endpoints.sendMessage, { via: 'plain', json: messageBody(input) }, wire.sentAnswer),

    async listMessages(contactId, limit) {
      const conversationIds = await ask(
        endpoints.searchConversations,
        { via: 'plain', query: { locationId, contactId: pathId(contactId), limit: String(maxConversations) } },
        wire.conversationsAnswer,
      )
      const messages = []
      for (const conversationId of conversationIds.slice(0, maxConversations)) {
        const path = { conversationId: pathId(conversationId) }
        messages.push(...(await ask(endpoints.listMessages, { via: 'plain', path, query: { limit: String(Math.min(limit, 100)) } }, wire.messagesAnswer)))
      }
      messages.sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime())
      let bodies = 0
      const complete: CrmMessage[] = []
      for (const { emailId, ...message } of messages.slice(0, limit)) {
        if (emailId === null || message.body !== '' || bodies >= maxBodies) complete.push(message)
        else {
          bodies++
          complete.push({ ...message, ...(await emailOf(emailId, message)) })
        }
      }
      return complete
    },
  }

  async function emailOf(emailId: string, message: CrmMessage): Promise<Pick<CrmMessage, 'body' | 'subject'>> {
    try {
      const email = await ask(endpoints.getEmail, { via: 'sdk', call: async (sdk, options) => sdk.conversations.getEmailById({ id: pathId(emailId) }, options) }, wire.emailAnswer)
      return { body: email.body, subject: email.subject ?? message.subject }
    } catch (error) {
      if (error instanceof PermanentError && error.code === 'highlevel_not_found') return { body: '', subject: message.subject }
      throw error
    }
  }
}

function messageBody({ kind, contactId, subject, html, text }: CrmMessageInput) {
  if (kind === 'sms') return { type: 'SMS', contactId, message: text }
  return { type: 'Email', contactId, subject: subject ?? '', html: html ?? asHtml(text), message: text }
}

function asHtml(text: string): string {
  const escaped = text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
  return `<p>${escaped.replace(/\n{2,}/g, '</p><p>').replace(/\n/g, '<br>')}</p>`
}
