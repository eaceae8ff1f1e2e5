/**
 * Two words decide every retry: *permanent* (never try again) and *retry after* (try again then).
 * Every other failure is transient and is retried with a jittered back-off.
 */

/** Options common to all coded errors. */
export interface CodedErrorOptions {
  /** Facts for the reader, never secrets or payloads. */
  details?: Record<string, unknown>
  cause?: unknown
}

/** An error with a stable machine-readable code and a sentence that tells the operator what to do. */
export class CodedError extends Error {
  readonly code: string
  readonly details: Record<string, unknown> | undefined

  constructor(code: string, message: string, options: CodedErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.details = options.details
  }
}

/** The work can never succeed as it is: do not retry, show it to a person. */
export class PermanentError extends CodedError {}

/** The other side named a time: try again after `retryAfterMs`, and do not count this as a failed attempt. */
export class RetryAfterError extends CodedError {
  readonly retryAfterMs: number

  constructor(code: string, message: string, retryAfterMs: number, options: CodedErrorOptions = {}) {
    super(code, message, options)
    this.retryAfterMs = retryAfterMs
  }
}

/** A request that an HTTP client made wrongly or may not make; carries the status to answer with. */
export class RequestError extends CodedError {
  readonly status: number

  constructor(status: number, code: string, message: string, options: CodedErrorOptions = {}) {
    super(code, message, options)
    this.status = status
  }
}

/** What is wrong with one member of a request: its path with dots, and what would be right. The one shape of `details.fields`, whatever the status. */
export interface FieldProblem {
  field: string
  problem: string
}

/** A request that is refused because of one of its members, named by `details.fields`. @param message the sentence; by default the member and its problem */
export function fieldRefused(status: number, code: string, field: string, problem: string, message = `${field}: ${problem}`): RequestError {
  const fields: FieldProblem[] = [{ field, problem }]
  return new RequestError(status, code, message, { details: { fields } })
}

/** 404 for a record that is not there, or not this tenant's: the two must look the same. */
export function notFound(what: string): RequestError {
  return new RequestError(404, 'not_found', `There is no such ${what}.`)
}

/** How a failed piece of work goes on. */
export type RetryVerdict = { kind: 'permanent' } | { kind: 'retry_after'; retryAfterMs: number } | { kind: 'transient' }

/** Reads the verdict from any thrown value. */
export function retryVerdictOf(error: unknown): RetryVerdict {
  if (error instanceof PermanentError || error instanceof RequestError) return { kind: 'permanent' }
  if (error instanceof RetryAfterError) return { kind: 'retry_after', retryAfterMs: error.retryAfterMs }
  return { kind: 'transient' }
}

/** A short, payload-free description of any thrown value, fit for a record or a log line. */
export function describeError(error: unknown): { code: string; message: string } {
  if (error instanceof CodedError) return { code: error.code, message: error.message.slice(0, 500) }
  if (error instanceof Error) {
    const code = (error as { code?: unknown }).code
    return { code: typeof code === 'string' || typeof code === 'number' ? String(code) : error.name, message: error.message.slice(0, 500) }
  }
  return { code: 'unknown', message: String(error).slice(0, 500) }
}
