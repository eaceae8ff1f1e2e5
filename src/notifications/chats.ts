import type { Model } from 'mongoose'
import type { ChatView } from '../http/contract/notifications.ts'
import type { Clock } from '../kernel/clock.ts'
import type { CryptoBox } from '../kernel/crypto-box.ts'
import { CodedError, RequestError } from '../kernel/errors.ts'
import { checkOutboundUrl, type Outbound } from '../kernel/outbound.ts'
import { formatOf, payloadOf, postToChat } from './chat.ts'
import type { Message } from './message.ts'
import type { ChatRecord } from './model.ts'

/** Incoming webhooks of chats, one per person and one per agency. The address is a secret: it is stored encrypted and never given out. */
export interface Chats {
  view(companyId: string, ownerId: string): Promise<ChatView>
  /** @throws RequestError 422 `chat_invalid` */
  set(companyId: string, ownerId: string, url: string, setBy: string): Promise<void>
  remove(companyId: string, ownerId: string): Promise<void>
  /** Who has one. */
  owners(companyId: string): Promise<Set<string>>
  /** @throws what `postToChat` throws; CodedError `no_chat` if there is none (any more) */
  post(companyId: string, ownerId: string, message: Message, workspaceUrl: string | null): Promise<void>
}

const none: ChatView = { set: false, host: null, format: null, setAt: null, setBy: null }

export function createChats(chats: Model<ChatRecord>, { box, clock, outbound }: { box: CryptoBox; clock: Clock; outbound: Outbound }): Chats {
  const idOf = (companyId: string, ownerId: string): string => `${companyId}:${ownerId}`
  const contextOf = (id: string): string => `notification-chat:${id}`

  return {
    async view(companyId, ownerId) {
      const found = await chats.findOne({ _id: idOf(companyId, ownerId), companyId }, { sealed: 0 }).lean()
      return found === null ? none : { set: true, host: found.host, format: formatOf(found.host), setAt: found.setAt.toISOString(), setBy: found.setBy }
    },

    async set(companyId, ownerId, url, setBy) {
      let checked: URL
      try {
        checked = checkOutboundUrl(url)
      } catch (error) {
        if (!(error instanceof CodedError)) throw error
        throw new RequestError(422, 'chat_invalid', `url: ${error.message}`, { details: { fields: [{ field: 'url', problem: error.message }] } })
      }
      const _id = idOf(companyId, ownerId)
      await chats.updateOne({ _id, companyId }, { $set: { ownerId, sealed: box.seal(checked.href, contextOf(_id)), host: checked.hostname, setAt: clock.now(), setBy } }, { upsert: true })
    },

    async remove(companyId, ownerId) {
      await chats.deleteOne({ _id: idOf(companyId, ownerId), companyId })
    },

    async owners(companyId) {
      return new Set((await chats.find({ companyId }, { ownerId: 1 }).lean()).map(({ ownerId }) => ownerId))
    },

    async post(companyId, ownerId, message, workspaceUrl) {
      const _id = idOf(companyId, ownerId)
      const found = await chats.findOne({ _id, companyId }).lean()
      if (found === null) throw new CodedError('no_chat', 'There is no chat (any more).')
      await postToChat(outbound, box.open(found.sealed, contextOf(_id)), payloadOf(formatOf(found.host), message, workspaceUrl))
    },
  }
}
