import { Agent, request as httpRequest } from 'node:http'

export interface HttpReply {
  status: number
  body: string
}

const agent = new Agent({ keepAlive: true, maxSockets: 512 })

/** One request over kept connections; cheap enough not to be what is measured. */
export function send(method: string, url: string, headers: Record<string, string>, body?: string): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, agent, headers: body === undefined ? headers : { ...headers, 'content-length': String(Buffer.byteLength(body)) } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }))
      response.on('error', reject)
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** Ends kept connections. */
export function closeConnections(): void {
  agent.destroy()
}

/**
 * Begins work at a fixed pace, whether or not earlier work has ended: a slow receiver cannot slow the senders down.
 * @param work gets the instant (of `performance.now()`) at which it was meant to begin
 * @returns what all of it returned
 */
export async function openLoop<T>(perSecond: number, count: number, work: (index: number, meantMs: number) => Promise<T>): Promise<T[]> {
  const everyMs = 1_000 / perSecond
  const beganMs = performance.now()
  const begun: Promise<T>[] = []
  while (begun.length < count) {
    const nowMs = performance.now()
    while (begun.length < count && beganMs + begun.length * everyMs <= nowMs) {
      const index = begun.length
      begun.push(work(index, beganMs + index * everyMs))
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(1, beganMs + begun.length * everyMs - performance.now())))
  }
  return Promise.all(begun)
}
