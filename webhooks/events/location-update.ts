import { defineWebhookEvent } from '../define.ts'
import { applyLocation, locationShape } from '../shapes.ts'

/** A sub-account changed its name, address or plan. */
export const locationUpdate = defineWebhookEvent({
  type: 'LocationUpdate',
  family: 'location',
  schema: locationShape,
  handle: (context, features) => applyLocation('updated', context, features),
})
