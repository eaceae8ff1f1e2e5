import { nextTick } from 'vue'
import type { LiveHint } from '../../../src/http/contract/live.ts'

/** More rows than this are read faster with the whole page of the list. */
const maxRows = 3

/**
 * Which rows a change touches; null if the list must be read again.
 * @param inOrder no filter, and an order that no change of a reading moves: a changed account stays where it is
 */
export function rowsToRefresh(hints: readonly LiveHint[], list: { shown: readonly string[]; total: number; inOrder: boolean }): string[] | null {
  if (!list.inOrder || hints.some(({ type }) => type === 'everything')) return null
  const ids = [...new Set(hints.flatMap((hint) => (hint.type === 'account' ? [hint.locationId] : [])))]
  const rows = ids.filter((id) => list.shown.includes(id))
  // Where every account is on the page, one that is not is new.
  const hasNew = rows.length < ids.length && list.shown.length === list.total
  return hasNew || rows.length > maxRows ? null : rows
}

/** Rows that change places lose the focus; it goes back to where it was, unless the person has moved it. */
export async function keepFocus(work: () => Promise<void>): Promise<void> {
  const before = document.activeElement
  await work()
  await nextTick()
  if (before instanceof HTMLElement && before.isConnected && document.activeElement === document.body) before.focus({ preventScroll: true })
}
