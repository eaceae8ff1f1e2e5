import type { QueueState } from './queue-record.ts'

/** Work to be stored. */
export interface QueueItem<T> {
  /** Unique for ever: a second insert of the same key is a duplicate. */
  key: string
  /** Items of one lane are worked on one at a time, in the order of their insertion. */
  lane: string
  /** The tenant; null only while it is not known yet. */
  companyId: string | null
  /** Not before this instant; now if left out. */
  dueAt?: Date
  /** Why it needs no work: it is kept as `ignored` for as long as finished items are. */
  ignored?: string
  data: T
}

/** An item that this process may work on until its lease ends. */
export interface Claimed<T> {
  key: string
  lane: string
  companyId: string | null
  data: T
  /** Number of this attempt, from 1; counted at the claim, so that an attempt that kills the process counts too. */
  attempt: number
  /** True if work on it was begun before, also if it was dead in between and somebody replayed it. */
  begunBefore: boolean
  /** How often somebody took it up again after it was dead or held. */
  replays?: number
  /** Fencing token: only its holder may finish the item. */
  token: string
  createdAt: Date
}

/** An item as operators see it; without its data. */
export interface QueueListing {
  key: string
  lane: string
  state: QueueState
  attempts: number
  dueAt: Date
  createdAt: Date
  reason: string | null
  error: { code: string; message: string; at: Date } | null
}

/** So that one company's work cannot take all hands. */
export interface Turns {
  /** Items of one company in work at most. */
  perCompany: number
  /** Items in work now, by company; Infinity for a company whose work rests. */
  taken: ReadonlyMap<string, number>
}

/** Counts who may still have how many. @returns `take`, which says whether one more item of a company may be claimed, and the companies that may have none */
export function turnCounter(turns: Turns | undefined): { take(companyId: string | null): boolean; full(): string[] } {
  const taken = new Map(turns?.taken)
  return {
    take(companyId) {
      if (turns === undefined || companyId === null) return true
      const count = taken.get(companyId) ?? 0
      if (count >= turns.perCompany) return false
      taken.set(companyId, count + 1)
      return true
    },
    full: () => (turns === undefined ? [] : [...taken].filter(([, count]) => count >= turns.perCompany).map(([companyId]) => companyId)),
  }
}

/** What a look at a queue brought. */
export interface Look<T> {
  claims: Claimed<T>[]
  /** Due items may have been left: their lane is busy, their company has its share, or there were too many. */
  left: boolean
  /** When the next item falls due, if that is within half a minute; null if none does. */
  nextDueAt: Date | null
}

/** A durable queue: leases with fencing tokens, counted attempts, dead letters and replay; strict order in each lane. */
export interface LeasedQueue<T> {
  insert(item: QueueItem<T>): Promise<'inserted' | 'duplicate'>
  /** Inserts many in their order with one write; those that are there already stay as they are. */
  insertAll(items: readonly QueueItem<T>[]): Promise<void>
  /** Keeps an item that needs no work, as `ignored` with its reason, for `ttlDays`; null keeps it for ever. */
  insertIgnored(item: QueueItem<T>, reason: string, ttlDays: number | null): Promise<'inserted' | 'duplicate'>
  /** Leases due items, longest due first, at most one per lane and never one whose lane has an earlier open item. */
  claim(limit: number, turns?: Turns): Promise<Claimed<T>[]>
  /** Claims, and says what else there is. */
  look(limit: number, turns?: Turns): Promise<Look<T>>
  /** @returns false if the lease was lost: somebody else has the item, and this work must not count */
  complete(claimed: Claimed<T>, state?: 'done' | 'ignored'): Promise<boolean>
  /** Permanent errors → dead; retry-after → then, uncounted; all others → back-off, dead after `maxAttempts`. */
  fail(claimed: Claimed<T>, error: unknown): Promise<'retry' | 'dead' | 'lost'>
  /** Waits without counting the attempt, for example for a reconnect. @returns false if the lease was lost */
  hold(claimed: Claimed<T>, untilAt: Date, reason: string): Promise<boolean>
  /** Gives an item back untouched; the attempt does not count. */
  giveBack(claimed: Claimed<T>): Promise<boolean>
  /** Lengthens the lease. @returns false if it was lost */
  extend(claimed: Claimed<T>): Promise<boolean>
  /** Finishes an item that nobody has begun (pending or held). @returns false if it is begun, finished or not there */
  cancel(companyId: string, key: string, reason: string): Promise<boolean>
  /** Like `cancel`, but leaves alone what was tried before: such an attempt may have had its effect. */
  cancelUntried(companyId: string, key: string, reason: string): Promise<boolean>
  /** Dead or held → due now with fresh attempts. */
  replay(companyId: string, key: string): Promise<boolean>
  /** All held items of a company → due now. @returns how many */
  release(companyId: string): Promise<number>
  list(query: { companyId: string; states?: readonly QueueState[]; page: number; pageSize: number }): Promise<{ items: QueueListing[]; total: number }>
  /** Items per state, of one company or of all; `done` and `ignored` are counted up to 10,000. */
  counts(companyId?: string): Promise<Record<QueueState, number>>
  /** Insert time of the item that has been due for longest, for lag alarms. */
  oldestPendingAt(): Promise<Date | null>
  /**
   * Looks at every item of a company that nobody works on right now and changes what it holds, or removes it. For forgetting, not for work.
   * @param companyId null: what is nobody's, because its agency is not known. @param change what the item holds from now on, and for one that is finished its lane; `remove`; or null to leave it. @param among a filter on members of the data, where an index helps. @returns how many were changed or removed
   */
  rewrite(companyId: string | null, change: (item: { key: string; lane: string; open: boolean; data: T }) => { data: T; lane?: string } | 'remove' | null, among?: Readonly<Record<string, unknown>>): Promise<number>
  /** Tells whether anything of this kind is still to be worked on. @param states unfinished ones other than all of them */
  isUnderWay(companyId: string, isMeant: (item: { key: string; lane: string; data: T }) => boolean, states?: readonly QueueState[]): Promise<boolean>
  /** Removes every item of a company, when its data need not be kept any more. */
  purge(companyId: string): Promise<void>
}
