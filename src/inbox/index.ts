export { createInbox, type Inbox, type InboxEvent, type InboxItem } from './inbox.ts'
