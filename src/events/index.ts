export { domainEventTypes, timelineOnlyTypes, type Actor, type DomainEvent, type DomainEventType, type EventCause, type EventSource } from './types.ts'
export { createEvents, type Events, type StoredEvent, type TimelineQuery } from './events.ts'
