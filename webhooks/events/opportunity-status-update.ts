import { defineWebhookEvent } from '../define.ts'
import { observeOpportunity, opportunityShape } from '../shapes.ts'

/** A card was won, lost, abandoned or opened again; its stage is read like all others. */
export const opportunityStatusUpdate = defineWebhookEvent({
  type: 'OpportunityStatusUpdate',
  family: 'opportunity',
  schema: opportunityShape,
  handle: (context, features) => observeOpportunity(context, features),
})
