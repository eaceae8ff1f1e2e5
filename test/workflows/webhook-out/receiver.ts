import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { WebhookNetwork } from '../../../workflows/index.ts'

/** A request that came in. */
export interface Received {
  host: string
  path: string
  id: string
  timestamp: string
  signature: string
  body: string
}

/** A receiver of webhooks on this machine, for names that the test's own network leads here. */
export interface Receiver {
  port: number
  received: Received[]
  /** What the next requests are answered with, one each; afterwards 204. `hang` never answers. */
  answers: ({ status: number; headers?: Record<string, string> } | 'hang')[]
  /** Leads `hooks.example.com` here, and lets loopback addresses count as public. */
  network: WebhookNetwork
  stop(): Promise<void>
}

// A key and certificate for tests alone; nothing else trusts them.
const key = readFileSync(new URL('./receiver-key.pem', import.meta.url), 'utf8')
const cert = readFileSync(new URL('./receiver-cert.pem', import.meta.url), 'utf8')

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = []
  const answers: Receiver['answers'] = []
  const server = createServer({ key, cert }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const header = (name: string): string => String(request.headers[name] ?? '')
      received.push({
        host: header('host'), path: request.url ?? '', id: header('webhook-id'), timestamp: header('webhook-timestamp'), signature: header('webhook-signature'), body: Buffer.concat(chunks).toString('utf8'),
      })
      const answer = answers.shift() ?? { status: 204 }
      if (answer !== 'hang') response.writeHead(answer.status, answer.headers).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port, received, answers,
    network: {
      resolve: async (host) => {
        if (host !== 'hooks.example.com') throw new Error(`ENOTFOUND ${host}`)
        return [{ address: '127.0.0.1', family: 4 }]
      },
      allows: (address) => address === '127.0.0.1',
      ports: [port],
      ca: cert,
    },
    async stop() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** Checks a signature as a receiver does, by the words of the specification. */
export function isSignedWith(secret: string, { id, timestamp, body, signature }: Received): boolean {
  const expected = createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64')).update(`${id}.${timestamp}.${body}`).digest('base64')
  return signature.split(' ').includes(`v1,${expected}`)
}
