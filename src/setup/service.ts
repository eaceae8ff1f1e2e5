import { backoffMs } from '../kernel/backoff.ts'
import { dayMs, hourMs, minuteMs, secondMs } from '../kernel/clock.ts'
import { describeError, notFound, PermanentError, RequestError, retryVerdictOf } from '../kernel/errors.ts'
import type { ResourceMap } from '../effects/index.ts'
import type { AgencySettings } from '../http/contract/settings.ts'
import type { SetupCheckItem, SetupView } from '../http/contract/setup.ts'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import { createLeaseRunner } from '../store/run-leased.ts'
import { accountsItem, installationItem, notChosenItem, resourceItems, withoutMissing, type LiveResources } from './checks.ts'
import { setupModel, type SetupRecord } from './model.ts'
import { provision } from './provision.ts'
import { isWhole, resourceMapOf } from './rules.ts'
import { createSharedLook } from './shared-look.ts'
import type { Setup, SetupDeps } from './types.ts'

const cacheMs = 1_000
const maxCached = 2_000
/** A look at the success location costs several calls; people reload and several look at once. */
const lookMs = 5 * secondMs

type Look = { kind: 'read'; resources: LiveResources } | { kind: 'failed'; item: SetupCheckItem }
const checkEveryMs = dayMs
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
  async function run(companyId: string, renew: () => Promise<boolean>): Promise<void> {
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
        rememberField: (key, memory) => remember(`fields.${key}`, memory),
        rememberPipeline: (key, memory) => remember(`pipelines.${key}`, memory),
      },
      stillOurs,
    )
    const after = await read(companyId)
    if (after === null || after.locationId !== locationId) return
    const whole = isWhole(resourceMapOf(after)) && problems.length === 0
    if (whole && record.completedAt === null) await append(after, 'setup.completed', locationId, 'Fields, tags and pipelines are in place.')
    if (whole && record.completedAt !== null && record.status === 'incomplete') await append(after, 'setup.repaired', String(after.version), 'What was missing in the success location is in place again.')
    await save(companyId, {
      status: whole ? 'ready' : 'incomplete', problems, dueAt: null, attempts: 0, checkedAt: clock.now(), ...(whole && record.completedAt === null ? { completedAt: clock.now() } : {}),
    })
    logger.info({ companyId, locationId, problems: problems.map((problem) => problem.key) }, whole ? 'set-up is complete' : 'set-up needs a person')
    // Also after an incomplete run: a part that became usable lets the work that needs only it go on.
    await deps.onReady?.(companyId)
  }

  /** @returns the failure, if it did not go through; it goes on by itself then */
  async function attempt(companyId: string): Promise<{ code: string; message: string } | null> {
    try {
      await leases.tryRun(`setup:${companyId}`, (lease) => run(companyId, () => lease.renew()))
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
      await save(companyId, { dueAt: new Date(clock.nowMs() + waitMs), attempts })
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
      const fix = error instanceof PermanentError ? 'Check that the app is still installed in the success location, or choose another one.' : 'Nothing: it is tried again by itself. Reload this page in a minute.'
      return { kind: 'failed', item: { key: 'location_access', ok: false, detail: `The success location could not be read (${code}): ${message}`, fix } }
    }
  }

  /** Drift makes the work wait that needs what is gone, and is told once. */
  async function noteDrift(record: SetupRecord, resources: LiveResources, items: SetupCheckItem[]): Promise<void> {
    const { companyId } = record
    const missing = withoutMissing(record, resources)
    const broken = items.filter((item) => !item.ok)
    if (broken.length > 0 && record.status === 'ready') {
      await append(record, 'setup.drift_found', String(record.version), `Something in the success location changed: ${broken.map((item) => item.detail).join(' ')}`)
      await save(companyId, { status: 'incomplete', checkedAt: clock.now(), ...(missing ?? {}) })
    } else await save(companyId, { checkedAt: clock.now(), ...(missing ?? {}) })
  }

  /** A look at the success location that others share, while the record is what it was made against. Whoever looks notes drift, once. */
  async function sharedLook(record: SetupRecord, agencySettings: AgencySettings, fresh: boolean): Promise<Look> {
    const { companyId, locationId, status, problems, fields, pipelines } = record
    return looks.take(companyId, JSON.stringify([locationId, status, problems, fields, pipelines]), fresh, async () => {
      const seen = await live(record)
      if (seen.kind === 'read' && status !== 'provisioning') await noteDrift(record, seen.resources, resourceItems(record, seen.resources, agencySettings))
      return seen
    })
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
    const chosen = { companyId, locationId, status: 'provisioning', chosenBy: userId, chosenAt: clock.now(), dueAt: clock.now(), attempts: 0 }
    const fresh = { fields: {}, pipelines: {}, problems: [], completedAt: null, checkedAt: null }
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
      const record = await read(companyId)
      if (record === null) return null
      if (record.status !== 'provisioning') {
        looks.drop(companyId)
        const resources = await readLive(record)
        await noteDrift(record, resources, resourceItems(record, resources, await settings.get(companyId)))
      }
      const after = await read(companyId)
      return after === null ? null : resourceMapOf(after)
    },
    async resumeDue(limit) {
      const due = await model.find({ dueAt: { $lte: clock.now(), $ne: null } }).sort({ dueAt: 1 }).limit(limit).lean()
      for (const { companyId } of due) {
        if (await installations.isLive(companyId)) await attempt(companyId)
        // Goes on at the latest an hour after the installation is live again; a repair starts it at once.
        else await model.updateOne({ _id: companyId }, { $set: { dueAt: new Date(clock.nowMs() + hourMs) } })
      }
      return due.length
    },
    async checkDue(limit) {
      const due = await model.find({ status: { $ne: 'provisioning' }, checkedAt: { $lte: new Date(clock.nowMs() - checkEveryMs) } }).sort({ checkedAt: 1 }).limit(limit).lean()
      for (const { companyId } of due) {
        if (await installations.isLive(companyId)) await check(companyId)
        // Whatever came of it, the next look is tomorrow.
        await model.updateOne({ _id: companyId }, { $set: { checkedAt: clock.now() } })
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
