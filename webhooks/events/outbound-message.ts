import { defineWebhookEvent } from '../define.ts'
import { messageShape, seeMessage } from '../shapes.ts'

/** The agency wrote to somebody. */
export const outboundMessage = defineWebhookEvent({
  type: 'OutboundMessage',
  family: 'conversation',
  schema: messageShape,
  handle: (context, features) => seeMessage('outbound', context, features),
})
