/** Lets tasks of the same key run one after another within this process. Correctness never depends on it; it saves lost races. */
export interface KeyedLock {
  run<T>(key: string, task: () => Promise<T>): Promise<T>
}

export function createKeyedLock(): KeyedLock {
  const tails = new Map<string, Promise<unknown>>()
  return {
    async run(key, task) {
      const before = tails.get(key) ?? Promise.resolve()
      // A failed predecessor is its own caller's affair.
      const result = before.then(task, task)
      tails.set(key, result)
      try {
        return await result
      } finally {
        if (tails.get(key) === result) tails.delete(key)
      }
    },
  }
}
