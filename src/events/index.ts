export { domainEventTypes, type Actor, type DomainEvent, type DomainEventType, type EventSource } from './types.ts'
export { createEvents, type Events, type TimelineQuery } from './events.ts'
