import { defineWebhookEvent } from '../define.ts'
import { observeOpportunity, opportunityShape } from '../shapes.ts'

/** A card changed; comes beside the event that says what changed. */
export const opportunityUpdate = defineWebhookEvent({
  type: 'OpportunityUpdate',
  family: 'opportunity',
  schema: opportunityShape,
  handle: (context, features) => observeOpportunity(context, features),
})
