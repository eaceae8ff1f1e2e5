import { isDeepStrictEqual } from 'node:util'
import { backoffMs } from '../kernel/backoff.ts'
import { hourMs, minuteMs, secondMs } from '../kernel/clock.ts'
import { describeError, notFound, PermanentError, RequestError, RetryAfterError, retryVerdictOf } from '../kernel/errors.ts'
import type { ResourceMap } from '../effects/index.ts'
import type { AgencySettings } from '../http/contract/settings.ts'
import type { SetupCheckItem, SetupView } from '../http/contract/setup.ts'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import { createLeaseRunner } from '../store/run-leased.ts'
import { accessKey, accountsItem, installationItem, isMendable, notChosenItem, resourceItems, withoutMissing, type LiveResources } from './checks.ts'
import { setupModel, type RepairScope, type SetupRecord } from './model.ts'
import { provision } from './provision.ts'
import { isWhole, resourceMapOf } from './rules.ts'
import { createSharedLook } from './shared-look.ts'
import type { Setup, SetupDeps } from './types.ts'

const cacheMs = 1_000
const maxCached = 2_000
/** A look at the success location costs several calls; people reload and several look at once. */
const lookMs = 5 * secondMs

/** `refused`: not a failure that passes; HighLevel does not let us in. */
type Look = { kind: 'read'; resources: LiveResources } | { kind: 'failed'; item: SetupCheckItem; refused: boolean; error: unknown }
/** How often everybody's set-up is compared with HighLevel, at three calls each; and where something is wrong that a person may have mended. */
const checkEveryMs = hourMs
const checkBrokenEveryMs = 10 * minuteMs
const checkedAtOnce = 5
const maxLooks = 3
const agency = { id: null, name: null }

