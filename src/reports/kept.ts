/** Large figures that this process read a moment ago; which of them is still true, its owner asks the store at every look. */
export interface Kept<T> {
  get(key: string): T | undefined
  /** @param weight roughly how many rows it holds */
  put(key: string, value: T, weight: number): void
  drop(key: string): void
}

/** @param heaviest how many rows are held in all; those that nobody looked at for longest go first */
export function createKept<T>(heaviest: number): Kept<T> {
  const entries = new Map<string, { value: T; weight: number }>()
  let weight = 0

  function drop(key: string): void {
    weight -= entries.get(key)?.weight ?? 0
    entries.delete(key)
  }

  return {
    drop,
    get(key) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      entries.delete(key)
      entries.set(key, entry)
      return entry.value
    },
    put(key, value, ofValue) {
      drop(key)
      for (const [oldest] of entries) {
        if (weight + ofValue <= heaviest) break
        drop(oldest)
      }
      entries.set(key, { value, weight: ofValue })
      weight += ofValue
    },
  }
}
