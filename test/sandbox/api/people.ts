import { z } from 'zod'
import type { SearchUserSuccessfulResponseDto, UserSuccessfulResponseDto } from '@gohighlevel/api-client/dist/lib/code/users/models/users.js'
import type { GetWorkflowSuccessfulResponseDto } from '@gohighlevel/api-client/dist/lib/code/workflows/models/workflows.js'
import { badRequest, missing, wrongTenant } from './api-error.ts'
import { countParam, endpoint, ok, toCount, type Endpoint } from './endpoint.ts'
import { permissions } from '../domain/people.ts'
import { usersOfLocation } from '../state/state.ts'
import type { User } from '../state/records.ts'
import type { World } from '../world.ts'

function wireUser(user: User): UserSuccessfulResponseDto & { deleted: boolean } {
  return {
    id: user.id, name: `${user.firstName} ${user.lastName}`.trim(), firstName: user.firstName, lastName: user.lastName, email: user.email, phone: user.phone,
    extension: '', permissions, roles: { type: user.type, role: user.role, locationIds: user.locationIds, restrictSubAccount: user.locationIds.length > 0 },
    deleted: user.deleted,
  }
}

/** Users, workflows, and the SaaS calls that answer "not in SaaS mode". */
export function peopleEndpoints(world: World): Endpoint[] {
  const { state } = world
  const notSaas = (): never => {
    throw badRequest('SaaS mode is not enabled for this agency')
  }
  const saas = { access: 'company' as const, versions: ['2021-04-15', '2023-02-21'], scope: 'saas/company.read', handle: notSaas }

  return [
    endpoint({
      method: 'GET', path: '/users/search', access: 'both', scope: 'users.readonly',
      query: z.strictObject({
        companyId: z.string(), query: z.string().optional(), skip: countParam, limit: countParam, locationId: z.string().optional(), type: z.string().optional(),
        role: z.string().optional(), ids: z.union([z.string(), z.array(z.string())]).optional(), sort: z.string().optional(), sortDirection: z.string().optional(),
        enabled2waySync: z.string().optional(),
      }),
      handle({ query, grant }) {
        const locationId = query.locationId ?? grant.locationId
        const all = locationId === undefined ? state.users.by('company', query.companyId).filter((user) => !user.deleted) : usersOfLocation(state, locationId)
        const ids = query.ids === undefined ? undefined : [query.ids].flat().flatMap((part) => part.split(','))
        const text = query.query?.toLowerCase()
        const matching = all.filter((user) =>
          (ids === undefined || ids.includes(user.id))
          && (query.type === undefined || query.type === user.type)
          && (query.role === undefined || query.role === user.role)
          && (text === undefined || `${user.firstName} ${user.lastName} ${user.email}`.toLowerCase().includes(text)))
        const skip = toCount(query.skip, 0, Infinity)
        const answer: SearchUserSuccessfulResponseDto = {
          users: matching.slice(skip, skip + toCount(query.limit, 25, 100)).map(wireUser), count: matching.length,
        }
        return ok(answer)
      },
    }),
    endpoint({
      method: 'GET', path: '/users/', access: 'location', scope: 'users.readonly', query: z.strictObject({ locationId: z.string() }),
      handle: ({ query }) => ok({ users: usersOfLocation(state, query.locationId).map(wireUser) }),
    }),
    endpoint({
      method: 'GET', path: '/users/{userId}', access: 'both', scope: 'users.readonly', tenant: () => ({}),
      handle({ params, grant }) {
        const user = state.users.get(params['userId'] ?? '')
        if (user === undefined) throw missing(`User with id ${params['userId'] ?? ''} not found`, 400)
        // Agency people are not visible to a sub-account's token.
        const visible = grant.locationId === undefined ? user.companyId === grant.companyId : user.type === 'account' && user.locationIds.includes(grant.locationId)
        if (!visible) throw wrongTenant()
        return ok(wireUser(user))
      },
    }),
    endpoint({
      method: 'GET', path: '/workflows/', scope: 'workflows.readonly', query: z.strictObject({ locationId: z.string() }),
      handle({ query }) {
        const answer: GetWorkflowSuccessfulResponseDto = {
          workflows: state.workflows.by('location', query.locationId).map(({ id, locationId, name, status, version, createdAt, updatedAt }) => ({ id, locationId, name, status, version, createdAt, updatedAt })),
        }
        return ok(answer)
      },
    }),
    endpoint({ method: 'GET', path: '/saas/saas-locations/{companyId}', query: z.strictObject({ page: countParam }), ...saas }),
    endpoint({ method: 'GET', path: '/saas/agency-plans/{companyId}', ...saas }),
    endpoint({ method: 'GET', path: '/saas/get-saas-subscription/{locationId}', query: z.strictObject({ companyId: z.string() }), ...saas }),
    endpoint({
      method: 'GET', path: '/saas/locations', ...saas,
      query: z.strictObject({ customerId: z.string().optional(), subscriptionId: z.string().optional(), companyId: z.string() }),
    }),
  ]
}
