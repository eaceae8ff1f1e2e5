import { CodedError, PermanentError } from '../kernel/errors.ts'
import type { Answer } from './answer.ts'
import { endpoints, type Endpoint } from './endpoints.ts'
import { judge, messageOf } from './error-mapping.ts'
import type { Resource } from './resource.ts'
import type { Outgoing } from './transport.ts'
import { grantAnswer, parse } from './wire.ts'
import type { TokenGrant } from './types.ts'

/** What a refresh came to. `refused`: HighLevel will never take this refresh token again. */
export type RefreshOutcome = { kind: 'granted'; grant: PartialGrant } | { kind: 'refused'; message: string }
export type PartialGrant = Omit<TokenGrant, 'companyId'> & { companyId: string | null }

/** Calls to the token endpoint, which need no token themselves and so have no budget or circuit. */
export interface OAuthCalls {
  /** @throws PermanentError `highlevel_code_rejected` when the code is wrong, used or too old */
  exchange(code: string, redirectUri: string): Promise<TokenGrant>
  /** @throws CodedError when HighLevel failed, RetryAfterError when the location is suspended */
  refresh(resource: Resource, refreshToken: string): Promise<RefreshOutcome>
}

/** Sends one call and writes it to the request log. */
export type LoggedSend = (endpoint: Endpoint, outgoing: Outgoing, subject: Resource | null) => Promise<Answer>

export function createOAuthCalls({ clientId, clientSecret, send }: { clientId: string; clientSecret: string; send: LoggedSend }): OAuthCalls {
  const client = { client_id: clientId, client_secret: clientSecret }
  return {
    async exchange(code, redirectUri) {
      const form = { ...client, grant_type: 'authorization_code', code, redirect_uri: redirectUri }
      const answer = await send(endpoints.token, { via: 'plain', form }, null)
      if (answer.status >= 400 && answer.status < 500 && answer.status !== 429 && answer.status !== 408 && answer.bodyKind !== 'other') {
        throw new PermanentError('highlevel_code_rejected', `HighLevel rejected the authorization code: ${messageOf(answer.body)}. Start the installation again.`, { details: { status: answer.status } })
      }
      throwUnlessOk(endpoints.token, answer)
      const grant = parse(grantAnswer, answer.body, 'token')
      if (grant.companyId === null) throw new PermanentError('highlevel_invalid', 'HighLevel granted a token without saying for which company.')
      return { ...grant, companyId: grant.companyId }
    },

    async refresh(resource, refreshToken) {
      const form = { ...client, grant_type: 'refresh_token', refresh_token: refreshToken, user_type: resource.kind === 'company' ? 'Company' : 'Location' }
      const answer = await send(endpoints.token, { via: 'plain', form }, resource)
      if (isRefused(answer)) return { kind: 'refused', message: messageOf(answer.body) }
      throwUnlessOk(endpoints.token, answer)
      return { kind: 'granted', grant: parse(grantAnswer, answer.body, 'token') }
    },
  }
}

/** The list of refresh errors is undocumented: a 4xx that is not a pause always means that the token is used up or revoked. */
function isRefused(answer: Answer): boolean {
  if (answer.status < 400 || answer.status >= 500 || answer.status === 429 || answer.status === 408 || answer.bodyKind === 'other') return false
  const verdict = judge(endpoints.token, answer)
  return verdict.kind !== 'failed' || verdict.error.code !== 'highlevel_location_inactive'
}

function throwUnlessOk(endpoint: Endpoint, answer: Answer): void {
  const verdict = judge(endpoint, answer)
  if (verdict.kind === 'failed' || verdict.kind === 'token_rejected') throw verdict.error
  if (verdict.kind === 'rate_limited') throw new CodedError('highlevel_unavailable', 'HighLevel asked to slow down.', { details: { status: 429 } })
}
