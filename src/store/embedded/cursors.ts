import { randomBytes } from 'node:crypto'
import { ServerError } from './errors.ts'

/** A result that has not been fetched to its end. */
export interface Cursor {
  ns: string
  /** The next document's bytes, or undefined at the end. */
  next(): Buffer | undefined
  /** Whether `next` has more to give. */
  done(): boolean
}

export interface Cursors {
  /** Keeps a cursor and gives it an id. @throws when too many are open */
  add(cursor: Cursor): bigint
  get(id: bigint): Cursor
  remove(id: bigint): boolean
  /** Forgets cursors that nobody has used for ten minutes. */
  sweep(): void
  open(): number
}

const maxCursors = 1_000
const idleMs = 10 * 60_000

export function createCursors(nowMs: () => number): Cursors {
  const cursors = new Map<bigint, { cursor: Cursor; usedAtMs: number }>()
  return {
    add(cursor) {
      if (cursors.size >= maxCursors) throw new ServerError('InternalError', `more than ${maxCursors} cursors are open`)
      const id = randomBytes(8).readBigInt64BE() & 0x7fffffffffffffffn || 1n
      cursors.set(id, { cursor, usedAtMs: nowMs() })
      return id
    },
    get(id) {
      const entry = cursors.get(id)
      if (entry === undefined) throw new ServerError('CursorNotFound', `cursor id ${id} not found`)
      entry.usedAtMs = nowMs()
      return entry.cursor
    },
    remove: (id) => cursors.delete(id),
    sweep() {
      for (const [id, { usedAtMs }] of cursors) if (nowMs() - usedAtMs > idleMs) cursors.delete(id)
    },
    open: () => cursors.size,
  }
}
