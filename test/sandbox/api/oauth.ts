import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { z } from 'zod'
import type {
  GetAccessCodeSuccessfulResponseDto, GetInstalledLocationsSuccessfulResponseDto, GetLocationAccessTokenSuccessfulResponseDto,
} from '@gohighlevel/api-client/dist/lib/code/oauth/models/oauth.js'
import type { GetInstallerDetailsResponseDTO } from '@gohighlevel/api-client/dist/lib/code/marketplace/models/marketplace.js'
import { hourMs } from '../../../src/kernel/clock.ts'
import { ApiError, badRequest } from './api-error.ts'
import { countParam, endpoint, ok, toCount, type Endpoint } from './endpoint.ts'
import { uninstall } from '../install.ts'
import { installationAt } from '../state/state.ts'
import type { Grant, Installation } from '../state/records.ts'
import type { World } from '../world.ts'

const tokenForm = z.strictObject({
  client_id: z.string(),
  client_secret: z.string(),
  grant_type: z.enum(['authorization_code', 'refresh_token', 'client_credentials']),
  code: z.string().optional(),
  refresh_token: z.string().optional(),
  user_type: z.enum(['Company', 'Location']).optional(),
  redirect_uri: z.string().optional(),
})

type WireGrant = GetAccessCodeSuccessfulResponseDto & { refreshTokenId: string }

function refused(status: 400 | 401, error: string, description: string): ApiError {
  return new ApiError(status, { error, error_description: description })
}

