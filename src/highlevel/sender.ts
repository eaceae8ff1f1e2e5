import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs } from '../kernel/backoff.ts'
import { PermanentError, RetryAfterError, type CodedError } from '../kernel/errors.ts'
import type { RequestBudget } from './budget.ts'
import type { Circuit } from './circuit.ts'
import type { Answer } from './answer.ts'
import type { Endpoint } from './endpoints.ts'
import { judge, type Verdict } from './error-mapping.ts'
import { resourceKey, type Resource } from './resource.ts'
import type { OpenToken, TokenVault } from './token-vault.ts'
import type { Outgoing } from './transport.ts'
import type { Priority } from './types.ts'

/** One call as the APIs ask for it. */
export interface Call {
  endpoint: Endpoint
  outgoing: Outgoing
}

/** The one seam through which every authorised call goes. */
export interface Sender {
  /**
   * Token, turn, call, judgement. A rejected token is replaced once; only calls that may be repeated are repeated, once.
   * @returns the body of a 2xx answer, parsed as JSON (undefined if empty)
   * @throws PermanentError, RetryAfterError or a transient CodedError
   */
  send(resource: Resource, priority: Priority, call: Call): Promise<unknown>
}

export interface SenderDeps {
  vault: Pick<TokenVault, 'access' | 'replace'>
  budget: RequestBudget
  circuit: Circuit
  /** Sends once and writes the request log. */
  sendOnce: (call: Call, credentials: { resource: Resource; accessToken: string }, context: { priority: Priority; attempt: number }) => Promise<Answer>
}

/** Answers of a proxy or a broken connection are worth one more try at once; our own time-out is not, it took long enough. */
const repeatDelay = { baseMs: 200, maxMs: 400 }
const idPattern = /^[\w-]{1,128}$/

export function createSender({ vault, budget, circuit, sendOnce }: SenderDeps): Sender {
  return {
    async send(resource, priority, call) {
      const key = resourceKey(resource)
      circuit.enter(key)
      let settled = false
      let tokenReplaced = false
      let repeated = false
      try {
        let token = await vault.access(resource, priority)
        for (let attempt = 1; ; attempt++) {
          await budget.acquire(resource, priority)
          const answer = await sendOnce(call, { resource, accessToken: token.accessToken }, { priority, attempt })
          budget.learn(resource, answer)
          const verdict = judge(call.endpoint, answer)
          settled = settle(circuit, key, verdict)
          if (verdict.kind === 'ok') return answer.body
          if (verdict.kind === 'rate_limited') throw await slowDown(resource, verdict.pauseMs, call.endpoint)
          if (verdict.kind === 'token_rejected') {
            if (tokenReplaced) throw verdict.error
            tokenReplaced = true
            token = await replaced(resource, token, priority)
            continue
          }
          if (repeated || !isWorthRepeating(call.endpoint, answer, verdict)) throw verdict.error
          repeated = true
          await sleep(backoffMs(1, repeatDelay))
        }
      } finally {
        if (!settled) circuit.abandoned(key)
      }
    },
  }

  function replaced(resource: Resource, token: OpenToken, priority: Priority): Promise<OpenToken> {
    return vault.replace(resource, token, priority)
  }

  async function slowDown(resource: Resource, intervalMs: number, endpoint: Endpoint): Promise<CodedError> {
    const pauseMs = await budget.pause(resource, intervalMs)
    return new RetryAfterError('highlevel_rate_limited', 'HighLevel asked to slow down for this location.', pauseMs, { details: { endpoint: endpoint.name, status: 429 } })
  }
}

function settle(circuit: Circuit, key: string, verdict: Verdict): boolean {
  if (verdict.kind === 'failed' && verdict.unhealthy) circuit.failed(key)
  else circuit.succeeded(key)
  return true
}

function isWorthRepeating(endpoint: Endpoint, answer: Answer, verdict: Verdict & { kind: 'failed' }): boolean {
  return verdict.unhealthy && endpoint.idempotent && answer.failure !== 'ETIMEDOUT' && answer.status !== 408
}

/**
 * Ids become parts of paths: anything that is not an id is refused before it leaves.
 * @throws PermanentError `highlevel_invalid`
 */
export function pathId(value: string): string {
  if (!idPattern.test(value)) throw new PermanentError('highlevel_invalid', 'That is not a HighLevel id.')
  return value
}
