import type { Account, BulkAction, BulkRequest, BulkResult } from '../http/contract/accounts.ts'
import { describeError, notFound, RequestError } from '../kernel/errors.ts'
import type { Session } from '../kernel/route.ts'
import { createAccountFacts } from './facts.ts'
import { createGrouping } from './grouping.ts'
import { createAccountFigures } from './figures.ts'
import { accountFilterOf, accountSortOf } from './listing.ts'
import { createMirror } from './mirror.ts'
import { accountModels, type AccountRecord } from './model.ts'
import { createOwnership } from './ownership.ts'
import { accountKey, accountUserView, accountView, disagreementOf, forgottenKey, happinessRank, healthRank, isListed } from './rules.ts'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import { createTelling } from './telling.ts'
import type { Accounts, AccountsDeps, BulkHandler } from './types.ts'
import { factOrder } from './user-fold.ts'

const maxBulk = 10_000
/** One request of a bulk: so many accounts, for so long, in slices after which the time is looked at. */
const mostPerRequest = 1_000
const requestMs = 10_000
const sliceSize = 50
const atOnce = 10
/** Ids in one look. */
const idsPerLook = 1_000
const maxSameEmail = 20

export function createAccounts(deps: AccountsDeps): Accounts {
  const { connection, clock, events } = deps
  const models = accountModels(connection)
  const { accounts, users } = models
  const telling = createTelling(models, deps)
  const ownership = createOwnership(models, telling, deps)
  const facts = createAccountFacts(models, telling, ownership, deps)
  const grouping = createGrouping(models, (key) => facts.settle(key), deps)
  const mirror = createMirror(models, facts, deps)
  const handlers = new Map<BulkAction, BulkHandler>()

  async function record(companyId: string, locationId: string): Promise<AccountRecord> {
    const found = await accounts.findOne({ _id: accountKey(companyId, locationId), companyId, state: { $in: ['active', 'removed'] } }).lean()
    if (found === null) throw notFound('account')
    return found
  }

  /** What the views that were given out were made from. */
  const recordsSeen = new WeakMap<Account, AccountRecord>()

  type Projection = Partial<AccountRecord>
  /**
   * Takes over a reading, with what follows from both. Written only if the other reading is still the one that was read,
   * so that two readings that change at once are compared with each other, whichever comes last.
   * @param seen the account as read a moment ago, for the first try
   */
  async function projected(companyId: string, locationId: string, change: (account: AccountRecord) => Projection, seen?: AccountRecord): Promise<void> {
    for (let count = 1; ; count += 1) {
      const account = count === 1 && seen !== undefined ? seen : await accounts.findOne({ _id: accountKey(companyId, locationId), companyId }).lean()
      if (account === null) return
      const set = change(account)
      const after = { ...account, ...set }
      const disagreement = disagreementOf({ ...after, happinessLevel: after.happiness.level })
      const disagreementSince = disagreement === null ? null : disagreement === account.disagreement ? (account.disagreementSince ?? null) : clock.now()
      const levelsApart = after.healthRank < 0 || after.happinessRank < 0 ? 0 : Math.abs(after.healthRank - after.happinessRank)
      const unchanged = {
        happinessRank: account.happinessRank, healthRank: account.healthRank, healthKeptAt: account.healthKeptAt ?? null,
        happinessFellAt: account.happinessFellAt ?? null, disagreementSince: account.disagreementSince ?? null,
      }
      const { matchedCount } = await accounts.updateOne({ _id: account._id, companyId, ...unchanged }, { $set: { ...set, disagreement, disagreementSince, levelsApart } })
      if (matchedCount === 1) return
    }
  }

  const setFeedbackEnabled: Accounts['setFeedbackEnabled'] = async (companyId, locationId, enabled, actor, source) => {
    const before = await record(companyId, locationId)
    if (enabled && before.state !== 'active') throw new RequestError(409, 'account_removed', 'Feedback cannot be requested from an account that no longer has the app.')
    const after = await accounts
      .findOneAndUpdate({ _id: before._id, companyId, feedbackEnabled: !enabled }, { $set: { feedbackEnabled: enabled }, $inc: { feedbackVersion: 1 } }, { returnDocument: 'after' })
      .lean()
    if (after === null) return accountView(await record(companyId, locationId), clock.now())
    if (after.isSuccessLocation) await accounts.updateOne({ _id: after._id }, { $set: { listed: isListed(after) } })
    const type = enabled ? ('feedback.enabled' as const) : ('feedback.disabled' as const)
    await events.append({
      key: `${type}:${companyId}:${locationId}:${after.feedbackVersion}`, companyId, locationId, userId: null, type, at: clock.now(), actor, source,
      summary: enabled ? `Feedback was switched on for ${after.name}.` : `Feedback was switched off for ${after.name}.`,
      before: !enabled, after: enabled, data: { locationId },
    })
    return accountView(after, clock.now())
  }

  const setPremium: Accounts['setPremium'] = async (companyId, locationId, premium, by) => accountView(await ownership.setPremium(companyId, locationId, premium, by), clock.now())

  const assignCsm: Accounts['assignCsm'] = async (companyId, locationId, csmUserId, by) => accountView(await ownership.assign(companyId, locationId, csmUserId, by), clock.now())

  const locationIds: Accounts['locationIds'] = async (companyId, filter, limit = maxBulk) => {
    const found = await accounts.find(accountFilterOf(companyId, filter, clock.now()), { locationId: 1 }).sort({ nameKey: 1 }).limit(limit).lean()
    return found.map((account) => account.locationId)
  }

  /** Runs one change per account; a failing one does not stop the others. */
  async function each(ids: string[], change: (locationId: string) => Promise<unknown>): Promise<BulkResult[]> {
    const one = async (locationId: string): Promise<BulkResult> => {
      try {
        await change(locationId)
        return { locationId, ok: true }
      } catch (error) {
        if (!(error instanceof RequestError)) throw error
        return { locationId, ok: false, error: describeError(error) }
      }
    }
    const results: BulkResult[] = []
    // Accounts are independent of each other.
    for (let at = 0; at < ids.length; at += atOnce) results.push(...await Promise.all(ids.slice(at, at + atOnce).map(one)))
    return results
  }

  async function runBulk(session: Session, ids: string[], request: BulkRequest): Promise<BulkResult[]> {
    const { companyId } = session
    const actor = { kind: 'agency_user' as const, id: session.userId, name: session.userName }
    switch (request.action) {
      case 'feedback_on':
      case 'feedback_off':
        return each(ids, (locationId) => setFeedbackEnabled(companyId, locationId, request.action === 'feedback_on', actor, 'bulk'))
      case 'premium_on':
      case 'premium_off':
        return each(ids, (locationId) => setPremium(companyId, locationId, request.action === 'premium_on', { actor, source: 'bulk' }))
      case 'assign_csm':
        return each(ids, (locationId) => assignCsm(companyId, locationId, request.csmUserId ?? null, { actor, source: 'bulk', note: request.note, rule: request.rule }))
      case 'set_health':
      case 'confirm_health':
      case 'request_feedback': {
        const handler = handlers.get(request.action)
        if (handler === undefined) throw new RequestError(501, 'action_unavailable', `The action ${request.action} is not available.`)
        // Nobody of a customer who left can be asked; their status can still be kept.
        const states = request.action === 'request_feedback' ? ['active' as const] : ['active' as const, 'removed' as const]
        const mine = new Set((await accounts.find({ companyId, locationId: { $in: ids }, state: { $in: states } }, { locationId: 1 }).lean()).map((account) => account.locationId))
        const foreign = ids.filter((locationId) => !mine.has(locationId)).map((locationId) => ({ locationId, ok: false, error: describeError(notFound('account')) }))
        return [...(await handler(session, ids.filter((locationId) => mine.has(locationId)), request)), ...foreign]
      }
    }
  }

  return {
    figures: createAccountFigures(accounts, () => clock.now()),
    async get(companyId, locationId) {
      const found = await accounts.findOne({ _id: accountKey(companyId, locationId), companyId, state: { $in: ['active', 'removed'] } }).lean()
      if (found === null) return null
      const view = accountView(found, clock.now())
      recordsSeen.set(view, found)
      return view
    },
    async list(companyId, query) {
      const { sort, page, pageSize, ...filter } = query
      const now = clock.now()
      const where = accountFilterOf(companyId, filter, now)
      const [total, items] = await Promise.all([
        accounts.countDocuments(where),
        accounts.find(where).sort(accountSortOf(sort)).skip((page - 1) * pageSize).limit(pageSize).lean(),
      ])
      return { items: items.map((item) => accountView(item, now)), page, pageSize, total }
    },
    locationIds,
    async users(companyId, locationId, { includeRemoved = false, known = false } = {}) {
      const whose = includeRemoved ? { companyId, 'memberships.locationId': locationId } : { companyId, presentIn: locationId }
      const found = await users.find({ ...whose, ...(known ? { forgotten: { $ne: true } } : {}) }).sort({ name: 1, _id: 1 }).lean()
      return found.map((user) => accountUserView(user, locationId)).filter((view) => view !== null)
    },
    async user(companyId, locationId, userId) {
      const found = await users.findOne({ _id: accountKey(companyId, userId), companyId }).lean()
      return found === null ? null : accountUserView(found, locationId)
    },
    async present(companyId, userIds) {
      const found = await users.find({ _id: { $in: [...new Set(userIds)].map((userId) => accountKey(companyId, userId)) }, companyId }, { userId: 1, name: 1, presentIn: 1 }).lean()
      return found.map(({ userId, name, presentIn: locationIds }) => ({ userId, name, locationIds }))
    },
    async usersByEmail(companyId, email) {
      const found = await users.find({ companyId, email: { $in: [...new Set([email, email.toLowerCase()])] } }).sort({ _id: 1 }).limit(maxSameEmail).lean()
      return found.flatMap((user) => user.presentIn.map((locationId) => accountUserView(user, locationId))).filter((view) => view !== null)
    },
    async email(companyId, locationId) {
      const found = await accounts.findOne({ _id: accountKey(companyId, locationId), companyId }, { email: 1 }).lean()
      return found?.email ?? null
    },
    async agencyUsers(companyId) {
      const found = await users.find({ companyId, staff: true }).sort({ name: 1, _id: 1 }).lean()
      return found.map(({ userId, name, email, role }) => ({ userId, name, email, role }))
    },
    agencyUser: (companyId, userId) => ownership.agencyUser(companyId, userId),
    async portfolioSizes(companyId, csmUserIds) {
      const sizes = await Promise.all(csmUserIds.map(async (userId) => [userId, await accounts.countDocuments({ companyId, listed: true, 'csm.userId': userId })] as const))
      return new Map(sizes)
    },
    async owners(companyId, ids) {
      const looks = Array.from({ length: Math.ceil(ids.length / idsPerLook) }, (_, at) => ids.slice(at * idsPerLook, (at + 1) * idsPerLook))
      const found = await Promise.all(looks.map((some) =>
        accounts.find({ _id: { $in: some.map((locationId) => accountKey(companyId, locationId)) }, companyId, state: { $in: ['active', 'removed'] } }, { locationId: 1, name: 1, nameKey: 1, csm: 1, csmDecidedAt: 1 }).lean()))
      return found.flat()
        .sort((one, other) => (one.nameKey < other.nameKey ? -1 : one.nameKey > other.nameKey ? 1 : one._id < other._id ? -1 : 1))
        .map(({ locationId, name, csm, csmDecidedAt }) => ({ locationId, name, csm: csm === null ? null : { userId: csm.userId, name: csm.name }, decided: csm !== null || (csmDecidedAt ?? null) !== null }))
    },
    async keepUp(limit) {
      return (await telling.tellDue(limit)) + (await ownership.releaseDue(limit)) + (await grouping.regroupDue(limit))
    },
    async companyOf(locationId) {
      const found = await accounts.find({ locationId, state: { $in: ['active', 'removed'] } }, { companyId: 1, state: 1 }).sort({ ownedAt: -1 }).limit(2).lean()
      return (found.find((account) => account.state === 'active') ?? found[0])?.companyId ?? null
    },
    progress: (companyId) => mirror.progress(companyId),

    applyLocationEvent: (event) => facts.applyLocationEvent(event),
    applyUserEvent: (event) => facts.applyUserEvent(event),
    applyInstallFact: (fact) => facts.applyInstallFact(fact),
    async confirmUser(companyId, locationId, user, askedAt) {
      const account = await accounts.findOne({ _id: accountKey(companyId, locationId), companyId }, { mirroredAt: 1 }).lean()
      await facts.applyUserFact(companyId, user.id, {
        ...mirror.userFact(user, { askedAt, knownLocationIds: [locationId], firstReadLocationIds: new Set(account?.mirroredAt === null ? [locationId] : []) }),
        completeList: false,
      })
    },
    mirror: (companyId, scope) => mirror.run(companyId, scope),
    mirrorPending: (companyId, scope, limit) => mirror.runPending(companyId, scope, limit),

    setFeedbackEnabled,
    setPremium,
    assignCsm,
    async bulk(session, request, refusals = async () => new Map()) {
      const ids = request.locationIds === undefined ? await locationIds(session.companyId, request.filter ?? {}) : [...new Set(request.locationIds)]
      const reached = Math.min(ids.length, request.limit ?? mostPerRequest)
      const untilMs = clock.nowMs() + requestMs
      const results: BulkResult[] = []
      let at = 0
      while (at < reached && (at === 0 || clock.nowMs() < untilMs)) {
        const slice = ids.slice(at, Math.min(at + sliceSize, reached))
        // Asked anew for each slice: whose an account is may change while a long request works.
        const refused = await refusals(slice)
        for (const [locationId, error] of refused) results.push({ locationId, ok: false, error: describeError(error) })
        const allowed = slice.filter((locationId) => !refused.has(locationId))
        if (allowed.length > 0) results.push(...await runBulk(session, allowed, request))
        at += slice.length
      }
      return { results, left: ids.slice(at) }
    },
    onStaffLeft: (handler) => ownership.onLeave(handler),
    registerBulkAction(action, handler) {
      if (handlers.has(action)) throw new Error(`The bulk action ${action} has two handlers`)
      handlers.set(action, handler)
    },
    async setHappiness(companyId, locationId, reading, seen) {
      const record = seen === undefined ? undefined : recordsSeen.get(seen)
      const isIt = record?._id === accountKey(companyId, locationId)
      await projected(companyId, locationId, (account) => {
        const fell = account.happiness.level !== null && reading.level !== null && happinessRank(reading.level) < account.happinessRank
        return {
          happiness: { level: reading.level, score: reading.score, answered: reading.answered, newestAt: reading.newestAt, dissent: reading.dissent },
          happinessRank: happinessRank(reading.level),
          happinessFellAt: fell ? clock.now() : account.happinessFellAt,
        }
      }, isIt ? record : undefined)
    },
    async setHealth(companyId, locationId, status) {
      await projected(companyId, locationId, () => {
        if (status === null) return { healthLevel: null, healthRank: -1, healthKeptAt: null, healthStaleAt: null, healthNoteWanted: false, healthDetails: null }
        const { level, staleAt, ...healthDetails } = status
        const healthKeptAt = status.confirmedAt !== null && status.confirmedAt > status.setAt ? status.confirmedAt : status.setAt
        return { healthLevel: level, healthRank: healthRank(level), healthKeptAt, healthStaleAt: staleAt, healthNoteWanted: status.noteWanted, healthDetails }
      })
    },
    async setSuccessLocation(companyId, locationId) {
      const chosen = accountKey(companyId, locationId)
      const former = await accounts.find({ companyId, isSuccessLocation: true, _id: { $ne: chosen } }).lean()
      for (const account of former) {
        const next = { ...account, isSuccessLocation: false }
        await accounts.updateOne({ _id: account._id }, { $set: { isSuccessLocation: false, listed: isListed(next) } })
      }
      const account = await record(companyId, locationId)
      await accounts.updateOne({ _id: chosen }, { $set: { isSuccessLocation: true, listed: isListed({ ...account, isSuccessLocation: true }) } })
    },
    async whole(companyId, userId) {
      const found = await users.findOne({ _id: accountKey(companyId, userId), companyId, forgotten: { $ne: true } }).lean()
      if (found === null) return null
      const { name, firstName, lastName, email, phone, staff, memberships } = found
      return { userId, name, firstName, lastName, email, phone, staff, locationIds: memberships.map(({ locationId }) => locationId) }
    },
    async forget({ companyId, userId, at }) {
      try {
        await models.forgotten.updateOne({ _id: forgottenKey(companyId, userId) }, { $setOnInsert: { companyId, at } }, { upsert: true })
      } catch (error) {
        // Two processes forget the same person at once.
        if (!isDuplicateKey(error)) throw error
      }
      await facts.applyUserFact(companyId, userId, {
        order: factOrder(at, 'removed', 'forgotten'), at, says: 'deleted', locationIds: [], completeList: false, created: false, firstReadLocationIds: new Set(), details: null,
      }, { forget: true })
    },
    async forgetWholly({ companyId, userId }) {
      await users.deleteOne({ _id: accountKey(companyId, userId), companyId, forgotten: true })
    },
    isForgotten: async (companyId, userId) => (await models.forgotten.exists({ _id: forgottenKey(companyId, userId), companyId })) !== null,
    async purge(companyId) {
      await models.forgotten.deleteMany({ companyId })
      await users.deleteMany({ companyId })
      await accounts.deleteMany({ companyId })
      await models.mirrors.deleteMany({ companyId })
    },
  }
}
