import { z } from 'zod'
import { crmId, defineWebhookEvent, optionalText } from '../define.ts'

/** A task in the success location was ticked off. */
export const taskComplete = defineWebhookEvent({
  type: 'TaskComplete',
  family: 'task',
  schema: z.looseObject({ id: crmId, contactId: optionalText }),
  async handle({ payload, companyId, locationId, at }, features) {
    if (features.replies === undefined || companyId === null || locationId === null) return 'ignored'
    await features.replies.taskCompleted({ companyId, locationId, taskId: payload.id, contactId: payload.contactId, at })
    return 'done'
  },
})
