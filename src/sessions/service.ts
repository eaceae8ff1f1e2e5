import type { CrmUser } from '../highlevel/index.ts'
import { dayMs, minuteMs } from '../kernel/clock.ts'
import { CodedError, describeError, PermanentError, RequestError } from '../kernel/errors.ts'
import type { Session } from '../kernel/route.ts'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import { seenContextModel } from './model.ts'
import { createSessionTokens, sessionSeconds } from './token.ts'
import type { Sessions, SessionsDeps } from './types.ts'
import { openUserContext, type UserContext } from './user-context.ts'

/** How long the same user context may be presented again: a page that is reloaded may hand over the same one. */
const reuseMs = 5 * minuteMs
/** How long a used context is remembered and refused. */
const rememberMs = 180 * dayMs
const authenticatedCacheMs = 5_000
const maxCached = 20_000

/** `askedAt`: when HighLevel confirmed the person; null if only our own records could, while the agency has to reconnect. */
type Confirmed = { kind: 'confirmed'; user: CrmUser; askedAt: Date | null } | { kind: 'refused'; why: string }

/** One answer for everything that is wrong with a user context. */
function unauthorized(): RequestError {
  return new RequestError(401, 'unauthorized', 'Sign in again: open this page from the app.')
}

export function createSessions(deps: SessionsDeps): Sessions {
  const { clock, gateway, accounts, installations, logger, refusalFloorMs = 250 } = deps
  const seen = seenContextModel(deps.connection)
  const tokens = createSessionTokens(deps.box, clock)
  const admitted = new Map<string, { untilMs: number; role: Session['role'] }>()

  /** @returns false if these bytes were first seen too long ago */
  async function mayStillBeUsed(blobHash: string): Promise<boolean> {
    const nowMs = clock.nowMs()
    try {
      await seen.updateOne({ _id: blobHash }, { $setOnInsert: { firstSeenAt: new Date(nowMs), expireAt: new Date(nowMs + rememberMs) } }, { upsert: true })
    } catch (error) {
      // The same bytes arrived twice at once; the other request wrote the record.
      if (!isDuplicateKey(error)) throw error
    }
    const record = await seen.findOne({ _id: blobHash }).lean()
    return record !== null && nowMs - record.firstSeenAt.getTime() <= reuseMs
  }

  async function found(search: Promise<{ users: CrmUser[] }>, userId: string): Promise<CrmUser | null> {
    try {
      return (await search).users.find((user) => user.id === userId) ?? null
    } catch (error) {
      // A place that we may not look into does not know the person; other places may.
      if (error instanceof PermanentError) return null
      throw error
    }
  }

  /** Asks HighLevel about the person: who works for the agency is found under the company, a customer's user under the sub-account. */
  async function ask(context: UserContext): Promise<CrmUser | null> {
    const { companyId, userId, activeLocation } = context
    const company = gateway.company(companyId, 'interactive')
    const ids = [userId]
    if (activeLocation === null || context.type === 'agency') {
      const member = await found(company.searchUsers({ ids, limit: 10 }), userId)
      if (member !== null || activeLocation === null) return member
    }
    const local = await found(gateway.location(companyId, activeLocation, 'interactive').searchUsers({ ids, limit: 10 }), userId)
    if (local !== null) return local
    return (await found(company.searchUsers({ locationId: activeLocation, ids, limit: 10 }), userId)) ?? (context.type === 'agency' ? null : await found(company.searchUsers({ ids, limit: 10 }), userId))
  }

  /**
   * The person as HighLevel last confirmed them. Customers go on answering while HighLevel refuses our tokens, and the agency's
   * people see that they have to reconnect.
   */
  async function remembered({ companyId, userId, activeLocation }: UserContext): Promise<CrmUser | null> {
    const member = await accounts.agencyUser(companyId, userId)
    if (member !== null) return { id: userId, name: member.name, firstName: null, lastName: null, email: member.email, phone: null, type: 'agency', role: member.role, locationIds: [], deleted: false }
    const user = activeLocation === null ? null : await accounts.user(companyId, activeLocation, userId)
    if (user === null) return null
    const { name, firstName, lastName, email, phone, role, locationId, removedAt } = user
    return { id: userId, name, firstName, lastName, email, phone, type: 'account', role, locationIds: [locationId], deleted: removedAt !== null }
  }

  async function lookUp(context: UserContext): Promise<{ user: CrmUser | null; askedAt: Date | null }> {
    const askedAt = clock.now()
    if ((await statusOf(context.companyId)) === 'needs_reconnect') return { user: await remembered(context), askedAt: null }
    try {
      return { user: await ask(context), askedAt }
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== 'highlevel_needs_reconnect') throw error
      return { user: await remembered(context), askedAt: null }
    }
  }

  /** Null unless people may work with the installation: connected, or waiting to be connected again. */
  async function statusOf(companyId: string): Promise<'active' | 'needs_reconnect' | null> {
    const status = (await installations.get(companyId))?.status
    return status === 'active' || status === 'needs_reconnect' ? status : null
  }

  async function confirm(context: UserContext): Promise<Confirmed> {
    const { companyId, activeLocation } = context
    if ((await statusOf(companyId)) === null) return { kind: 'refused', why: 'not_installed' }
    if (activeLocation !== null) {
      // A sub-account that we know under another agency is not this one's.
      const owner = await accounts.companyOf(activeLocation)
      if (owner !== null && owner !== companyId) return { kind: 'refused', why: 'other_agency' }
    }
    const { user, askedAt } = await lookUp(context)
    if (user === null || user.deleted) return { kind: 'refused', why: 'unknown_user' }
    if (user.type === 'account') {
      if (activeLocation === null) return { kind: 'refused', why: 'no_location' }
      if (!user.locationIds.includes(activeLocation)) return { kind: 'refused', why: 'other_location' }
      if (await accounts.isForgotten(companyId, user.id)) return { kind: 'refused', why: 'forgotten' }
      const account = await accounts.get(companyId, activeLocation)
      if (account !== null && account.removedAt !== null) return { kind: 'refused', why: 'account_removed' }
    }
    return { kind: 'confirmed', user, askedAt }
  }

  async function admit(context: UserContext, { user, askedAt }: { user: CrmUser; askedAt: Date | null }) {
    const { companyId, activeLocation } = context
    const role = user.type === 'account' ? 'account_user' : user.role === 'admin' ? 'agency_admin' : 'agency_user'
    if (askedAt !== null) await accounts.confirmUser(companyId, activeLocation ?? '', user, askedAt)
    const account = activeLocation === null ? null : await accounts.get(companyId, activeLocation)
    const session: Session = { companyId, userId: user.id, role, locationId: activeLocation, userName: user.name }
    return {
      token: tokens.issue(session),
      expiresInSeconds: sessionSeconds,
      user: { userId: user.id, name: user.name, email: user.email, role, rights: await deps.rights(session) },
      location: activeLocation === null ? null : { locationId: activeLocation, name: account?.name ?? null, timezone: account?.timezone ?? null },
    } as const
  }

  /** Refuses no sooner than the floor, so that the time tells nothing about the reason. */
  async function refuse(why: string, beganMs: number): Promise<never> {
    logger.info({ why }, 'a user context was refused')
    const leftMs = refusalFloorMs - (performance.now() - beganMs)
    if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs))
    throw unauthorized()
  }

  async function stillThere(session: Session): Promise<boolean> {
    // Whether an agency is connected is known for a second, in this process without delay.
    if (!(await installations.isLive(session.companyId)) && (await statusOf(session.companyId)) === null) return false
    if (session.role !== 'account_user' || session.locationId === null) return true
    const account = await accounts.get(session.companyId, session.locationId)
    if (account === null) return (await accounts.companyOf(session.locationId)) === null
    if (account.removedAt !== null) return false
    const user = await accounts.user(session.companyId, session.locationId, session.userId)
    return user === null ? !(await accounts.isForgotten(session.companyId, session.userId)) : user.removedAt === null
  }

  /** Who is not an admin of the agency any more keeps nothing of it; who became one is so with the next session. */
  async function roleNow({ companyId, userId, role }: Session): Promise<Session['role']> {
    if (role !== 'agency_admin') return role
    return (await accounts.agencyUser(companyId, userId))?.role === 'user' ? 'agency_user' : role
  }

  return {
    async exchange(encryptedData) {
      const beganMs = performance.now()
      const context = openUserContext(encryptedData, deps.sharedSecrets)
      if (context === null) return refuse('unreadable', beganMs)
      if (!(await mayStillBeUsed(context.blobHash))) return refuse('replayed', beganMs)
      let confirmed: Confirmed
      try {
        confirmed = await confirm(context)
      } catch (error) {
        logger.warn({ companyId: context.companyId, code: describeError(error).code }, 'a person could not be confirmed right now')
        throw new RequestError(503, 'confirmation_unavailable', 'You could not be signed in just now. Try again in a minute.', { cause: error })
      }
      return confirmed.kind === 'refused' ? refuse(confirmed.why, beganMs) : admit(context, confirmed)
    },
    verify: (token) => tokens.verify(token),
    async authenticate(token) {
      const session = tokens.verify(token)
      if (session === null) return null
      const key = `${session.companyId}:${session.locationId ?? ''}:${session.userId}:${session.role}`
      const known = admitted.get(key)
      if (known !== undefined && known.untilMs > clock.nowMs()) return { ...session, role: known.role }
      if (!(await stillThere(session))) return null
      const role = await roleNow(session)
      if (admitted.size >= maxCached) admitted.clear()
      admitted.set(key, { untilMs: clock.nowMs() + authenticatedCacheMs, role })
      return { ...session, role }
    },
  }
}
