import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CodedError } from '../../kernel/errors.ts'

/** The store's folder belongs to this process until `release`. */
export interface StoreLock { release(): void }

interface Owner { pid: number; startedAt: string; token: string }

/** When a process started, as the kernel counts it; a process that got an old number again has another one. Empty where unknown. */
function startOf(pid: number): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold blanks; the start time is the 20th field behind it.
    return `${boot} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''}`
  } catch {
    return ''
  }
}

function isAlive({ pid, startedAt }: Owner): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it lives, under another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const startedNow = startOf(pid)
  return startedAt === '' || startedNow === '' || startedAt === startedNow
}

function readOwner(path: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Owner
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Takes the folder for this process; takes over from a process that is dead.
 * @throws CodedError `store_locked` with the owner's pid while it lives
 */
export function lockStore(dataDir: string): StoreLock {
  const path = join(dataDir, 'store.lock')
  const token = randomBytes(8).toString('hex')
  const mine = `${path}.${token}`
  const owner: Owner = { pid: process.pid, startedAt: startOf(process.pid), token }
  writeFileSync(mine, JSON.stringify(owner), { mode: 0o600 })
  try {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      try {
        // A link is made only if nothing has the name yet, and the file is complete from the start.
        linkSync(mine, path)
        return { release: () => release(path, token) }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      const other = readOwner(path)
      if (other !== undefined && isAlive(other)) {
        throw new CodedError('store_locked', `The store in ${dataDir} is in use by process ${other.pid}. Stop that process, or use another DATA_DIR.`, { details: { pid: other.pid } })
      }
      removeStale(path, other, token)
    }
    throw new CodedError('store_locked', `The store in ${dataDir} could not be locked: other processes are starting on it.`)
  } finally {
    rmSync(mine, { force: true })
  }
}

/** Moves a dead owner's lock away, and puts it back if another process was faster and the lock is a live one by now. */
function removeStale(path: string, stale: Owner | undefined, token: string): void {
  const aside = `${path}.stale.${token}`
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  const moved = readOwner(aside)
  if (moved?.token !== stale?.token && moved !== undefined) linkSync(aside, path)
  rmSync(aside, { force: true })
}

function release(path: string, token: string): void {
  if (readOwner(path)?.token === token) rmSync(path, { force: true })
}