/** Tokens look like the real ones (JWT); nothing in them is meant to be read by an app. */
function jwtOf(claims: Record<string, unknown>): string {
  const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url')
  const unsigned = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`
  return `${unsigned}.${createHmac('sha256', 'sandbox').update(unsigned).digest('base64url')}`
}

/** Issues an access token and its single-use refresh token. */
export function issueGrant(world: World, input: Pick<Grant, 'userType' | 'companyId' | 'userId' | 'scopes'> & { locationId?: string }): Grant {
  const nowMs = world.settings.clock.nowMs()
  const expiresAtMs = nowMs + world.settings.tokenLifeSeconds * 1_000
  const subject = input.locationId ?? input.companyId
  const claims = {
    authClass: input.userType, authClassId: subject, primaryAuthClassId: subject, source: 'INTEGRATION', sourceId: world.settings.app.clientId, channel: 'OAUTH',
    iat: Math.floor(nowMs / 1_000), exp: Math.floor(expiresAtMs / 1_000), jti: randomBytes(9).toString('hex'),
  }
  // Now and then forget what can no longer be used; never a company's live refresh token.
  if (world.state.grants.size % 500 === 499) {
    for (const old of world.state.grants.values()) {
      if (old.expiresAtMs < nowMs - hourMs && (old.refreshUsed || old.userType === 'Location')) world.state.grants.delete(old.id)
    }
  }
  return world.state.grants.put({
    id: randomUUID(), accessToken: jwtOf(claims), refreshToken: jwtOf({ ...claims, jti: randomBytes(9).toString('hex'), refresh: true }),
    refreshTokenId: randomBytes(12).toString('hex'), ...input, expiresAtMs, refreshUsed: false, revoked: false,
  })
}

function wireGrant(world: World, grant: Grant, installation: Installation | undefined): WireGrant {
  const bulk = grant.userType === 'Company' && installation !== undefined
    ? {
        isBulkInstallation: true, approvedLocations: Object.keys(installation.locations), approveAllLocations: installation.approveAllLocations,
        installToFutureLocations: installation.installToFutureLocations,
      }
    : { isBulkInstallation: false }
  return {
    access_token: grant.accessToken, token_type: 'Bearer', expires_in: world.settings.tokenLifeSeconds, refresh_token: grant.refreshToken,
    refreshTokenId: grant.refreshTokenId, scope: grant.scopes.join(' '), userType: grant.userType, companyId: grant.companyId,
    ...(grant.locationId === undefined ? {} : { locationId: grant.locationId }), userId: grant.userId,
    ...(installation === undefined ? {} : { planId: installation.planId }), ...bulk,
  }
}

function installationOf(world: World, companyId: string, locationId: string | undefined): Installation | undefined {
  return locationId === undefined ? world.state.installations.get(companyId) : installationAt(world.state, locationId)
}

export function oauthEndpoints(world: World): Endpoint[] {
  const { state, settings } = world

  const token = endpoint({
    method: 'POST', path: '/oauth/token', access: 'none', versions: [], form: true, body: tokenForm, tenant: () => ({}),
    handle({ body }) {
      // The code is looked at before the client, as seen on the real platform.
      const code = body.grant_type === 'authorization_code' ? state.codes.get(body.code ?? '') : undefined
      if (body.grant_type === 'authorization_code' && (code === undefined || code.used || code.expiresAtMs <= settings.clock.nowMs())) {
        throw refused(401, 'UnAuthorized!', 'Authorization code not found')
      }
      if (body.client_id !== settings.app.clientId || body.client_secret !== settings.app.clientSecret) {
        throw refused(401, 'UnAuthorized!', 'Invalid client: client is invalid')
      }
      if (code !== undefined) {
        const installation = installationOf(world, code.companyId, code.locationId)
        state.codes.put({ ...code, used: true })
        const grant = issueGrant(world, {
          userType: code.locationId === undefined ? 'Company' : 'Location', companyId: code.companyId, userId: installation?.userId ?? '', scopes: code.scopes,
          ...(code.locationId === undefined ? {} : { locationId: code.locationId }),
        })
        return ok(wireGrant(world, grant, installation))
      }
      if (body.grant_type !== 'refresh_token') throw refused(400, 'unsupported_grant_type', 'Unsupported grant type: `grant_type` is invalid')
      const [old] = state.grants.by('refresh', body.refresh_token ?? '')
      if (old === undefined || old.refreshUsed || old.revoked) throw refused(400, 'invalid_grant', 'This refresh token is invalid')
      if (old.locationId !== undefined && state.locations.get(old.locationId)?.active === false) throw badRequest('Location is not active')
      state.grants.put({ ...old, refreshUsed: true })
      const grant = issueGrant(world, {
        userType: old.userType, companyId: old.companyId, userId: old.userId, scopes: old.scopes, ...(old.locationId === undefined ? {} : { locationId: old.locationId }),
      })
      return ok(wireGrant(world, grant, installationOf(world, old.companyId, old.locationId)))
    },
  })

  const locationToken = endpoint({
    method: 'POST', path: '/oauth/locationToken', access: 'company', scope: 'oauth.write', form: true,
    body: z.strictObject({ companyId: z.string(), locationId: z.string() }),
    handle({ body, grant, traceId }) {
      const location = state.locations.get(body.locationId)
      if (location?.active === false) throw badRequest('Location is not active')
      const installation = installationAt(state, body.locationId)
      if (installation === undefined) throw badRequest('The app is not installed on this location.')
      const minted = issueGrant(world, {
        userType: 'Location', companyId: body.companyId, locationId: body.locationId, userId: grant.userId, scopes: grant.scopes,
      })
      const answer: GetLocationAccessTokenSuccessfulResponseDto & Record<string, unknown> = {
        access_token: minted.accessToken, token_type: 'Bearer', expires_in: settings.tokenLifeSeconds, refresh_token: minted.refreshToken,
        refreshTokenId: minted.refreshTokenId, scope: minted.scopes.join(' '), userType: 'Location', companyId: minted.companyId, locationId: body.locationId,
        userId: minted.userId, planId: installation.planId, traceId,
      }
      return ok(answer)
    },
  })

  const installedLocations = endpoint({
    method: 'GET', path: '/oauth/installedLocations', access: 'company', scope: 'oauth.readonly',
    query: z.strictObject({
      companyId: z.string(), appId: z.string(), skip: countParam, limit: countParam, query: z.string().optional(), isInstalled: z.enum(['true', 'false']).optional(),
      versionId: z.string().optional(), onTrial: z.string().optional(), planId: z.string().optional(), locationId: z.string().optional(),
    }),
    tenant: ({ query }) => ({ companyId: typeof query['companyId'] === 'string' ? query['companyId'] : undefined }),
    handle({ query }) {
      if (query.appId !== settings.app.appId) throw badRequest('Invalid app id')
      const all = state.locations.by('company', query.companyId).map((location) => ({ location, at: installationAt(state, location.id)?.locations[location.id] }))
      const wanted = all.filter(({ location, at }) =>
        (query.isInstalled === undefined || (query.isInstalled === 'true') === (at !== undefined))
        && (query.locationId === undefined || location.id === query.locationId)
        && (query.query === undefined || location.name.toLowerCase().includes(query.query.toLowerCase())))
      const skip = toCount(query.skip, 0, Infinity)
      const answer: GetInstalledLocationsSuccessfulResponseDto = {
        locations: wanted.slice(skip, skip + toCount(query.limit, 20, 500)).map(({ location, at }) => ({
          _id: location.id, name: location.name, address: location.address, isInstalled: at !== undefined,
          ...(at === undefined ? {} : { versionId: settings.app.versionId, installedAt: at }),
        })),
        count: wanted.length,
        installToFutureLocations: state.installations.get(query.companyId)?.installToFutureLocations ?? false,
      }
      return ok(answer)
    },
  })

  const installer = endpoint({
    method: 'GET', path: '/marketplace/app/{appId}/installations', access: 'both', scope: 'marketplace-installer-details.readonly', tenant: () => ({}),
    handle({ grant }) {
      const company = state.companies.get(grant.companyId)
      const installation = installationOf(world, grant.companyId, grant.locationId)
      if (company === undefined || installation === undefined) throw badRequest('Installation not found')
      const answer: GetInstallerDetailsResponseDTO = {
        installationDetails: {
          companyId: company.id, ...(grant.locationId === undefined ? {} : { locationId: grant.locationId }), companyName: company.name, relationshipNumber: '0-000-000',
          ...(grant.locationId === undefined ? { companyEmail: company.email } : {}), userId: installation.userId,
          isWhitelabelCompany: company.whitelabelDomain !== undefined, marketplaceAppPlanId: installation.planId,
          ...(company.whitelabelDomain === undefined ? {} : { whitelabelDetails: { domain: company.whitelabelDomain, logoUrl: '' } }),
        },
      }
      return ok(answer)
    },
  })

  const remove = endpoint({
    method: 'DELETE', path: '/marketplace/app/{appId}/installations', access: 'both', scope: 'oauth.write',
    body: z.strictObject({ companyId: z.string().optional(), locationId: z.string().optional(), reason: z.string().optional() }),
    handle({ body, grant, params }) {
      if (params['appId'] !== settings.app.appId) throw badRequest('Invalid app id')
      const locationId = body.locationId ?? grant.locationId
      uninstall(world, locationId === undefined ? { companyId: grant.companyId } : { locationId })
      return ok({ success: true })
    },
  })

  return [token, locationToken, installedLocations, installer, remove]
}
