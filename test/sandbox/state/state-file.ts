import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { tableNames, type State } from './state.ts'
import type { AppSettings } from '../options.ts'
import type { Delivery } from '../webhooks/dispatcher.ts'

/** Everything that must survive a restart, so that an app's stored ids and tokens stay good. */
export interface SavedState {
  format: 1
  app: Pick<AppSettings, 'clientId' | 'clientSecret' | 'sharedSecret' | 'versionId'>
  webhookPrivateKey: string
  idCount: number
  tables: Record<string, unknown[]>
  deliveries: Delivery[]
}

export function readStateFile(path: string): SavedState | undefined {
  if (!existsSync(path)) return undefined
  const saved = JSON.parse(readFileSync(path, 'utf8')) as { format?: unknown }
  if (saved.format !== 1) throw new Error(`${path} was written by another version of the sandbox: delete it to start afresh`)
  return saved as SavedState
}

/** Fills an empty state from a file. */
export function restoreTables(state: State, saved: SavedState): void {
  for (const name of tableNames) {
    const table: { put(record: never): unknown } = state[name]
    for (const record of saved.tables[name] ?? []) table.put(record as never)
  }
  state.ids.resume(saved.idCount)
}

export interface StateFile {
  /** Writes soon. */
  touch(): void
  /** Writes in this turn of the event loop: a lost refresh token would cost the app its installation. */
  hurry(): void
  stop(): void
}

/** Writes the file a moment after the last change, whole and atomically (0600: it holds tokens and keys). */
export function createStateFile(path: string, contents: () => SavedState, debounceMs = 200): StateFile {
  let timer: NodeJS.Timeout | undefined
  let hurried: NodeJS.Immediate | undefined
  let dirty = false

  function flush(): void {
    clearTimeout(timer)
    clearImmediate(hurried)
    timer = undefined
    hurried = undefined
    if (!dirty) return
    dirty = false
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(`${path}.next`, JSON.stringify(contents()), { mode: 0o600 })
    renameSync(`${path}.next`, path)
  }

  return {
    touch() {
      dirty = true
      timer ??= setTimeout(flush, debounceMs)
    },
    hurry() {
      dirty = true
      hurried ??= setImmediate(flush)
    },
    stop: flush,
  }
}
