import type { CrmLocation, CrmUser } from '../highlevel/index.ts'
import { PermanentError } from '../kernel/errors.ts'
import { newToken } from '../kernel/ids.ts'
import { createLeaseRunner, type HeldLease } from '../store/run-leased.ts'
import type { AccountFactsWriter } from './facts.ts'
import type { AccountModels, AccountRecord, MirrorRecord } from './model.ts'
import { accountKey, displayName } from './rules.ts'
import type { AccountsDeps, MirrorProgress, MirrorScope } from './types.ts'
import { factOrder, type UserFact } from './user-fold.ts'

/** Reads accounts and users from HighLevel. */
export interface Mirror {
  run(companyId: string, scope: MirrorScope): Promise<'done' | 'busy'>
  runPending(companyId: string, scope: MirrorScope, limit: number): Promise<number>
  progress(companyId: string): Promise<MirrorProgress>
  userFact(user: CrmUser, options: { askedAt: Date; knownLocationIds: readonly string[]; firstReadLocationIds: ReadonlySet<string> }): UserFact
}

/** Rows of the last phase are confirmed one by one before anything is taken away; this many per call. */
const confirmBatch = 50

/** Records written at once: rows of a page are independent of each other. */
const writesAtOnce = 20

async function inParallel<T>(rows: readonly T[], write: (row: T) => Promise<void>): Promise<void> {
  for (let start = 0; start < rows.length; start += writesAtOnce) await Promise.all(rows.slice(start, start + writesAtOnce).map(write))
}

