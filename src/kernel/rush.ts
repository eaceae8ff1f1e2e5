/**
 * Work that somebody is waiting for goes first: while it runs, work that can wait begins its next item a moment later.
 * In-process and only about order in time: whatever waits is never left out.
 */
export interface Rush {
  /** Begins work that somebody is waiting for. @returns ends it; harmless when called again */
  enter(): () => void
  /** Runs work that somebody is waiting for. */
  urgent<T>(work: () => Promise<T>): Promise<T>
  /** Waits until no urgent work runs, at most `maxMs`, so that waiting work goes on under a lasting load, too. */
  calm(maxMs: number): Promise<void>
}

export function createRush(): Rush {
  let running = 0
  const waiting = new Set<() => void>()

  function enter(): () => void {
    let inside = true
    running += 1
    return () => {
      if (!inside) return
      inside = false
      running -= 1
      if (running === 0) for (const goOn of [...waiting]) goOn()
    }
  }

  return {
    enter,
    async urgent(work) {
      const leave = enter()
      try {
        return await work()
      } finally {
        leave()
      }
    },

    calm(maxMs) {
      if (running === 0) return Promise.resolve()
      return new Promise((resolve) => {
        const goOn = (): void => {
          clearTimeout(timer)
          waiting.delete(goOn)
          resolve()
        }
        const timer = setTimeout(goOn, maxMs)
        waiting.add(goOn)
      })
    },
  }
}
