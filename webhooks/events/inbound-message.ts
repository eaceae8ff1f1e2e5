import { defineWebhookEvent } from '../define.ts'
import { messageShape, seeMessage } from '../shapes.ts'

/** Somebody wrote to the agency: a reply stops follow-ups. */
export const inboundMessage = defineWebhookEvent({
  type: 'InboundMessage',
  family: 'conversation',
  schema: messageShape,
  handle: (context, features) => seeMessage('inbound', context, features),
})
