import { defineWebhookEvent } from '../define.ts'
import { observeOpportunity, opportunityShape } from '../shapes.ts'

/** A card was moved to another stage. */
export const opportunityStageUpdate = defineWebhookEvent({
  type: 'OpportunityStageUpdate',
  family: 'opportunity',
  schema: opportunityShape,
  handle: (context, features) => observeOpportunity(context, features, { moved: true }),
})
