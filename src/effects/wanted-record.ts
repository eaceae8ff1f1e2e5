/**
 * States of a reconciled record. `clean`: HighLevel holds what is wanted · `dirty`: to be reconciled · `held`: waits for a condition ·
 * `dead`: failed for good until it is wanted anew or replayed.
 */
export const wantedStates = ['clean', 'dirty', 'held', 'dead'] as const
export type WantedState = (typeof wantedStates)[number]

/** What every record of wanted state carries: it is its own queue item. */
export interface WantedRecord {
  _id: string
  companyId: string
  state: WantedState
  /** Not reconciled before this instant. */
  dueAt: Date
  /** Grows whenever the wanted or the known state changes from outside: a reconcile that saw an older version leaves the record dirty. */
  version: number
  /** Grows with every change: each change is a compare-and-set on it. */
  rev: number
  token: string | null
  leaseUntil: Date | null
  /** Claims since the last one that ended in order. */
  attempts: number
  /** Failures in a row. */
  failures: number
  lastWriteAt: Date | null
  reason: string | null
  error: { code: string; message: string; at: Date } | null
  createdAt: Date
}

/** The members of a record that was never worked on: due at once. */
export function newWanted(id: string, companyId: string, now: Date): WantedRecord {
  return {
    _id: id,
    companyId,
    state: 'dirty',
    dueAt: now,
    version: 1,
    rev: 1,
    token: null,
    leaseUntil: null,
    attempts: 0,
    failures: 0,
    lastWriteAt: null,
    reason: null,
    error: null,
    createdAt: now,
  }
}
