import type { Effects } from '../src/effects/index.ts'
import { contactShape, observedContactOf, observedOpportunityOf, opportunityShape } from './shapes.ts'

/** An event at the edge. */
export interface ArrivingEvent {
  type: string
  companyId: string
  /** The event's own time. */
  at: Date
  /** The parsed body. */
  body: unknown
}

/** Tells events that only show what this process wrote a moment ago, before they are stored. Anything in doubt is none. */
export function createEchoFilter(effects: Pick<Effects, 'isEchoOfContact' | 'isEchoOfOpportunity'>): (event: ArrivingEvent) => boolean {
  return ({ type, companyId, at, body }) => {
    switch (type) {
      case 'ContactUpdate':
      case 'ContactTagUpdate': {
        const parsed = contactShape.safeParse(body)
        return parsed.success && effects.isEchoOfContact(companyId, observedContactOf(parsed.data, at), type === 'ContactUpdate')
      }
      case 'OpportunityUpdate':
      case 'OpportunityStageUpdate': {
        const parsed = opportunityShape.safeParse(body)
        const observed = parsed.success ? observedOpportunityOf(parsed.data, at) : null
        return observed !== null && effects.isEchoOfOpportunity(companyId, observed)
      }
      default:
        return false
    }
  }
}
