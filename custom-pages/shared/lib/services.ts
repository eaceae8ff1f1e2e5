import { createClient } from '../client.ts'
import { createSessions } from '../session.ts'
import { looksNow } from './use-rights.ts'

/** One session and one client for the page. */
export const sessions = createSessions(window, looksNow)
export const client = createClient(sessions)

/** Contract types hold dates; on the wire they are ISO text. */
export type Wire<T> = T extends Date ? string : T extends (infer U)[] ? Wire<U>[] : T extends object ? { [K in keyof T]: Wire<T[K]> } : T
