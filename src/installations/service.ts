import { dayMs } from '../kernel/clock.ts'
import { describeError, notFound, PermanentError } from '../kernel/errors.ts'
import { createCallback } from './callback.ts'
import { createCompletion } from './completion.ts'
import { installationModels } from './model.ts'
import { createOauthState } from './oauth-state.ts'
import { createInstallationRecords } from './records.ts'
import type { InstallEvent, Installations, InstallationsDeps, PurgeFunction } from './types.ts'

/** Used where the app's own install link is not configured. */
const chooseLocationUrl = 'https://marketplace.gohighlevel.com/v2/oauth/chooselocation'
const parkedForMs = 7 * dayMs
const liveCacheMs = 5_000
/** How long work may go on after another process ended or lost the connection; its tokens are gone at once. */
const activeCacheMs = 1_000
const domainCacheMs = 30_000
const maxCached = 10_000

export function createInstallations(deps: InstallationsDeps): Installations {
  const { clock, gateway, accounts, logger, oauth } = deps
  const models = installationModels(deps.connection)
  const { installations, parked } = models
  const records = createInstallationRecords(models, deps)
  const state = createOauthState(deps.box, clock)
  const completion = createCompletion(models, records, deps)
  const purges = new Map<string, PurgeFunction>()
  /** Only "live" is remembered: forgetting that somebody came back would lose their events. */
  const liveUntil = new Map<string, number>()
  /** Connections that were active a moment ago; what this process changes is forgotten at once. */
  const activeUntil = new Map<string, number>()
  let domains: { list: string[]; until: number } | null = null

  let started = false
  let running: Promise<void> | null = null
  let again = false

  function kick(): void {
    if (!started) return
    if (running !== null) {
      again = true
      return
    }
    running = completion
      .completeDue(10)
      .then(() => undefined)
      .catch((error: unknown) => {
        logger.error({ ...describeError(error) }, 'completing installations failed; the clock tries again')
      })
      .finally(() => {
        running = null
        if (again) {
          again = false
          kick()
        }
      })
  }

  async function becameLive(companyId: string): Promise<void> {
    liveUntil.clear()
    activeUntil.clear()
    domains = null
    kick()
    await deps.onLive?.(companyId)
  }

  const handleCallback = createCallback(models, records, state, deps, becameLive)

  const detailsOf = (event: InstallEvent) => ({
    companyName: event.companyName ?? null, whitelabelDomain: event.whitelabelDomain ?? null, planId: event.planId ?? null, versionId: event.versionId ?? null,
  })
  const orderOf = (event: { at: Date; eventId: string }): string => `${event.at.toISOString()}|${event.eventId}`

  async function statusOf(companyId: string): Promise<'live' | 'unknown' | 'uninstalled'> {
    const record = await installations.findOne({ _id: companyId }, { status: 1 }).lean()
    if (record === null) return 'unknown'
    return record.status === 'uninstalled' ? 'uninstalled' : 'live'
  }

  const companyOf: Installations['companyOf'] = async (locationId) => {
    const companyId = await accounts.companyOf(locationId)
    if (companyId !== null) return companyId
    return (await installations.findOne({ locationIds: locationId }, { companyId: 1 }).lean())?.companyId ?? null
  }

  async function installLocation(companyId: string, locationId: string, event: InstallEvent): Promise<void> {
    await accounts.applyInstallFact({ companyId, locationId, installed: true, at: event.at, eventId: event.eventId })
    const record = await records.read(companyId)
    if (record?.status === 'active') {
      await records.wantCompletion(companyId)
      kick()
    }
    await deps.onInstalled?.(companyId, locationId)
  }

  async function uninstallCompany(companyId: string, at: Date): Promise<void> {
    await records.exclusively(companyId, async () => {
      const record = await records.apply(companyId, { uninstalledAt: at })
      liveUntil.clear()
      activeUntil.clear()
      domains = null
      // An UNINSTALL older than the newest authorization changed nothing; then the tokens are those of the new one.
      if (record.status === 'uninstalled') await gateway.purgeTokens(companyId)
    })
  }

  const handleInstall: Installations['handleInstall'] = async (event) => {
    const companyId = event.companyId ?? (event.locationId === null ? null : await companyOf(event.locationId))
    if (companyId === null) {
      if (event.locationId === null) {
        logger.warn({ eventId: event.eventId }, 'an INSTALL that names neither agency nor sub-account is ignored')
        return
      }
      const nowAt = clock.now()
      await parked.updateOne(
        { _id: event.locationId },
        { $max: { at: event.at }, $set: { locationId: event.locationId, eventId: event.eventId, dueAt: nowAt, expireAt: new Date(nowAt.getTime() + parkedForMs) }, $setOnInsert: { attempts: 0 } },
        { upsert: true },
      )
      kick()
      return
    }
    // A sub-account's INSTALL says nothing new about an agency that is there already.
    const known = event.locationId === null ? null : await installations.findOne({ _id: companyId, status: { $in: ['active', 'needs_reconnect'] } }, { kind: 1 }).lean()
    if (known === null) await records.apply(companyId, { installedAt: event.at })
    await records.takeDetails(companyId, orderOf(event), detailsOf(event))
    if (event.locationId !== null) await installLocation(companyId, event.locationId, event)
  }

  return {
    installUrl() {
      const url = new URL(oauth.installUrl ?? chooseLocationUrl)
      if (oauth.installUrl === undefined) {
        url.searchParams.set('response_type', 'code')
        url.searchParams.set('redirect_uri', oauth.redirectUri)
        url.searchParams.set('client_id', oauth.clientId)
        url.searchParams.set('scope', oauth.scopes.join(' '))
      }
      url.searchParams.set('state', state.issue())
      return url.toString()
    },
    handleCallback,

    handleInstall,
    async handleUninstall(event) {
      const companyId = event.companyId ?? (event.locationId === null ? null : await companyOf(event.locationId))
      if (companyId === null) {
        if (event.locationId !== null) await parked.deleteOne({ _id: event.locationId, at: { $lte: event.at } })
        logger.info({ eventId: event.eventId, locationId: event.locationId }, 'an UNINSTALL of somebody unknown is ignored')
        return
      }
      if (event.locationId === null) {
        await uninstallCompany(companyId, event.at)
        return
      }
      const { locationId } = event
      await accounts.applyInstallFact({ companyId, locationId, installed: false, at: event.at, eventId: event.eventId })
      const account = await accounts.get(companyId, locationId)
      if (account !== null && account.removedAt === null) return
      await records.exclusively(companyId, () => gateway.purgeTokens(companyId, locationId))
      const record = await installations.findOneAndUpdate({ _id: companyId }, { $pull: { locationIds: locationId } }, { returnDocument: 'after' }).lean()
      if (record?.kind === 'location' && record.locationIds.length === 0) await uninstallCompany(companyId, event.at)
    },
    async handleUpdate(event) {
      const companyId = event.companyId ?? (event.locationId === null ? null : await companyOf(event.locationId))
      if (companyId === null || (await records.read(companyId)) === null) return
      await records.takeDetails(companyId, orderOf(event), detailsOf(event))
      domains = null
    },
    async handlePlanChange(event) {
      const companyId = event.companyId ?? (event.locationId === null ? null : await companyOf(event.locationId))
      if (companyId === null || (await records.read(companyId)) === null) return
      await records.takeDetails(companyId, orderOf(event), { planId: event.newPlanId })
    },

    async get(companyId) {
      const record = await records.read(companyId)
      if (record === null) return null
      const { kind, status, companyName, whitelabelDomain, planId, installedAt, purgeAfter } = record
      return { companyId, kind, status, companyName, whitelabelDomain, planId, installedAt, purgeAfter }
    },
    async isLive(companyId) {
      if ((activeUntil.get(companyId) ?? 0) > clock.nowMs()) return true
      const active = (await installations.findOne({ _id: companyId, status: 'active' }, { _id: 1 }).lean()) !== null
      if (active) {
        if (activeUntil.size >= maxCached) activeUntil.clear()
        activeUntil.set(companyId, clock.nowMs() + activeCacheMs)
      }
      return active
    },
    async lookup(companyId, locationId) {
      const key = `${companyId ?? ''}:${locationId ?? ''}`
      if ((liveUntil.get(key) ?? 0) > clock.nowMs()) return 'live'
      const named = companyId === null ? 'unknown' : await statusOf(companyId)
      // A sub-account may be ours under another agency than the event names: it moved, and its old agency must hear of it.
      const owner = named === 'live' || locationId === null ? null : await companyOf(locationId)
      const status = owner === null || (owner === companyId && named !== 'unknown') ? named : await statusOf(owner)
      if (status === 'live') {
        if (liveUntil.size >= maxCached) liveUntil.clear()
        liveUntil.set(key, clock.nowMs() + liveCacheMs)
      }
      return status
    },
    companyOf,
    async whitelabelDomains() {
      if (domains !== null && domains.until > clock.nowMs()) return domains.list
      const found = await installations.distinct('whitelabelDomain', { status: { $ne: 'uninstalled' } })
      const list = found.filter((domain): domain is string => typeof domain === 'string' && domain !== '')
      domains = { list, until: clock.nowMs() + domainCacheMs }
      return list
    },
    async markNeedsReconnect(companyId) {
      if ((await records.read(companyId)) === null) return
      await records.apply(companyId, { reconnectAt: clock.now() })
      activeUntil.clear()
    },
    async disconnect(companyId, byUserId) {
      const record = await records.read(companyId)
      if (record === null || record.status === 'uninstalled') throw notFound('installation')
      try {
        await gateway.company(companyId, 'interactive').uninstall('Disconnected by the agency')
      } catch (error) {
        // HighLevel no longer knows the installation, or refuses us for good: ours ends all the same.
        if (!(error instanceof PermanentError)) throw error
        logger.warn({ companyId, code: error.code }, 'the app could not be removed on the other side')
      }
      logger.info({ companyId, byUserId }, 'disconnected')
      await uninstallCompany(companyId, clock.now())
    },

    completeDue: (limit) => completion.completeDue(limit),
    reconcileDue: (limit) => completion.reconcileDue(limit),
    async sweepRetention(limit) {
      const due = await installations.find({ status: 'uninstalled', purgeAfter: { $lte: clock.now(), $ne: null } }).sort({ purgeAfter: 1 }).limit(limit).lean()
      for (const { companyId } of due) {
        await records.exclusively(companyId, async () => {
          const record = await records.read(companyId)
          if (record === null || record.status !== 'uninstalled') return
          for (const purge of purges.values()) await purge(companyId)
          await accounts.purge(companyId)
          await gateway.purgeTokens(companyId)
          // Last, so that an interrupted deletion is found and finished.
          await installations.deleteOne({ _id: companyId, status: 'uninstalled' })
        })
        logger.info({ companyId, features: [...purges.keys()] }, 'retention ended; the agency\'s data is deleted')
      }
      return due.length
    },
    onPurge(name, purge) {
      if (purges.has(name)) throw new Error(`The purge function ${name} is registered twice`)
      purges.set(name, purge)
    },
    start() {
      started = true
      kick()
    },
    async stop() {
      started = false
      again = false
      if (running !== null) await running
    },
  }
}
