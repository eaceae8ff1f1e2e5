import { defineWebhookEvent } from '../define.ts'
import { contactShape, observeContact } from '../shapes.ts'

/** A contact changed: an echo of our own write, or a person edited a field. */
export const contactUpdate = defineWebhookEvent({
  type: 'ContactUpdate',
  family: 'contact',
  schema: contactShape,
  handle: (context, features) => observeContact(context, features),
})
