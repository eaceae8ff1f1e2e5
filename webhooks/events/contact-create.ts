import { defineWebhookEvent } from '../define.ts'
import { contactShape, observeContact } from '../shapes.ts'

/** A contact of the success location appeared. */
export const contactCreate = defineWebhookEvent({
  type: 'ContactCreate',
  family: 'contact',
  schema: contactShape,
  handle: (context, features) => observeContact(context, features),
})
