import { describe, expect, it } from '@jest/globals'
import { PermanentError, RetryAfterError, retryVerdictOf } from '../../src/kernel/errors.ts'
import { readBody, type Answer } from '../../src/highlevel/answer.ts'
import { endpoints } from '../../src/highlevel/index.ts'
import { judge, messageOf } from '../../src/highlevel/error-mapping.ts'

function answer(status: number, body: unknown, extra: Partial<Answer> = {}): Answer {
  return { status, headers: {}, failure: null, ...readBody(typeof body === 'string' ? body : JSON.stringify(body)), ...extra }
}

const shape = (statusCode: number, message: unknown, error?: string) => ({ statusCode, message, ...(error === undefined ? {} : { error }) })

/** Status, body, expected kind, code and retry. */
const failures: [string, Answer, string, string][] = [
  ['a missing scope', answer(401, shape(401, 'The token is not authorized for this scope.')), 'highlevel_scope', 'permanent'],
  ['a token of the wrong class', answer(401, shape(401, 'This authClass type is not allowed to access this scope. Please verify your IAM configuration if this is not the case.')), 'highlevel_scope', 'permanent'],
  ['a token of the wrong user type', answer(401, shape(401, "Token's user type mismatch!")), 'highlevel_scope', 'permanent'],
  ['a route without IAM', answer(401, shape(401, 'This route is not yet supported by the IAM Service. Please update your IAM config.')), 'highlevel_scope', 'permanent'],
  ['a missing version', answer(401, shape(401, 'version header was not found.')), 'highlevel_scope', 'permanent'],
  ['another agency’s location', answer(403, shape(403, 'The token does not have access to this location.', 'Forbidden')), 'highlevel_forbidden', 'permanent'],
  ['a suspended location', answer(400, shape(400, 'Location is not active')), 'highlevel_location_inactive', 'retry_after'],
  ['a contact that is gone, as 400', answer(400, shape(400, 'Contact not found')), 'highlevel_not_found', 'permanent'],
  ['a contact that is gone, as 404', answer(404, shape(404, 'Contact with id abc not found', 'Not Found')), 'highlevel_not_found', 'permanent'],
  ['a duplicate', answer(400, { ...shape(400, 'This location does not allow duplicated contacts.'), meta: { contactId: 'ocQHyuzHvysMo5N5VsXc' } }), 'highlevel_duplicate', 'permanent'],
  ['a path of another version', answer(400, shape(400, 'Route is not available in API version v3. Use another.')), 'highlevel_unsupported', 'permanent'],
  ['a route that does not exist', answer(404, shape(404, 'Cannot POST /opportunities/pipelines')), 'highlevel_unsupported', 'permanent'],
  ['an unknown member', answer(422, { ...shape(422, ['property foo should not exist', 'name must be a string'], 'Unprocessable Entity'), traceId: 'x' }), 'highlevel_invalid', 'permanent'],
  ['the newer error shape', answer(422, { error: { code: 'VALIDATION', message: 'stages must not be empty', details: {} } }), 'highlevel_invalid', 'permanent'],
  ['an empty 400', answer(400, ''), 'highlevel_invalid', 'permanent'],
  ['a failure of the server', answer(500, shape(500, 'Internal Server Error')), 'highlevel_unavailable', 'transient'],
  ['a proxy’s error page', answer(502, '<html>Bad Gateway</html>'), 'highlevel_unavailable', 'transient'],
  ['an error page with 404', answer(404, '<html>nginx</html>'), 'highlevel_unavailable', 'transient'],
  ['HTML with 200', answer(200, '<html>maintenance</html>'), 'highlevel_unavailable', 'transient'],
  ['a redirect', answer(302, ''), 'highlevel_unavailable', 'transient'],
  ['a time-out', answer(0, '', { failure: 'ETIMEDOUT' }), 'highlevel_unavailable', 'transient'],
  ['a cut connection', answer(0, '', { failure: 'ECONNRESET' }), 'highlevel_unavailable', 'transient'],
]

describe('error mapping', () => {
  it.each(failures)('%s', (_, given, code, retry) => {
    const verdict = judge(endpoints.createContact, given)
    expect(verdict).toMatchObject({ kind: 'failed', error: { code }, unhealthy: retry === 'transient' })
    if (verdict.kind === 'failed') expect(retryVerdictOf(verdict.error).kind).toBe(retry)
  })

  it.each(['Invalid JWT', 'Invalid token: access token is invalid', '', 'Unauthorized'])('401 "%s" is about the token', (message) => {
    expect(judge(endpoints.getContact, answer(401, shape(401, message)))).toMatchObject({ kind: 'token_rejected' })
  })

  it('429 pauses for the interval of the headers, else for ten seconds', () => {
    expect(judge(endpoints.getContact, answer(429, shape(429, 'Too Many Requests'), { headers: { 'x-ratelimit-interval-milliseconds': '3000' } }))).toEqual({ kind: 'rate_limited', pauseMs: 3_000 })
    expect(judge(endpoints.getContact, answer(429, ''))).toEqual({ kind: 'rate_limited', pauseMs: 10_000 })
  })

  it.each([200, 201, 204])('%i is fine, with or without a body', (status) => {
    expect(judge(endpoints.addTags, answer(status, ''))).toEqual({ kind: 'ok' })
    expect(judge(endpoints.addTags, answer(status, { tags: [] }))).toEqual({ kind: 'ok' })
  })

  it('says whether an unsafe call may have reached HighLevel', () => {
    const reached = (failure: string) => {
      const verdict = judge(endpoints.createContact, answer(0, '', { failure }))
      return verdict.kind === 'failed' ? verdict.error.details?.['mayHaveReached'] : undefined
    }
    expect(reached('ECONNRESET')).toBe(true)
    expect(reached('ETIMEDOUT')).toBe(true)
    expect(reached('ECONNREFUSED')).toBe(false)
  })

  it('names the contact that stands in the way of a duplicate', () => {
    const verdict = judge(endpoints.createContact, answer(400, { ...shape(400, 'duplicated contacts'), meta: { contactId: 'ocQHyuzHvysMo5N5VsXc' } }))
    expect(verdict).toMatchObject({ error: { details: { existingContactId: 'ocQHyuzHvysMo5N5VsXc' } } })
  })

  it('keeps HighLevel’s words, without addresses and numbers of people', () => {
    expect(messageOf(shape(422, ['email ann@customer.example is invalid', 'phone +1 888-888-8888 is invalid']))).toBe('email [address] is invalid; phone [number] is invalid')
    expect(messageOf({ error: 'UnAuthorized!', error_description: 'Authorization code not found' })).toBe('UnAuthorized!: Authorization code not found')
    expect(messageOf({ error: { code: 'X', message: 'stage names must be unique' } })).toBe('stage names must be unique')
    expect(messageOf('x'.repeat(1_000))).toHaveLength(300)
  })

  it('no error carries the request or the answer', () => {
    const secret = { statusCode: 400, message: 'bad', email: 'ann@customer.example' }
    const verdict = judge(endpoints.createContact, answer(400, secret))
    expect(JSON.stringify(verdict)).not.toContain('ann@')
    expect(PermanentError.prototype instanceof RetryAfterError).toBe(false)
  })
})
