import { defineWebhookEvent } from '../define.ts'
import { applyUser, userShape } from '../shapes.ts'

/** A user changed. */
export const userUpdate = defineWebhookEvent({
  type: 'UserUpdate',
  family: 'user',
  schema: userShape,
  handle: (context, features) => applyUser('updated', context, features),
})