export function createMirror(models: AccountModels, facts: AccountFactsWriter, deps: AccountsDeps): Mirror {
  const { accounts, users, mirrors } = models
  const { clock, gateway, logger, pageSize = 100 } = deps
  const leases = createLeaseRunner(deps.connection, clock)

  function userFact(user: CrmUser, { askedAt, knownLocationIds, firstReadLocationIds }: { askedAt: Date; knownLocationIds: readonly string[]; firstReadLocationIds: ReadonlySet<string> }): UserFact {
    return {
      order: factOrder(askedAt, 'mirror', ''),
      at: askedAt,
      says: user.deleted ? 'deleted' : user.type === 'agency' ? 'staff' : 'present',
      locationIds: user.locationIds.filter((locationId) => knownLocationIds.includes(locationId)),
      completeList: true,
      created: false,
      firstReadLocationIds,
      details: { name: user.name === '' ? displayName(user.firstName, user.lastName, user.email) : user.name, firstName: user.firstName, lastName: user.lastName, email: user.email, phone: user.phone, role: user.role },
    }
  }

  /** Stores one page of users. A page read twice changes nothing. */
  async function storeUsers(companyId: string, page: readonly CrmUser[], askedAt: Date, runId: string | undefined, alsoIn: string[] = []): Promise<void> {
    const wanted = [...new Set([...alsoIn, ...page.flatMap((user) => user.locationIds)])]
    const known = await accounts.find({ companyId, locationId: { $in: wanted }, state: { $ne: 'moved' } }, { locationId: 1, mirroredAt: 1 }).lean()
    const knownLocationIds = known.map((account) => account.locationId)
    const firstReadLocationIds = new Set(known.filter((account) => account.mirroredAt === null).map((account) => account.locationId))
    await inParallel(page, async (user) => {
      const located = user.type === 'account' && user.locationIds.length === 0 ? { ...user, locationIds: alsoIn } : user
      await facts.applyUserFact(companyId, user.id, userFact(located, { askedAt, knownLocationIds, firstReadLocationIds }), {
        recount: false,
        ...(runId === undefined ? {} : { seenRun: runId }),
      })
    })
    if (runId === undefined) await facts.recount(companyId, knownLocationIds)
  }

  async function storeInstalled(companyId: string, page: readonly { id: string; name: string }[], askedAt: Date, runId: string): Promise<void> {
    const known = await accounts.find({ companyId, locationId: { $in: page.map((location) => location.id) } }).lean()
    const unchanged = known.filter((account) => account.state === 'active' && page.some((location) => location.id === account.locationId && location.name === account.name))
    await accounts.updateMany(
      { companyId, locationId: { $in: unchanged.map((account) => account.locationId) } },
      { $max: { installedAt: askedAt, ownedAt: askedAt }, $set: { seenRun: runId, installed: true } },
    )
    const settled = new Set(unchanged.map((account) => account.locationId))
    await inParallel(page.filter((location) => !settled.has(location.id)), (location) =>
      facts.applyToAccount(companyId, location.id, {
        facts: { installedAt: askedAt, ownedAt: askedAt }, details: { name: location.name }, order: factOrder(askedAt, 'mirror', ''), create: true, seenRun: runId,
      }))
  }

  async function storeDetails(companyId: string, page: readonly CrmLocation[], askedAt: Date, runId: string): Promise<void> {
    const known = await accounts.find({ companyId, locationId: { $in: page.map((location) => location.id) } }).lean()
    await inParallel(known, async (account) => {
      const location = page.find((candidate) => candidate.id === account.locationId)
      if (location === undefined) return
      const elsewhere = location.companyId !== null && location.companyId !== companyId
      const unchanged = account.name === location.name && account.email === location.email && account.timezone === location.timezone && (account.installed || account.seenRun === runId)
      if (unchanged && !elsewhere) return
      await facts.applyToAccount(companyId, account.locationId, {
        facts: elsewhere ? { movedAt: askedAt } : {},
        details: { name: location.name, email: location.email, timezone: location.timezone },
        order: factOrder(askedAt, 'mirror', ''),
        create: false,
        // An account that HighLevel never called installed is seen here; an installed one must be in the list of installed.
        ...(account.installed ? {} : { seenRun: runId }),
      })
    })
  }

  async function advance(state: MirrorRecord, to: Partial<Pick<MirrorRecord, 'phase' | 'skip'>>, lease: HeldLease): Promise<MirrorRecord> {
    const { companyId } = state
    if (!(await lease.renew())) throw new Error('Another process took over the mirror of this agency')
    const next = {
      ...to,
      accountsMirrored: await accounts.countDocuments({ companyId, state: 'active' }),
      usersMirrored: await users.countDocuments({ companyId, staff: false, gone: false }),
    }
    await mirrors.updateOne({ _id: companyId, runId: state.runId }, { $set: next })
    return { ...state, ...next }
  }

  /** Reads one list from where it stopped to its end; `read` stores a page and says how long it was. */
  async function readList(start: MirrorRecord, next: MirrorRecord['phase'], lease: HeldLease, read: (skip: number) => Promise<{ rows: number; total: number | null }>): Promise<MirrorRecord> {
    let state = start
    for (;;) {
      const { rows, total } = await read(state.skip)
      const skip = state.skip + rows
      if (rows === 0 || rows < pageSize || (total !== null && total > 0 && skip >= total)) return advance(state, { phase: next, skip: 0 }, lease)
      state = await advance(state, { skip }, lease)
    }
  }

  async function agencyPhases(state: MirrorRecord, lease: HeldLease): Promise<MirrorRecord> {
    const { companyId, runId } = state
    const api = gateway.company(companyId, 'bulk')
    let at = state
    if (at.phase === 'installed') {
      at = await readList(at, 'details', lease, async (skip) => {
        const askedAt = clock.now()
        const { locations, total } = await api.listInstalledLocations({ skip, limit: pageSize })
        await storeInstalled(companyId, locations, askedAt, runId)
        return { rows: locations.length, total }
      })
    }
    if (at.phase === 'details') {
      at = await readList(at, 'users', lease, async (skip) => {
        const askedAt = clock.now()
        const { locations } = await api.searchLocations({ skip, limit: pageSize })
        await storeDetails(companyId, locations, askedAt, runId)
        return { rows: locations.length, total: null }
      })
    }
    if (at.phase === 'users') {
      at = await readList(at, 'sweep', lease, async (skip) => {
        const askedAt = clock.now()
        const page = await api.searchUsers({ skip, limit: pageSize })
        await storeUsers(companyId, page.users, askedAt, runId)
        return { rows: page.users.length, total: page.total }
      })
    }
    return at
  }

  async function locationPhases(state: MirrorRecord, locationIds: string[], lease: HeldLease): Promise<MirrorRecord> {
    const { companyId, runId } = state
    let at = state.phase === 'sweep' ? state : { ...state, phase: 'installed' as const }
    for (const locationId of at.phase === 'sweep' ? [] : locationIds.slice(at.skip)) {
      const api = gateway.location(companyId, locationId, 'bulk')
      const askedAt = clock.now()
      const location = await api.getLocation()
      await facts.applyToAccount(companyId, locationId, {
        facts: { installedAt: askedAt, ownedAt: askedAt }, details: location, order: factOrder(askedAt, 'mirror', ''), create: true, seenRun: runId,
      })
      await readUsersOf(companyId, locationId, (skip) => api.searchUsers({ skip, limit: pageSize }), runId)
      at = await advance(at, { phase: 'installed', skip: at.skip + 1 }, lease)
    }
    return advance(at, { phase: 'sweep', skip: 0 }, lease)
  }

  async function readUsersOf(companyId: string, locationId: string, search: (skip: number) => Promise<{ users: CrmUser[]; total: number }>, runId: string | undefined): Promise<void> {
    for (let skip = 0; ; ) {
      const askedAt = clock.now()
      const page = await search(skip)
      await storeUsers(companyId, page.users, askedAt, runId, [locationId])
      skip += page.users.length
      if (page.users.length === 0 || skip >= page.total) return
    }
  }

  /** Accounts that no list named any more. Each is asked for by itself before it is taken for gone: lists shift while they are paged. */
  async function sweepAccounts(companyId: string, runId: string, lease: HeldLease): Promise<void> {
    const unseen = await accounts.find({ companyId, state: 'active', seenRun: { $ne: runId } }, { locationId: 1 }).lean()
    for (const { locationId } of unseen) {
      const askedAt = clock.now()
      try {
        const location = await gateway.location(companyId, locationId, 'bulk').getLocation()
        const elsewhere = location.companyId !== null && location.companyId !== companyId
        await facts.applyToAccount(companyId, locationId, { facts: elsewhere ? { movedAt: askedAt } : {}, order: '', create: false, seenRun: runId })
      } catch (error) {
        if (!(error instanceof PermanentError)) throw error
        logger.info({ companyId, locationId, code: error.code }, 'account is gone from HighLevel')
        await facts.applyToAccount(companyId, locationId, { facts: { uninstalledAt: askedAt }, order: '', create: false, seenRun: runId })
      }
      await lease.renew()
    }
  }

  /** Users that the list did not name: asked for by id, and deleted only if HighLevel does not know them. */
  async function sweepUsers(companyId: string, runId: string, lease: HeldLease): Promise<void> {
    const seenCustomers = await users.countDocuments({ companyId, seenRun: runId, staff: false, gone: false })
    const unseen = await users.find({ companyId, gone: false, seenRun: { $ne: runId } }, { userId: 1 }).lean()
    if (seenCustomers === 0 && unseen.length > 0) {
      logger.warn({ companyId, unseen: unseen.length }, 'the list of users named no customer at all; nobody is taken for deleted')
      return
    }
    for (let start = 0; start < unseen.length; start += confirmBatch) {
      const batch = unseen.slice(start, start + confirmBatch).map((user) => user.userId)
      const askedAt = clock.now()
      const found = (await gateway.company(companyId, 'bulk').searchUsers({ ids: batch, limit: confirmBatch })).users
      await storeUsers(companyId, found, askedAt, runId)
      for (const userId of batch.filter((id) => !found.some((user) => user.id === id))) {
        await facts.applyUserFact(companyId, userId, {
          order: factOrder(askedAt, 'mirror', ''), at: askedAt, says: 'deleted', locationIds: [], completeList: false, created: false, firstReadLocationIds: new Set(), details: null,
        })
      }
      await lease.renew()
    }
  }

  /** One grouping over all users instead of one count per account. */
  async function recountAll(companyId: string): Promise<void> {
    const counted = await users.aggregate<{ _id: string; count: number }>([
      { $match: { companyId, gone: false, staff: false } },
      { $unwind: '$presentIn' },
      { $group: { _id: '$presentIn', count: { $sum: 1 } } },
    ])
    const counts = new Map(counted.map(({ _id, count }) => [_id, count]))
    const stored = await accounts.find({ companyId }, { locationId: 1, users: 1 }).lean()
    for (const account of stored) {
      const count = counts.get(account.locationId) ?? 0
      if (count !== account.users) await accounts.updateOne({ _id: account._id }, { $set: { users: count } })
    }
  }

  async function finish(state: MirrorRecord, scope: MirrorScope, lease: HeldLease): Promise<void> {
    const { companyId, runId } = state
    await sweepAccounts(companyId, runId, lease)
    if (scope.kind === 'agency') await sweepUsers(companyId, runId, lease)
    await recountAll(companyId)
    const seen = { companyId, seenRun: runId, state: 'active' as const, mirroredAt: null }
    const nowAt = clock.now()
    // Where the agency-wide list named nobody, the account itself is asked once more (`runPending`).
    if (scope.kind === 'agency') await accounts.updateMany({ ...seen, users: 0, mirrorWantedAt: null }, { $set: { mirrorWantedAt: nowAt } })
    await accounts.updateMany(scope.kind === 'agency' ? { ...seen, users: { $gt: 0 } } : seen, { $set: { mirroredAt: nowAt, mirrorWantedAt: null } })
    const { firstDoneAt } = state
    await advance(state, { phase: 'done', skip: 0 }, lease)
    await mirrors.updateOne({ _id: companyId, runId }, { $set: { doneAt: nowAt, firstDoneAt: firstDoneAt ?? nowAt } })
  }

  async function resumeOrBegin(companyId: string): Promise<MirrorRecord> {
    const stored = await mirrors.findOne({ _id: companyId }).lean()
    if (stored !== null && stored.phase !== 'done') return stored
    const run = { companyId, runId: newToken(), phase: 'installed' as const, skip: 0, startedAt: clock.now() }
    const fresh = { firstDoneAt: null, doneAt: null, accountsMirrored: 0, usersMirrored: 0 }
    await mirrors.updateOne({ _id: companyId }, stored === null ? { $set: { ...fresh, ...run } } : { $set: run }, { upsert: true })
    return { _id: companyId, ...fresh, ...stored, ...run }
  }

  return {
    userFact,
    async run(companyId, scope) {
      const outcome = await leases.tryRun(`mirror:${companyId}`, async (lease) => {
        const begun = await resumeOrBegin(companyId)
        const read = scope.kind === 'agency' ? await agencyPhases(begun, lease) : await locationPhases(begun, scope.locationIds, lease)
        await finish(read, scope, lease)
      })
      return outcome.kind === 'busy' ? 'busy' : 'done'
    },
    async runPending(companyId, scope, limit) {
      const waiting = { companyId, state: 'active' as const, mirrorWantedAt: { $ne: null } }
      const batch: Pick<AccountRecord, 'locationId' | 'timezone' | 'mirrorWantedAt'>[] = await accounts.find(waiting, { locationId: 1, timezone: 1, mirrorWantedAt: 1 }).sort({ mirrorWantedAt: 1 }).limit(limit).lean()
      for (const { locationId, timezone, mirrorWantedAt } of batch) {
        const company = gateway.company(companyId, 'bulk')
        const location = gateway.location(companyId, locationId, 'bulk')
        await readUsersOf(companyId, locationId, (skip) => (scope.kind === 'agency' ? company.searchUsers({ locationId, skip, limit: pageSize }) : location.searchUsers({ skip, limit: pageSize })), undefined)
        if (timezone === null) await readDetailsOf(companyId, locationId)
        await accounts.updateOne({ _id: accountKey(companyId, locationId), mirroredAt: null }, { $set: { mirroredAt: clock.now() } })
        await accounts.updateOne({ _id: accountKey(companyId, locationId), mirrorWantedAt }, { $set: { mirrorWantedAt: null } })
      }
      const totals = { accountsMirrored: await accounts.countDocuments({ companyId, state: 'active' }), usersMirrored: await users.countDocuments({ companyId, staff: false, gone: false }) }
      await mirrors.updateOne({ _id: companyId }, { $set: totals })
      return accounts.countDocuments(waiting)
    },
    async progress(companyId) {
      const state = await mirrors.findOne({ _id: companyId }).lean()
      if (state === null) return { accountsMirrored: 0, usersMirrored: 0, running: false, firstDoneAt: null }
      return { accountsMirrored: state.accountsMirrored, usersMirrored: state.usersMirrored, running: state.phase !== 'done', firstDoneAt: state.firstDoneAt }
    },
  }

  async function readDetailsOf(companyId: string, locationId: string): Promise<void> {
    const askedAt = clock.now()
    try {
      const details = await gateway.location(companyId, locationId, 'bulk').getLocation()
      await facts.applyToAccount(companyId, locationId, { facts: {}, details, order: factOrder(askedAt, 'mirror', ''), create: false })
    } catch (error) {
      // The users are known; the zone comes with the nightly reading.
      if (!(error instanceof PermanentError)) throw error
      logger.info({ companyId, locationId, code: error.code }, 'sub-account details could not be read')
    }
  }
}
