import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  path: string
  body: string
  headers: Record<string, string | string[] | undefined>
}

/** An app that only listens: keeps what it gets and answers what `answer` says. */
export interface Receiver {
  url: string
  received: Received[]
  /** Bodies of the webhooks, parsed. */
  events(): Record<string, unknown>[]
  stop(): Promise<void>
}

export async function startReceiver(answer: (received: Received, count: number) => number = () => 200): Promise<Receiver> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const one = { path: request.url ?? '', body: Buffer.concat(chunks).toString('utf8'), headers: request.headers }
      received.push(one)
      response.writeHead(answer(one, received.length))
      response.end('ok')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    events: () => received.filter((one) => one.path === '/webhooks/highlevel').map((one) => JSON.parse(one.body) as Record<string, unknown>),
    async stop() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
