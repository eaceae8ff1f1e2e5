/** One API call as the platform saw it. */
export interface LedgerEntry {
  /** Milliseconds since the epoch, by the sandbox's clock. */
  at: number
  method: string
  /** The template, such as `/contacts/{contactId}`; the path itself if no endpoint matches. */
  path: string
  /** The path as called, without the query. */
  url: string
  /** From the token: whose quota paid. */
  locationId?: string
  companyId?: string
  /** 0 while under way, and when the connection was cut or never answered. */
  status: number
  /** Sorted names of the body's members (never values). */
  bodyKeys: string[]
  /** Name of the injected fault, if one was met. */
  fault?: string
}

export interface Ledger {
  entries: LedgerEntry[]
  add(entry: LedgerEntry): LedgerEntry
  reset(): void
  /** The largest number of calls that one resource made within any window of this length; refused (429) calls do not count. */
  maxInWindow(resource: string, windowMs: number): number
}

export function createLedger(size: number): Ledger {
  const entries: LedgerEntry[] = []
  return {
    entries,
    add(entry) {
      entries.push(entry)
      if (entries.length > size) entries.splice(0, entries.length - size)
      return entry
    },
    reset() {
      entries.length = 0
    },
    maxInWindow(resource, windowMs) {
      const times = entries
        .filter((entry) => (entry.locationId ?? entry.companyId) === resource && entry.status !== 429)
        .map((entry) => entry.at)
        .sort((a, b) => a - b)
      let most = 0
      let start = 0
      times.forEach((at, index) => {
        while ((times[start] ?? at) <= at - windowMs) start += 1
        most = Math.max(most, index - start + 1)
      })
      return most
    },
  }
}
