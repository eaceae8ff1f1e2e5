import { STATUS_CODES } from 'node:http'
import type { z } from 'zod'

/** An answer that refuses a call, in the platform's own shapes. */
export class ApiError extends Error {
  readonly status: number
  readonly body: Record<string, unknown>

  constructor(status: number, body: Record<string, unknown>) {
    super(typeof body['message'] === 'string' ? body['message'] : `HTTP ${status}`)
    this.status = status
    this.body = body
  }
}

/** The same refusal as API version v3 words it. */
export function v3Error({ status, body }: ApiError): Record<string, unknown> {
  const { message, error: _error, statusCode: _statusCode, ...details } = body
  const code = (STATUS_CODES[status] ?? `HTTP ${status}`).toUpperCase().replaceAll(' ', '_')
  return { error: { code, message: Array.isArray(message) ? message.join('; ') : String(message), ...(Object.keys(details).length === 0 ? {} : { details }) } }
}

export function badRequest(message: string, more: Record<string, unknown> = {}): ApiError {
  return new ApiError(400, { statusCode: 400, message, ...more })
}

export function unauthorized(message: string): ApiError {
  return new ApiError(401, { statusCode: 401, message, error: 'Unauthorized' })
}

export function wrongTenant(): ApiError {
  return new ApiError(403, { statusCode: 403, message: 'The token does not have access to this location.', error: 'Forbidden' })
}

export function missing(message: string, status: 400 | 404 = 404): ApiError {
  return new ApiError(status, { statusCode: status, message, ...(status === 404 ? { error: 'Not Found' } : {}) })
}

/** @param traceId a UUID, as real answers carry */
export function unprocessable(messages: string[], traceId: string): ApiError {
  return new ApiError(422, { statusCode: 422, message: messages, error: 'Unprocessable Entity', traceId })
}

/** Validation messages in the words of the platform's framework. */
export function validationMessages(error: z.ZodError): string[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map(String).join('.')
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) => `${path === '' ? '' : `${path}.`}property ${key} should not exist`)
      case 'invalid_type':
        return [`${path} must be ${/^[aeiou]/.test(issue.expected) ? 'an' : 'a'} ${issue.expected}`]
      case 'invalid_value':
        return [`${path} must be one of the following values: ${issue.values.map(String).join(', ')}`]
      default:
        return [`${path} ${issue.message}`]
    }
  })
}
