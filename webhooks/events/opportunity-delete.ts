import { defineWebhookEvent } from '../define.ts'
import { observeOpportunity, opportunityShape } from '../shapes.ts'

/** A card was deleted. */
export const opportunityDelete = defineWebhookEvent({
  type: 'OpportunityDelete',
  family: 'opportunity',
  schema: opportunityShape,
  handle: (context, features) => observeOpportunity(context, features, { deleted: true }),
})