export function createSetup(deps: SetupDeps): Setup {
  const { clock, gateway, accounts, installations, settings, events, logger } = deps
  const model = setupModel(deps.connection)
  const leases = createLeaseRunner(deps.connection, clock)
  const cache = new Map<string, { map: ResourceMap | null; until: number }>()

  const looks = createSharedLook<Look>({ clock, validMs: lookMs, most: maxCached, keep: (seen) => seen.kind === 'read' })

  const read = (companyId: string): Promise<SetupRecord | null> => model.findOne({ _id: companyId }).lean()

  async function save(companyId: string, set: Record<string, unknown>): Promise<void> {
    await model.updateOne({ _id: companyId }, { $set: set, $inc: { version: 1 } })
    cache.delete(companyId)
  }

  async function append(record: SetupRecord, type: 'setup.completed' | 'setup.drift_found' | 'setup.repaired', distinguishing: string, summary: string): Promise<void> {
    const { companyId, locationId } = record
    await events.append({
      key: `${type}:${companyId}:${distinguishing}`, companyId, locationId: null, userId: null, type, at: clock.now(), actor: { kind: 'system', ...agency }, source: 'install', summary,
      data: { successLocationId: locationId },
    })
  }

  /** Holds the lease all through, so that nothing is made twice; every id is stored the moment it is known. */
  async function run(companyId: string, scope: RepairScope, renew: () => Promise<boolean>): Promise<void> {
    const record = await read(companyId)
    if (record === null) return
    const { locationId } = record
    const stillOurs = async (): Promise<void> => {
      if (!(await renew())) throw new Error('Another process took over the set-up of this agency')
    }
    /** Another success location may be chosen meanwhile: ids of this one are not for its record. */
    const remember = async (path: string, memory: unknown): Promise<void> => {
      await model.updateOne({ _id: companyId, locationId }, { $set: { [path]: memory }, $inc: { version: 1 } })
      cache.delete(companyId)
    }
    const problems = await provision(
      {
        api: gateway.location(companyId, locationId, 'interactive'),
        record,
        settings: await settings.get(companyId),
        scope,
        rememberField: (key, memory) => remember(`fields.${key}`, memory),
        rememberPipeline: (key, memory) => remember(`pipelines.${key}`, memory),
        tagsMissing: async (tags) => deps.onTagsMissing?.(companyId, tags),
      },
      stillOurs,
    )
    const after = await read(companyId)
    if (after === null || after.locationId !== locationId) return
    const whole = isWhole(resourceMapOf(after)) && problems.length === 0
    if (whole && record.completedAt === null) await append(after, 'setup.completed', locationId, 'Fields, tags and pipelines are in place.')
    if (whole && record.completedAt !== null && record.status === 'incomplete') await append(after, 'setup.repaired', String(after.version), 'What was missing in the success location is in place again.')
    await save(companyId, {
      status: whole ? 'ready' : 'incomplete', problems, ...(whole ? { drift: [] } : {}), dueAt: null, dueScope: null, attempts: 0, checkedAt: clock.now(), ...(whole && record.completedAt === null ? { completedAt: clock.now() } : {}),
    })
    logger.info({ companyId, locationId, problems: problems.map((problem) => problem.key) }, whole ? 'set-up is complete' : 'set-up needs a person')
    // Also after an incomplete run: a part that became usable lets the work that needs only it go on.
    await deps.onReady?.(companyId)
  }

  /** @returns the failure, if it did not go through; it goes on by itself then */
  async function attempt(companyId: string, scope: RepairScope = 'all'): Promise<{ code: string; message: string } | null> {
    try {
      await leases.tryRun(`setup:${companyId}`, (lease) => run(companyId, scope, () => lease.renew()))
      looks.drop(companyId)
      return null
    } catch (error) {
      looks.drop(companyId)
      const record = await read(companyId)
      const attempts = (record?.attempts ?? 0) + 1
      const verdict = retryVerdictOf(error)
      const waitMs = verdict.kind === 'retry_after' ? verdict.retryAfterMs : verdict.kind === 'permanent' ? hourMs : backoffMs(attempts, { baseMs: secondMs, maxMs: 5 * minuteMs })
      const failure = describeError(error)
      logger.warn({ companyId, code: failure.code, waitMs }, 'set-up was interrupted; it goes on later')
      await save(companyId, { dueAt: new Date(clock.nowMs() + waitMs), dueScope: scope, attempts })
      return failure
    }
  }

  async function readLive(record: SetupRecord): Promise<LiveResources> {
    const api = gateway.location(record.companyId, record.locationId, 'interactive')
    const [fields, tags, pipelines] = await Promise.all([api.listCustomFields(), api.listTags(), api.listPipelines()])
    return { fields, tags, pipelines }
  }

  async function live(record: SetupRecord): Promise<Look> {
    try {
      return { kind: 'read', resources: await readLive(record) }
    } catch (error) {
      const { code, message } = describeError(error)
      const refused = error instanceof PermanentError
      const fix = refused ? 'Install the app in the success location again, or choose another one; the work waits and goes there then.' : 'Nothing: it is tried again by itself. Reload this page in a minute.'
      return { kind: 'failed', item: { key: accessKey, ok: false, detail: `The success location could not be read (${code}): ${message}`, fix }, refused, error }
    }
  }

  /**
   * Drift makes the work wait that needs what is gone, is told once, and is mended where that takes nobody's decision.
   * @returns false if the record changed since it was read: what was seen is to be compared with the newer one
   */
  async function noteDrift(record: SetupRecord, seen: Look, agencySettings: AgencySettings): Promise<boolean> {
    const { companyId, version } = record
    if (seen.kind === 'failed' && !seen.refused) return true
    const items = seen.kind === 'failed' ? [seen.item] : resourceItems(record, seen.resources, agencySettings)
    const broken = items.filter((item) => !item.ok)
    const before = record.drift ?? []
    const told = new Set(record.status === 'ready' ? [] : [...before, ...record.problems.map((problem) => problem.key)])
    const news = broken.filter((item) => !told.has(item.key))
    const missing = seen.kind === 'failed' ? null : withoutMissing(record, seen.resources)
    // Also where all is well again by a person's hand: the run says so, and lets the work go on.
    const mend = seen.kind === 'read' && record.dueAt === null && (broken.length === 0 ? record.status === 'incomplete' : isMendable(record, seen.resources, agencySettings))
    const keys = broken.map((item) => item.key)
    if (news.length === 0 && missing === null && !mend && isDeepStrictEqual(keys, before)) {
      await model.updateOne({ _id: companyId }, { $set: { checkedAt: clock.now() } })
      return true
    }
    if (news.length > 0) await append(record, 'setup.drift_found', String(version), `Something in the success location changed: ${news.map((item) => item.detail).join(' ')}`)
    const set = {
      checkedAt: clock.now(), drift: keys, ...missing,
      ...(broken.length > 0 ? { status: 'incomplete' } : {}),
      ...(mend ? { dueAt: clock.now(), dueScope: 'safe', attempts: 0 } : {}),
    }
    const { matchedCount } = await model.updateOne({ _id: companyId, version }, { $set: set, $inc: { version: 1 } })
    cache.delete(companyId)
    return matchedCount === 1
  }

  /** Looks and notes drift, again if the record changed meanwhile. @returns what was seen last */
  async function lookAndNote(first: SetupRecord, agencySettings: AgencySettings): Promise<Look> {
    let record = first
    for (let tries = 0; ; tries += 1) {
      const seen = await live(record)
      if (record.status === 'provisioning' || (await noteDrift(record, seen, agencySettings)) || tries >= maxLooks) return seen
      const newer = await read(record.companyId)
      if (newer?.locationId !== record.locationId) return seen
      record = newer
    }
  }

  /** Looks that were asked for at once become one that began after the last of them asked. */
  const looking = new Map<string, { begun: boolean; seen: Promise<void> }>()

  async function again(companyId: string): Promise<void> {
    const known = looking.get(companyId)
    if (known !== undefined && !known.begun) return known.seen
    const entry = { begun: false, seen: lookOnce() }
    looking.set(companyId, entry)
    async function lookOnce(): Promise<void> {
      await Promise.allSettled([known?.seen])
      entry.begun = true
      try {
        const record = await read(companyId)
        if (record === null || record.status === 'provisioning') return
        looks.drop(companyId)
        const seen = await lookAndNote(record, await settings.get(companyId))
        if (seen.kind === 'failed' && seen.refused) throw new RetryAfterError('success_location_refused', seen.item.detail, checkBrokenEveryMs)
        if (seen.kind === 'failed') throw seen.error
      } finally {
        if (looking.get(companyId) === entry) looking.delete(companyId)
      }
    }
    return entry.seen
  }

  /** A look at the success location that others share, while the record is what it was made against. Whoever looks notes drift, once. */
  async function sharedLook(record: SetupRecord, agencySettings: AgencySettings, fresh: boolean): Promise<Look> {
    const { companyId, locationId, status, problems, fields, pipelines } = record
    return looks.take(companyId, JSON.stringify([locationId, status, problems, fields, pipelines]), fresh, () => lookAndNote(record, agencySettings))
  }

  async function check(companyId: string, { fresh }: { fresh: boolean } = { fresh: true }): Promise<SetupView> {
    const [installation, progress, record, agencySettings] = await Promise.all([installations.get(companyId), accounts.progress(companyId), read(companyId), settings.get(companyId)])
    const first = [installationItem(installation), accountsItem(progress)]
    const view = (locationId: string | null, items: SetupCheckItem[], provisioning: boolean): SetupView => ({
      ready: items.every((item) => item.ok) && !provisioning,
      locationId,
      checks: items,
      progress: { accountsMirrored: progress.accountsMirrored, usersMirrored: progress.usersMirrored, running: progress.running || provisioning },
    })
    if (record === null) return view(null, [...first, notChosenItem()], false)
    const { locationId, status } = record
    const chosen: SetupCheckItem = { key: 'success_location', ok: true, detail: 'A success location is chosen.', fix: null }
    if (installation?.status !== 'active') return view(locationId, [...first, chosen], status === 'provisioning')
    const found = await sharedLook(record, agencySettings, fresh)
    if (found.kind === 'failed') return view(locationId, [...first, chosen, found.item], status === 'provisioning')
    const items = resourceItems(record, found.resources, agencySettings)
    return view(locationId, [...first, chosen, { key: 'location_access', ok: true, detail: 'The success location can be read.', fix: null }, ...items], status === 'provisioning')
  }

  /** The sub-account must be this agency's and have the app; one that the mirror has not reached yet is asked for. */
  async function assertOurs(companyId: string, locationId: string): Promise<void> {
    const known = await accounts.get(companyId, locationId)
    if (known !== null && known.removedAt === null) return
    const owner = await accounts.companyOf(locationId)
    if (known !== null || (owner !== null && owner !== companyId)) throw notFound('account')
    const askedAt = clock.now()
    try {
      const location = await gateway.location(companyId, locationId, 'interactive').getLocation()
      if (location.companyId !== null && location.companyId !== companyId) throw notFound('account')
    } catch (error) {
      if (error instanceof PermanentError) throw notFound('account')
      throw error
    }
    await accounts.applyInstallFact({ companyId, locationId, installed: true, at: askedAt, eventId: 'success-location' })
  }

  async function begin(companyId: string, locationId: string, userId: string): Promise<void> {
    const before = await read(companyId)
    const chosen = { companyId, locationId, status: 'provisioning', chosenBy: userId, chosenAt: clock.now(), dueAt: clock.now(), dueScope: 'all', attempts: 0 }
    const fresh = { fields: {}, pipelines: {}, problems: [], drift: [], completedAt: null, checkedAt: null }
    // Another location has ids of its own; what the former one holds stays there and is matched by name if it is chosen again.
    const set = before?.locationId === locationId ? chosen : { ...chosen, ...fresh }
    try {
      await model.updateOne({ _id: companyId }, { $set: set, $inc: { version: 1 } }, { upsert: true })
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
      await model.updateOne({ _id: companyId }, { $set: set, $inc: { version: 1 } })
    }
    cache.delete(companyId)
  }

  return {
    check,
    async chooseSuccessLocation(companyId, locationId, by) {
      if (!(await installations.isLive(companyId))) throw new RequestError(409, 'not_connected', 'Finish the installation first, then choose the success location.')
      await assertOurs(companyId, locationId)
      const before = await read(companyId)
      if (before?.locationId !== locationId || before.status !== 'ready') await begin(companyId, locationId, by.userId)
      await accounts.setSuccessLocation(companyId, locationId)
      await attempt(companyId)
      return check(companyId)
    },
    async repair(companyId) {
      if ((await read(companyId)) === null) throw new RequestError(409, 'setup_not_chosen', 'Choose the success location first.')
      const failure = await attempt(companyId)
      if (failure !== null) logger.info({ companyId, code: failure.code }, 'a repair was interrupted')
      return check(companyId)
    },
    async standing(companyId) {
      const record = await read(companyId)
      if (record === null) return { chosen: false, failing: [], since: null }
      const failing = record.status === 'provisioning' ? [] : [...new Set([...record.problems.map(({ key }) => key), ...(record.drift ?? [])])]
      return { chosen: true, failing, since: record.checkedAt }
    },
    async resources(companyId) {
      const cached = cache.get(companyId)
      if (cached !== undefined && cached.until > clock.nowMs()) return cached.map
      const record = await read(companyId)
      const map = record === null ? null : resourceMapOf(record)
      if (cache.size >= maxCached) cache.clear()
      cache.set(companyId, { map, until: clock.nowMs() + cacheMs })
      return map
    },
    async lookAgain(companyId) {
      await again(companyId)
      const after = await read(companyId)
      return after === null ? null : resourceMapOf(after)
    },
    async refused(companyId) {
      const record = await read(companyId)
      // Once it is told, the regular look finds out when it is over.
      if (record === null || record.status === 'provisioning' || record.drift?.includes(accessKey) === true) return
      await sharedLook(record, await settings.get(companyId), false)
    },
    async installedAt(companyId, locationId) {
      await model.updateOne({ _id: companyId, locationId, status: 'incomplete' }, { $set: { dueAt: clock.now(), dueScope: 'safe', attempts: 0 }, $inc: { version: 1 } })
    },
    async resumeDue(limit) {
      const due = await model.find({ dueAt: { $lte: clock.now(), $ne: null } }).sort({ dueAt: 1 }).limit(limit).lean()
      for (const { companyId, dueScope } of due) {
        if (await installations.isLive(companyId)) await attempt(companyId, dueScope ?? 'all')
        // Goes on at the latest an hour after the installation is live again; a repair starts it at once.
        else await model.updateOne({ _id: companyId }, { $set: { dueAt: new Date(clock.nowMs() + hourMs) } })
      }
      return due.length
    },
    async checkDue(limit) {
      const nowMs = clock.nowMs()
      const lookedAt = (beforeMs: number) => ({ $lte: new Date(nowMs - beforeMs) })
      const due = await model.find({ $or: [{ status: 'ready', checkedAt: lookedAt(checkEveryMs) }, { status: 'incomplete', checkedAt: lookedAt(checkBrokenEveryMs) }] }).sort({ checkedAt: 1 }).limit(limit).lean()
      for (let from = 0; from < due.length; from += checkedAtOnce) {
        await Promise.all(due.slice(from, from + checkedAtOnce).map(async ({ companyId }) => {
          // Whatever comes of it, the next look is a cycle away.
          await model.updateOne({ _id: companyId }, { $set: { checkedAt: clock.now() } })
          if (await installations.isLive(companyId)) await check(companyId)
        }))
      }
      return due.length
    },
    async purge(companyId) {
      await model.deleteMany({ companyId })
      cache.delete(companyId)
      looks.drop(companyId)
    },
  }
}
