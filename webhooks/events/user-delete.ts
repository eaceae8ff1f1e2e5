import { defineWebhookEvent } from '../define.ts'
import { applyUser, userShape } from '../shapes.ts'

/** A user was removed: their answer no longer counts. */
export const userDelete = defineWebhookEvent({
  type: 'UserDelete',
  family: 'user',
  schema: userShape,
  handle: (context, features) => applyUser('removed', context, features),
})
