import { defineWebhookEvent } from '../define.ts'
import { applyUser, userShape } from '../shapes.ts'

/** Somebody became a user of a sub-account or of the agency. */
export const userCreate = defineWebhookEvent({
  type: 'UserCreate',
  family: 'user',
  schema: userShape,
  handle: (context, features) => applyUser('created', context, features),
})
