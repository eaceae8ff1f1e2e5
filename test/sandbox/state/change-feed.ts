/** Tells listeners, at most every `everyMs`, that something changed. */
export interface ChangeFeed {
  fire(): void
  /** @returns a function that ends the listening */
  listen(listener: () => void): () => void
}

export function createChangeFeed(everyMs = 120): ChangeFeed {
  const listeners = new Set<() => void>()
  let timer: NodeJS.Timeout | undefined
  return {
    fire() {
      if (listeners.size === 0 || timer !== undefined) return
      timer = setTimeout(() => {
        timer = undefined
        for (const listener of listeners) listener()
      }, everyMs)
      timer.unref()
    },
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
