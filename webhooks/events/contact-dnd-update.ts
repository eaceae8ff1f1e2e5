import { defineWebhookEvent } from '../define.ts'
import { contactShape, observeContact } from '../shapes.ts'

/** Do-not-disturb of a contact changed; the snapshot that comes with it is read like all others. */
export const contactDndUpdate = defineWebhookEvent({
  type: 'ContactDndUpdate',
  family: 'contact',
  schema: contactShape,
  handle: (context, features) => observeContact(context, features),
})
