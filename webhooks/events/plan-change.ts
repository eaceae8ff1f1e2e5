import { z } from 'zod'
import { defineWebhookEvent, optionalText } from '../define.ts'

/** The agency or sub-account moved to another plan of the app. */
export const planChange = defineWebhookEvent({
  type: 'PLAN_CHANGE',
  family: 'installation',
  lifecycle: true,
  schema: z.looseObject({ newPlanId: optionalText }),
  async handle({ payload, companyId, locationId, at, eventId }, features) {
    await features.installations.handlePlanChange({ companyId, locationId, newPlanId: payload.newPlanId, at, eventId })
    return 'done'
  },
})
