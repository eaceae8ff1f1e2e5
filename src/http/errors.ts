import type { ErrorRequestHandler, Request, Response } from 'express'
import { z } from 'zod'
import { CodedError, describeError, PermanentError, RequestError, RetryAfterError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { Logger } from '../kernel/logger.ts'

/** The shape of every answer that is not a success. `details.fields` names the members that are wrong, whatever the status. */
export const errorBody = z.object({
  error: z.object({ code: z.string(), message: z.string(), details: z.looseObject({ fields: z.array(z.object({ field: z.string(), problem: z.string() })).optional() }).optional() }),
})

/** Sends an error in the product's shape. */
export function sendError(response: Response, status: number, code: string, message: string, details?: unknown): void {
  if (response.headersSent) {
    response.end()
    return
  }
  response.status(status).json({ error: { code, message, ...(details === undefined ? {} : { details }) } })
}

/** Turns a zod failure into sentences that name the member and the fix. */
export function invalidInput(where: 'body' | 'query' | 'path', error: z.ZodError): RequestError {
  const fields = error.issues.map((issue) => ({ field: issue.path.map(String).join('.') || where, problem: issue.message }))
  const first = fields[0]
  return new RequestError(400, 'invalid_input', first === undefined ? `The ${where} is not valid.` : `${first.field}: ${first.problem}`, { details: { in: where, fields } })
}

interface BodyParserError extends Error {
  type?: unknown
  status?: unknown
}

const bodyParserAnswers: Record<string, [status: number, code: string, message: string]> = {
  'entity.too.large': [413, 'too_large', 'The request is too large. Send at most 64 kB.'],
  'entity.parse.failed': [400, 'invalid_json', 'The body is not valid JSON.'],
  'encoding.unsupported': [415, 'unsupported_encoding', 'This content encoding is not supported. Send plain JSON.'],
  'charset.unsupported': [415, 'unsupported_encoding', 'This character set is not supported. Send UTF-8.'],
  'request.aborted': [400, 'aborted', 'The request ended before it was complete.'],
  'request.size.invalid': [400, 'invalid_length', 'The body is not as long as its Content-Length says.'],
}

/** The one table from thrown values to HTTP answers. */
export function errorHandler(logger: Logger): ErrorRequestHandler {
  /** @returns the id by which the fault is found in the log */
  function logged(error: unknown, { method, path }: Request): string {
    const faultId = newId()
    logger.error({ faultId, method, path, code: describeError(error).code, stack: error instanceof Error ? error.stack : undefined }, 'A request failed')
    return faultId
  }

  // Four parameters: by their number Express knows what handles errors.
  return (error: unknown, request, response, _next) => {
    if (response.headersSent) {
      logged(error, request)
      response.destroy()
      return
    }
    const parserType = error instanceof Error ? (error as BodyParserError).type : undefined
    const parserAnswer = typeof parserType === 'string' ? bodyParserAnswers[parserType] : undefined
    if (parserAnswer !== undefined) {
      sendError(response, ...parserAnswer)
    } else if (error instanceof RequestError) {
      sendError(response, error.status, error.code, error.message, error.details)
    } else if (error instanceof RetryAfterError) {
      response.set('Retry-After', String(Math.ceil(error.retryAfterMs / 1_000)))
      sendError(response, 503, error.code, error.message)
    } else if (error instanceof PermanentError) {
      sendError(response, 409, error.code, error.message, error.details)
    } else if (error instanceof URIError) {
      sendError(response, 400, 'invalid_path', 'The address is not valid.')
    } else {
      const faultId = logged(error, request)
      const code = error instanceof CodedError ? error.code : 'internal'
      sendError(response, 500, code, `Something went wrong on our side. Try again; if it stays, name this id to support: ${faultId}`)
    }
  }
}
