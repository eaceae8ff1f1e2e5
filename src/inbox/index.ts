export { createInbox, type DeliveryLook, type Inbox, type InboxEvent, type InboxItem } from './inbox.ts'
