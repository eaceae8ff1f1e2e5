import { createPublicKey, verify } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { HighLevel, LogLevel } from '@gohighlevel/api-client'
import express, { type Request, type Response } from 'express'
import { MongoClient } from 'mongodb'
import { answerQuestions } from '../support/processes.ts'

/** A webhook receiver that does nothing but verify and insert: by hand (`bare`), or with the SDK's middleware (`sdk`). */
interface Stored {
  _id: string
  type: string
  receivedAt: Date
  body: string
}

const env = (name: string): string => process.env[name] ?? ''
const client = await MongoClient.connect(env('MONGODB_URI'), { maxPoolSize: 20 })
const events = client.db().collection<Stored>(`received_${env('KIND')}`)
const key = createPublicKey({ key: Buffer.from(env('PUBLIC_KEY'), 'base64'), format: 'der', type: 'spki' })

async function store(body: Buffer, response: Response): Promise<void> {
  const text = body.toString('utf8')
  const { webhookId, type } = JSON.parse(text) as { webhookId: string; type: string }
  await events.insertOne({ _id: webhookId, type, receivedAt: new Date(), body: text })
  response.status(200).json({ ok: true })
}

const app = express()
const path = '/webhooks/highlevel'
const raw = express.raw({ type: () => true, limit: '1mb' })
if (env('KIND') === 'sdk') {
  const sdk = new HighLevel({ clientId: env('CLIENT_ID'), clientSecret: 'not used', webhookPublicKey: env('PUBLIC_KEY'), logLevel: LogLevel.NONE })
  app.post(path, raw, sdk.webhooks.subscribe(), async (request: Request & { isSignatureValid?: boolean }, response: Response) => {
    if (request.isSignatureValid !== true) response.status(401).end()
    else await store(request.body as Buffer, response)
  })
} else {
  app.post(path, raw, async (request: Request, response: Response) => {
    const body = request.body as Buffer
    const signature = Buffer.from(request.get('x-ghl-signature') ?? '', 'base64')
    const valid = await new Promise<boolean>((resolve, reject) => {
      verify(null, body, key, signature, (error, result) => (error === null ? resolve(result) : reject(error)))
    })
    if (!valid) response.status(401).end()
    else await store(body, response)
  })
}

const server = app.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  answerQuestions(`http://127.0.0.1:${port}`, { stored: () => events.countDocuments() })
})
process.once('SIGTERM', () => process.exit(0))
