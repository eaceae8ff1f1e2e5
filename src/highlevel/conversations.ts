import { PermanentError } from '../kernel/errors.ts'
import type { Ask } from './ask.ts'
import { endpoints } from './endpoints.ts'
import { pathId } from './sender.ts'
import type { CrmMessage, CrmMessageInput, LocationApi } from './types.ts'
import * as wire from './wire.ts'

/** Lists often have e-mails without their bodies; at most this many are looked up one by one. */
const maxEmails = 5
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
      let lookedUp = 0
      const complete: CrmMessage[] = []
      for (const { emailId, ...message } of messages.slice(0, limit)) {
        if (emailId === null || message.body !== '' || lookedUp >= maxEmails) complete.push(message)
        else {
          lookedUp++
          complete.push({ ...message, ...(await emailOf(emailId, message)) })
        }
      }
      return complete
    },
  }

  async function emailOf(emailId: string, message: CrmMessage): Promise<Pick<CrmMessage, 'body' | 'subject'>> {
    try {
      // A plain request: the SDK sends this one without a token, because the specification names no security for it.
      const email = await ask(endpoints.getEmail, { via: 'plain', path: { id: pathId(emailId) } }, wire.emailAnswer)
      return { body: email.body === '' ? message.body : email.body, subject: email.subject ?? message.subject }
    } catch (error) {
      // The list's own members are still worth something when the e-mail itself cannot be had.
      if (error instanceof PermanentError) return { body: message.body, subject: message.subject }
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
