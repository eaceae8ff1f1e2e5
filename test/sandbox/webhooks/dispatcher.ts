import { randomUUID } from 'node:crypto'
import { createRandom } from '../state/make-ids.ts'
import type { Settings } from '../options.ts'
import type { Signer } from './signer.ts'
import type { EventPlace } from '../world.ts'

export type DeliveryStatus = 'pending' | 'under_way' | 'delivered' | 'failed' | 'dropped' | 'no_receiver'

/** One event on its way to the app. */
export interface Delivery {
  webhookId: string
  type: string
  locationId?: string
  companyId?: string
  /** ISO instant. */
  createdAt: string
  /** The exact bytes, the same on every retry. */
  body: string
  signature: string
  status: DeliveryStatus
  attempts: number
  /** HTTP status of the last attempt, 0 for no answer. */
  lastStatus?: number
}

export interface SignedWebhook {
  body: string
  headers: Record<string, string>
}

/** Members that replace those of the envelope; `signature: null` leaves the header out. */
export interface WebhookOverrides {
  appId?: string
  webhookId?: string
  timestamp?: string
  signature?: string | null
}

export interface Dispatcher {
  /** Queues an event. `hold`: it waits for `flush`. */
  send(type: string, place: EventPlace, members: Record<string, unknown>, hold?: boolean): Delivery
  sign(members: Record<string, unknown>, overrides?: WebhookOverrides): SignedWebhook
  /** Posts at once, beside the queue. */
  post(webhook: SignedWebhook, url?: string): Promise<{ status: number; body: string }>
  pending(): Delivery[]
  /** Newest last. */
  log(): Delivery[]
  /** Attempts everything that waits now, whatever its delay, until only refused deliveries are left; `untilDelivered` goes on through the retries. */
  flush(options?: { untilDelivered?: boolean }): Promise<{ delivered: number; failed: number }>
  restore(deliveries: Delivery[]): void
  stop(): Promise<void>
}

/** Settled deliveries that are remembered. */
const logSize = 5_000

