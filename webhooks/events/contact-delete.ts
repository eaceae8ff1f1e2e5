import { defineWebhookEvent } from '../define.ts'
import { contactShape, observeContact } from '../shapes.ts'

/** A contact was deleted: its id is forgotten, and matched or made anew when something is wanted of it. */
export const contactDelete = defineWebhookEvent({
  type: 'ContactDelete',
  family: 'contact',
  schema: contactShape,
  handle: (context, features) => observeContact(context, features, true),
})
