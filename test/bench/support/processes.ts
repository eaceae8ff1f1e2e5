import { fork, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** A child process that answers questions. */
export interface Child {
  pid: number
  url: string
  ask<T>(question: string, input?: unknown): Promise<T>
  /** Resident memory in megabytes; `file` is the mapped part that the system may drop at any time. */
  memory(): { totalMb: number; fileMb: number }
  stop(): Promise<void>
  /** What it wrote, for the message of a failure. */
  output: string[]
}

/** Sent by a child once it listens. */
export interface ReadyMessage {
  ready: true
  url: string
}

/** Every question has its answer. */
export interface QuestionMessage {
  id: number
  question: string
  input: unknown
}

export interface AnswerMessage {
  id: number
  value?: unknown
  error?: string
}

const root = new URL('../../../', import.meta.url).pathname
const startDeadlineMs = 90_000
const stopDeadlineMs = 12_000
const kept = 400
/** Where CPU profiles of the children are written, for finding out why a bar is missed. */
const profileDir = process.env['BENCH_CPU_PROFILES']
const running = new Set<ChildProcess>()

/** Nothing outlives the run, however it ends. */
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/**
 * Starts a TypeScript file as a process of its own.
 * @param probeUrl where to ask for readiness when the file speaks no messages
 */
export async function startChild(file: string, env: Record<string, string>, probeUrl?: string): Promise<Child> {
  const process_ = fork(file, {
    cwd: root,
    execArgv: ['--expose-gc', ...(profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`]), '--import', 'tsx'],
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', HOST: '127.0.0.1', LOG_LEVEL: 'error', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  running.add(process_)
  const output: string[] = []
  const keep = (chunk: Buffer): void => {
    output.push(chunk.toString('utf8').trimEnd())
    if (output.length > kept) output.shift()
  }
  process_.stdout?.on('data', keep)
  process_.stderr?.on('data', keep)
  const ended = new Promise<void>((resolve) => {
    process_.once('exit', () => {
      running.delete(process_)
      resolve()
    })
  })
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let asked = 0
  const url = await new Promise<string>((resolve, reject) => {
    const tooLate = setTimeout(() => reject(new Error(`${file} did not start in time:\n${output.join('\n')}`)), startDeadlineMs)
    const started = (at: string): void => {
      clearTimeout(tooLate)
      resolve(at)
    }
    process_.on('message', (message: ReadyMessage | AnswerMessage) => {
      if ('ready' in message) {
        started(message.url)
        return
      }
      const asker = waiting.get(message.id)
      waiting.delete(message.id)
      if (message.error === undefined) asker?.resolve(message.value)
      else asker?.reject(new Error(message.error))
    })
    void ended.then(() => {
      clearTimeout(tooLate)
      for (const asker of waiting.values()) asker.reject(new Error(`${file} ended`))
      reject(new Error(`${file} ended before it was ready:\n${output.join('\n')}`))
    })
    if (probeUrl !== undefined) void probe(probeUrl, () => running.has(process_)).then(() => started(probeUrl))
  })
  return {
    pid: process_.pid ?? 0,
    url,
    output,
    ask<T>(question: string, input?: unknown) {
      asked += 1
      const id = asked
      return new Promise<T>((resolve, reject) => {
        waiting.set(id, { resolve: (value) => resolve(value as T), reject })
        process_.send({ id, question, input } satisfies QuestionMessage)
      })
    },
    memory() {
      const status = readFileSync(`/proc/${process_.pid ?? 0}/status`, 'utf8')
      const kilobytes = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0)
      return { totalMb: kilobytes('VmRSS') / 1_024, fileMb: (kilobytes('RssFile') + kilobytes('RssShmem')) / 1_024 }
    },
    async stop() {
      if (!running.has(process_)) return
      process_.kill('SIGTERM')
      const late = setTimeout(() => process_.kill('SIGKILL'), stopDeadlineMs)
      await ended
      clearTimeout(late)
    },
  }
}

async function probe(url: string, isAlive: () => boolean): Promise<void> {
  while (isAlive()) {
    const status = await fetch(`${url}/readyz`).then(async (response) => {
      await response.text()
      return response.status
    }, () => 0)
    if (status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** The child's side: answers questions until the process ends. */
export function answerQuestions(url: string, answers: Record<string, (input: never) => unknown>): void {
  process.on('message', (message: QuestionMessage) => {
    const { id, question, input } = message
    const reply = (answer: Omit<AnswerMessage, 'id'>): void => void process.send?.({ id, ...answer } satisfies AnswerMessage)
    const answer = answers[question]
    if (answer === undefined) {
      reply({ error: `Nobody answers ${question}` })
      return
    }
    Promise.resolve()
      .then(() => answer(input as never))
      .then((value) => reply({ value }), (error: unknown) => reply({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }))
  })
  process.send?.({ ready: true, url } satisfies ReadyMessage)
}