export function createDispatcher(settings: Settings, signer: Signer, onChange: () => void): Dispatcher {
  const random = createRandom(settings.webhooks.seed)
  const waiting = new Map<string, { delivery: Delivery; timer: NodeJS.Timeout | undefined }>()
  const ready: Delivery[] = []
  const settled: Delivery[] = []
  const running = new Set<Promise<void>>()
  const stopping = new AbortController()

  function envelope(members: Record<string, unknown>, overrides: WebhookOverrides): Record<string, unknown> {
    return {
      appId: overrides.appId ?? settings.app.appId, versionId: settings.app.versionId, timestamp: overrides.timestamp ?? settings.clock.now().toISOString(),
      webhookId: overrides.webhookId ?? randomUUID(), ...members,
    }
  }

  async function post(webhook: SignedWebhook, url = settings.app.webhookUrl): Promise<{ status: number; body: string }> {
    if (url === undefined) throw new Error('The app has no webhook URL: give app.appUrl or app.webhookUrl')
    const response = await fetch(url, {
      method: 'POST', headers: webhook.headers, body: webhook.body, redirect: 'manual',
      signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(settings.webhooks.timeoutMs)]),
    })
    return { status: response.status, body: await response.text() }
  }

  function settle(delivery: Delivery, status: DeliveryStatus): void {
    delivery.status = status
    settled.push(delivery)
    if (settled.length > logSize) settled.splice(0, settled.length - logSize)
    onChange()
  }

  function schedule(delivery: Delivery, delayMs: number): void {
    delivery.status = 'pending'
    const timer = settings.webhooks.enabled && !stopping.signal.aborted
      ? setTimeout(() => {
          if (waiting.delete(delivery.webhookId)) enqueue(delivery)
        }, delayMs)
      : undefined
    timer?.unref()
    waiting.set(delivery.webhookId, { delivery, timer })
  }

  function enqueue(delivery: Delivery): void {
    ready.push(delivery)
    pump()
  }

  function pump(): void {
    while (running.size < settings.webhooks.concurrency) {
      const delivery = ready.shift()
      if (delivery === undefined) return
      const work = attempt(delivery).finally(() => {
        running.delete(work)
        pump()
      })
      running.add(work)
    }
  }

  async function attempt(delivery: Delivery): Promise<void> {
    delivery.status = 'under_way'
    delivery.attempts += 1
    const webhook = { body: delivery.body, headers: headersOf(delivery.signature) }
    const copies = delivery.attempts === 1 && random() < settings.webhooks.duplicateRate ? 2 : 1
    try {
      const answers = await Promise.all(Array.from({ length: copies }, () => post(webhook)))
      delivery.lastStatus = Math.max(...answers.map((answer) => answer.status))
    } catch {
      // No answer at all: refused, cut, too slow, or the sandbox is stopping.
      delivery.lastStatus = 0
    }
    if (delivery.lastStatus >= 200 && delivery.lastStatus < 300) {
      settle(delivery, 'delivered')
      return
    }
    if (delivery.attempts > settings.webhooks.maxRetries) {
      settle(delivery, 'failed')
      return
    }
    const backoffMs = Math.min(settings.webhooks.retryDelayMs * 2 ** (delivery.attempts - 1), settings.webhooks.maxRetryDelayMs)
    schedule(delivery, Math.round(backoffMs * (0.75 + random() * 0.5)))
    onChange()
  }

  function headersOf(signature: string | null): Record<string, string> {
    return { 'content-type': 'application/json', 'user-agent': 'sandbox-webhooks', ...(signature === null ? {} : { 'x-ghl-signature': signature }) }
  }

  function inFlight(): Delivery[] {
    return [...waiting.values()].map((entry) => entry.delivery)
  }

  return {
    post,
    pending: () => [...inFlight(), ...ready],
    log: () => [...settled, ...ready, ...inFlight()],
    sign(members, overrides = {}) {
      const body = JSON.stringify(envelope(members, overrides))
      return { body, headers: headersOf(overrides.signature === undefined ? signer.sign(body) : overrides.signature) }
    },
    send(type, place, members, hold = false) {
      const location = place.locationId === undefined ? {} : { locationId: place.locationId }
      const company = place.companyId === undefined ? {} : { companyId: place.companyId }
      const content = envelope({ type, ...location, ...company, ...members }, {})
      const body = JSON.stringify(content)
      const delivery: Delivery = {
        webhookId: String(content['webhookId']), type, ...location, ...company, createdAt: String(content['timestamp']), body, signature: signer.sign(body),
        status: 'pending', attempts: 0,
      }
      if (settings.app.webhookUrl === undefined) settle(delivery, 'no_receiver')
      else if (random() < settings.webhooks.dropRate) settle(delivery, 'dropped')
      else if (hold) waiting.set(delivery.webhookId, { delivery, timer: undefined })
      else {
        const delayMs = settings.webhooks.delayMs + random() * settings.webhooks.shuffleMs
        if (delayMs > 0 || !settings.webhooks.enabled) schedule(delivery, delayMs)
        else enqueue(delivery)
      }
      onChange()
      return delivery
    },
    async flush(options = {}) {
      const seen = new Set<Delivery>()
      for (;;) {
        const next = inFlight().filter((delivery) => options.untilDelivered === true || !seen.has(delivery))
        for (const delivery of next) {
          seen.add(delivery)
          const entry = waiting.get(delivery.webhookId)
          clearTimeout(entry?.timer)
          waiting.delete(delivery.webhookId)
          enqueue(delivery)
        }
        for (const delivery of ready) seen.add(delivery)
        if (running.size === 0 && next.length === 0) break
        await Promise.all(running)
      }
      const results = [...seen]
      return { delivered: results.filter((delivery) => delivery.status === 'delivered').length, failed: results.filter((delivery) => delivery.status !== 'delivered').length }
    },
    restore(deliveries) {
      for (const delivery of deliveries) schedule(delivery, settings.webhooks.retryDelayMs)
    },
    async stop() {
      stopping.abort()
      ready.length = 0
      for (const { timer } of waiting.values()) clearTimeout(timer)
      await Promise.all(running)
      for (const { timer } of waiting.values()) clearTimeout(timer)
    },
  }
}
