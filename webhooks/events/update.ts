import { defineWebhookEvent } from '../define.ts'
import { installOf, installShape } from '../shapes.ts'

/** A new version of the app was accepted, perhaps with other scopes. */
export const update = defineWebhookEvent({
  type: 'UPDATE',
  family: 'installation',
  lifecycle: true,
  schema: installShape,
  async handle(context, features) {
    await features.installations.handleUpdate(installOf(context))
    return 'done'
  },
})
