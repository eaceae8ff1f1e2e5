import { defineWebhookEvent } from '../define.ts'
import { installOf, installShape } from '../shapes.ts'

/** The app was installed: for the agency, or on one sub-account. May come before the authorization is finished. */
export const install = defineWebhookEvent({
  type: 'INSTALL',
  family: 'installation',
  lifecycle: true,
  schema: installShape,
  async handle(context, features) {
    await features.installations.handleInstall(installOf(context))
    return 'done'
  },
})
