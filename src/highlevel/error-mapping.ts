import { CodedError, PermanentError, RetryAfterError } from '../kernel/errors.ts'
import { dayMs, secondMs } from '../kernel/clock.ts'
import type { Answer } from './answer.ts'
import type { Endpoint } from './endpoints.ts'

/** How an answer is to be taken. `unhealthy` says that HighLevel itself failed, which the circuit counts. */
export type Verdict =
  | { kind: 'ok' }
  | { kind: 'token_rejected'; error: CodedError }
  | { kind: 'rate_limited'; pauseMs: number }
  | { kind: 'failed'; error: CodedError; unhealthy: boolean }

/** A pause of one window and a little when HighLevel names no interval with its 429. */
const defaultIntervalMs = 10 * secondMs

/** Failures that happened before the request could have reached HighLevel. */
const notReached = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

const scopePattern = /not authorized for this scope|authclass|iam (configuration|service)|user type mismatch|version header|not yet supported/i
const inactivePattern = /location is not active|location is (inactive|suspended)/i
const missingPattern = /not[ _-]?found|does ?n[o']t exist|no such|no longer exists/i
const routePattern = /^cannot (get|post|put|delete) \//i
const versionPattern = /not available in api version/i
const duplicatePattern = /duplicat|already exists?/i

/**
 * Judges an answer by its status and words. Sources: the error shapes in HighLevel's specifications and the live messages
 * known for 401 (five meanings), 400 (inactive location, missing entity, duplicate) and 404 (missing route or entity).
 */
export function judge(endpoint: Endpoint, answer: Answer): Verdict {
  const { status } = answer
  if (status === 0) return unhealthy(`HighLevel could not be reached (${answer.failure ?? 'UNKNOWN'}).`, endpoint, answer)
  if (status >= 200 && status < 300) {
    if (answer.bodyKind !== 'other') return { kind: 'ok' }
    return unhealthy('HighLevel answered with something that is not JSON.', endpoint, answer)
  }
  if (status === 429) return { kind: 'rate_limited', pauseMs: numberHeader(answer, 'x-ratelimit-interval-milliseconds') ?? defaultIntervalMs }
  if (status >= 500 || status === 408 || status === 425) return unhealthy(`HighLevel answered ${status}.`, endpoint, answer)
  if (status < 400) return unhealthy(`HighLevel answered with the unexpected status ${status}.`, endpoint, answer)

  const message = messageOf(answer.body)
  if (status === 401) {
    if (scopePattern.test(message)) return permanent('highlevel_scope', `HighLevel refused ${endpoint.name}: the app lacks the scope ${endpoint.scope ?? '(none)'}. Add it to the app and install it again.`, endpoint, answer)
    return { kind: 'token_rejected', error: new CodedError('highlevel_token_rejected', 'HighLevel rejected the access token.', { details: factsOf(endpoint, answer) }) }
  }
  if (inactivePattern.test(message)) return { kind: 'failed', unhealthy: false, error: inactive(endpoint, answer) }
  if (status === 403) return permanent('highlevel_forbidden', 'The installation has no access to this location any more.', endpoint, answer)
  if (routePattern.test(message) || versionPattern.test(message)) return permanent('highlevel_unsupported', `HighLevel does not offer ${endpoint.name} here.`, endpoint, answer)
  if (answer.bodyKind === 'other') return unhealthy(`HighLevel answered ${status} with something that is not JSON.`, endpoint, answer)
  if (status === 404 || status === 410) return permanent('highlevel_not_found', `HighLevel has no such record any more (${endpoint.name}).`, endpoint, answer)
  if (status === 400 && duplicatePattern.test(message)) return permanent('highlevel_duplicate', `HighLevel says that the record exists already (${endpoint.name}).`, endpoint, answer)
  if (status === 400 && missingPattern.test(message)) return permanent('highlevel_not_found', `HighLevel has no such record any more (${endpoint.name}).`, endpoint, answer)
  return permanent('highlevel_invalid', `HighLevel refused ${endpoint.name}: ${message === '' ? `status ${status}` : message}`, endpoint, answer)
}

/** HighLevel's own words in any of its error shapes, without addresses, at most 300 characters. */
export function messageOf(body: unknown): string {
  return withoutAddresses(wordsOf(body)).slice(0, 300)
}

function wordsOf(body: unknown): string {
  if (typeof body === 'string') return body
  if (typeof body !== 'object' || body === null) return ''
  const { message, error, error_description: description } = body as Record<string, unknown>
  if (Array.isArray(message)) return message.map((part) => (typeof part === 'string' ? part : wordsOf(part))).join('; ')
  if (typeof message === 'string' && message !== '') return message
  if (typeof description === 'string' && description !== '') return typeof error === 'string' ? `${error}: ${description}` : description
  if (typeof error === 'string') return error
  if (typeof error === 'object' && error !== null) return wordsOf(error)
  if (typeof message === 'object' && message !== null) return wordsOf(message)
  return ''
}

function withoutAddresses(text: string): string {
  return text.replace(/\S+@\S+/g, '[address]').replace(/\+?\d[\d\s()-]{7,}\d/g, '[number]')
}

/** A number in a response header, if it is one. */
export function numberHeader(answer: Answer, name: string): number | undefined {
  const value = Number(answer.headers[name] ?? Number.NaN)
  return Number.isFinite(value) && value >= 0 ? value : undefined
}

function factsOf(endpoint: Endpoint, answer: Answer): Record<string, unknown> {
  const meta = typeof answer.body === 'object' && answer.body !== null ? (answer.body as { meta?: unknown }).meta : undefined
  const existing = typeof meta === 'object' && meta !== null ? (meta as { contactId?: unknown }).contactId : undefined
  return {
    endpoint: endpoint.name,
    status: answer.status,
    // An unsafe call that may have reached HighLevel must be looked up before it is sent again.
    mayHaveReached: answer.status !== 0 || !notReached.has(answer.failure ?? ''),
    ...(answer.failure === null ? {} : { failure: answer.failure }),
    ...(typeof existing === 'string' && /^\w{6,40}$/.test(existing) ? { existingContactId: existing } : {}),
  }
}

function permanent(code: string, message: string, endpoint: Endpoint, answer: Answer): Verdict {
  return { kind: 'failed', unhealthy: false, error: new PermanentError(code, message, { details: factsOf(endpoint, answer) }) }
}

function unhealthy(message: string, endpoint: Endpoint, answer: Answer): Verdict {
  return { kind: 'failed', unhealthy: true, error: new CodedError('highlevel_unavailable', message, { details: factsOf(endpoint, answer) }) }
}

function inactive(endpoint: Endpoint, answer: Answer): RetryAfterError {
  return new RetryAfterError('highlevel_location_inactive', 'The location is suspended in HighLevel; its work waits.', dayMs, { details: factsOf(endpoint, answer) })
}
