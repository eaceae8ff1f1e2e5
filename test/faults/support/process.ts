import { spawn } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { until } from '../../support/until.ts'

/** A real process of the product. */
export interface ProductProcess {
  pid: number
  url: string
  /** Until `/readyz` says yes. @throws with the log's end if it dies before */
  ready(): Promise<void>
  signal(name: NodeJS.Signals): void
  /** How it ended. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  isAlive(): boolean
  /** What it logged, newest last. */
  log: string[]
}

/** True for what `fetch` throws when nobody answers, or not in time. By name: the test's realm is not fetch's. */
export function isNoAnswer(error: unknown): boolean {
  const { name } = error as { name?: unknown }
  return name === 'TypeError' || name === 'TimeoutError' || name === 'AbortError'
}

const keptLines = 4_000
const running = new Set<ProductProcess>()

/** A port that nobody has; the same process keeps it through its restarts. */
export async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise<void>((resolve) => probe.close(() => resolve()))
  return port
}

/** Starts `src/main.ts` with nothing in its environment but what is given. */
export function startProcess(env: Record<string, string> & { PORT: string }): ProductProcess {
  const root = new URL('../../../', import.meta.url).pathname
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts'], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', HOST: '127.0.0.1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log: string[] = []
  const keep = (chunk: Buffer): void => {
    log.push(...chunk.toString('utf8').split('\n').filter((line) => line !== ''))
    if (log.length > keptLines) log.splice(0, log.length - keptLines)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  let alive = true
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => {
      alive = false
      running.delete(started)
      resolve({ code, signal })
    })
  })
  const url = `http://127.0.0.1:${env.PORT}`
  const started: ProductProcess = {
    pid: child.pid ?? 0,
    url,
    log,
    ended,
    isAlive: () => alive,
    signal: (name) => void child.kill(name),
    async ready() {
      await until('the process to be ready', async () => {
        if (!alive) throw new Error(`The process ended before it was ready:\n${log.slice(-20).join('\n')}`)
        try {
          const response = await fetch(`${url}/readyz`)
          await response.text()
          return response.status === 200
        } catch (error) {
          if (isNoAnswer(error)) return false
          throw error
        }
      }, 60_000, 40)
    },
  }
  running.add(started)
  return started
}

/** Ends every process that this file started and that still runs, stopped ones too. */
export async function endAll(): Promise<void> {
  const left = [...running]
  for (const each of left) each.signal('SIGKILL')
  await Promise.all(left.map((each) => each.ended))
}
