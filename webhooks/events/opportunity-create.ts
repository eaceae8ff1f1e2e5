import { defineWebhookEvent } from '../define.ts'
import { observeOpportunity, opportunityShape } from '../shapes.ts'

/** A card appeared: ours, as an echo, or a person's. */
export const opportunityCreate = defineWebhookEvent({
  type: 'OpportunityCreate',
  family: 'opportunity',
  schema: opportunityShape,
  handle: (context, features) => observeOpportunity(context, features),
})
