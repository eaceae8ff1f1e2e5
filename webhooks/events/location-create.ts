import { defineWebhookEvent } from '../define.ts'
import { applyLocation, locationShape } from '../shapes.ts'

/** A sub-account came into being: a new account. */
export const locationCreate = defineWebhookEvent({
  type: 'LocationCreate',
  family: 'location',
  schema: locationShape,
  handle: (context, features) => applyLocation('created', context, features),
})
