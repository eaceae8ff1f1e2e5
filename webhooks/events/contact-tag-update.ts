import { defineWebhookEvent } from '../define.ts'
import { contactShape, observeContact } from '../shapes.ts'

/** Tags of a contact changed. */
export const contactTagUpdate = defineWebhookEvent({
  type: 'ContactTagUpdate',
  family: 'contact',
  schema: contactShape,
  handle: (context, features) => observeContact(context, features),
})
