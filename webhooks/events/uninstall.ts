import { defineWebhookEvent } from '../define.ts'
import { installShape } from '../shapes.ts'

/** The app was removed: from one sub-account if the event names one, else from the whole agency. */
export const uninstall = defineWebhookEvent({
  type: 'UNINSTALL',
  family: 'installation',
  lifecycle: true,
  schema: installShape,
  async handle({ companyId, locationId, at, eventId }, features) {
    await features.installations.handleUninstall({ companyId, locationId, at, eventId })
    return 'done'
  },
})
