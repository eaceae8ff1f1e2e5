/**
 * Polls until `check` returns something other than undefined/false, or fails after `deadlineMs` with `what` in the message.
 * Synchronises tests on facts instead of sleeps.
 */
export async function until<T>(what: string, check: () => Promise<T | undefined | false> | T | undefined | false, deadlineMs = 30_000, everyMs = 15): Promise<T> {
  const deadline = Date.now() + deadlineMs
  for (;;) {
    const value = await check()
    if (value !== undefined && value !== false) return value
    if (Date.now() > deadline) throw new Error(`Timed out after ${deadlineMs} ms waiting for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
