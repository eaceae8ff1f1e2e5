import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from 'mongoose'
import { minuteMs, secondMs, type Clock } from '../kernel/clock.ts'
import type { CryptoBox } from '../kernel/crypto-box.ts'
import { CodedError, PermanentError, RetryAfterError, describeError } from '../kernel/errors.ts'
import { newToken } from '../kernel/ids.ts'
import type { Logger } from '../kernel/logger.ts'
import { isDuplicateKey } from '../store/index.ts'
import type { OAuthCalls, PartialGrant } from './oauth.ts'
import { companyResource, locationIdOf, locationResource, resourceKey, type Resource } from './resource.ts'
import { tokenModel, type TokenRecord } from './token-model.ts'
import type { Priority, TokenGrant } from './types.ts'

/** An access token ready for use, with the version under which it is stored. */
export interface OpenToken {
  accessToken: string
  version: number
}

/** Keeps tokens sealed and current. One renewal at a time per resource, in all processes together. */
export interface TokenVault {
  /** @throws RetryAfterError `highlevel_needs_reconnect` when only the agency can help by installing again */
  access(resource: Resource, priority: Priority): Promise<OpenToken>
  /** A token newer than the one that HighLevel just rejected: renewed now, unless somebody did already. */
  replace(resource: Resource, rejected: OpenToken, priority: Priority): Promise<OpenToken>
  store(grant: TokenGrant): Promise<void>
  purge(companyId: string, locationId?: string): Promise<void>
  /** Renews granted tokens past 75 % of their life and seals again what an older `APP_SECRET` sealed. */
  renewDue(limit: number): Promise<number>
}

export interface TokenVaultDeps {
  connection: Connection
  clock: Clock
  box: CryptoBox
  oauth: OAuthCalls
  logger: Logger
  /** Mints a location token from the company's token, through budget and circuit. */
  mint: (companyId: string, locationId: string, priority: Priority) => Promise<PartialGrant>
  onReconnectNeeded: (companyId: string) => Promise<void>
  /** Crash tests: passed after HighLevel granted a new pair and before it is stored. */
  faultPoint?: ((name: string) => void) | undefined
  /** Longer than a renewal can take: HTTP deadline and the store's write. */
  leaseMs?: number | undefined
  /** How long an opened token is used without another look at the store. */
  cacheMs?: number | undefined
}

/** A token this close to its end is renewed before use. */
const safetyMs = minuteMs
const renewShare = 0.75
const reconnectRetryMs = 60 * minuteMs
const maxCached = 2_000

interface Cached extends OpenToken {
  expiresAtMs: number
  usableUntilMs: number
}

export function createTokenVault(deps: TokenVaultDeps): TokenVault {
  const { connection, clock, box, oauth, logger, leaseMs = 30 * secondMs, cacheMs = 30 * secondMs } = deps
  const tokens = tokenModel(connection)
  const cache = new Map<string, Cached>()
  const lookups = new Map<string, Promise<OpenToken>>()
  const renewals = new Map<string, Promise<OpenToken>>()
  const sealKeyId = keyIdOf(box.seal('', ''))

  function remember(record: TokenRecord, accessToken: string): OpenToken {
    if (cache.size >= maxCached) cache.clear()
    cache.set(record._id, { accessToken, version: record.version, expiresAtMs: record.expiresAt.getTime(), usableUntilMs: clock.nowMs() + cacheMs })
    return { accessToken, version: record.version }
  }

  function scopeOf(resource: Resource): { _id: string; companyId: string } {
    return { _id: resourceKey(resource), companyId: resource.companyId }
  }

  async function read(resource: Resource): Promise<TokenRecord | null> {
    return tokens.findOne(scopeOf(resource)).lean<TokenRecord | null>()
  }

  function isCurrent(record: TokenRecord, rejectedVersion: number): boolean {
    return record.version > rejectedVersion && record.expiresAt.getTime() - safetyMs > clock.nowMs()
  }

  async function open(record: TokenRecord): Promise<OpenToken> {
    const accessToken = box.open(record.sealedAccess, record._id)
    if (box.isOutdated(record.sealedAccess)) await reseal(record)
    return remember(record, accessToken)
  }

  async function reseal(record: TokenRecord): Promise<void> {
    const sealedAccess = box.seal(box.open(record.sealedAccess, record._id), record._id)
    const sealedRefresh = record.sealedRefresh === null ? null : box.seal(box.open(record.sealedRefresh, record._id), record._id)
    await tokens.updateOne({ _id: record._id, companyId: record.companyId, version: record.version }, { $set: { sealedAccess, sealedRefresh, sealKeyId } })
  }

  /** The members of a record that a new pair replaces. */
  function sealed(id: string, grant: Pick<TokenGrant, 'accessToken' | 'refreshToken' | 'expiresInSeconds'>) {
    const nowMs = clock.nowMs()
    const lifeMs = grant.expiresInSeconds * secondMs
    return {
      sealedAccess: box.seal(grant.accessToken, id),
      sealedRefresh: grant.refreshToken === null ? null : box.seal(grant.refreshToken, id),
      sealKeyId,
      obtainedAt: new Date(nowMs),
      expiresAt: new Date(nowMs + lifeMs),
      renewAt: new Date(nowMs + lifeMs * renewShare),
      status: 'ok' as const,
      leaseOwner: null,
      leaseUntil: null,
    }
  }

  function needsReconnect(companyId: string): RetryAfterError {
    return new RetryAfterError('highlevel_needs_reconnect', 'HighLevel no longer accepts the installation. An agency admin must install the app again; the work waits.', reconnectRetryMs, { details: { companyId } })
  }

  async function look(resource: Resource, priority: Priority): Promise<OpenToken> {
    const record = await read(resource)
    if (record !== null && isCurrent(record, 0)) return open(record)
    return renew(resource, 0, priority)
  }

  /** One renewal per resource inside this process; the lease in the store makes it one in all of them. */
  function renew(resource: Resource, rejectedVersion: number, priority: Priority): Promise<OpenToken> {
    const key = resourceKey(resource)
    const running = renewals.get(key)
    if (running !== undefined) return running
    const started = renewAcrossProcesses(resource, rejectedVersion, priority).finally(() => renewals.delete(key))
    renewals.set(key, started)
    return started
  }

  async function renewAcrossProcesses(resource: Resource, rejectedVersion: number, priority: Priority): Promise<OpenToken> {
    const deadlineMs = performance.now() + 2 * leaseMs
    let record = await read(resource)
    while (performance.now() < deadlineMs) {
      if (record === null) return mintFirst(resource, priority)
      if (isCurrent(record, rejectedVersion)) return open(record)
      if (record.status === 'needs_reconnect') throw needsReconnect(resource.companyId)
      const leased = await lease(record)
      if (leased !== null) return renewLeased(resource, leased, priority)
      // Somebody else renews at this moment: wait for the new pair and read it.
      await sleep(20 + Math.random() * 60)
      record = await read(resource)
    }
    throw new CodedError('highlevel_token_busy', 'Another process is renewing the HighLevel token and does not finish.', { details: { companyId: resource.companyId } })
  }

  async function lease(record: TokenRecord): Promise<TokenRecord | null> {
    const now = clock.now()
    return tokens
      .findOneAndUpdate(
        { _id: record._id, companyId: record.companyId, version: record.version, status: 'ok', $or: [{ leaseUntil: null }, { leaseUntil: { $lte: now } }] },
        { $set: { leaseOwner: newToken(), leaseUntil: new Date(now.getTime() + leaseMs) } },
        { returnDocument: 'after' },
      )
      .lean<TokenRecord | null>()
  }

  async function release(record: TokenRecord): Promise<void> {
    await tokens.updateOne({ _id: record._id, companyId: record.companyId, leaseOwner: record.leaseOwner }, { $set: { leaseOwner: null, leaseUntil: null } })
  }

  async function renewLeased(resource: Resource, record: TokenRecord, priority: Priority): Promise<OpenToken> {
    try {
      // Where the company's token can mint, only that one rotating secret matters.
      if (resource.kind === 'location' && (record.source === 'minted' || (await hasCompanyToken(resource.companyId)))) return await mintOver(resource, record, priority)
      return await refreshOver(resource, record)
    } catch (error) {
      // A lease that cannot be given back runs out by itself; what counts is why the renewal failed.
      await attempt('the lease of a HighLevel token could not be given back', resource.companyId, () => release(record))
      throw error
    }
  }

  async function attempt(failure: string, companyId: string, act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      logger.error({ err: describeError(error), companyId }, failure)
    }
  }

  async function hasCompanyToken(companyId: string): Promise<boolean> {
    const company = await read(companyResource(companyId))
    return company?.status === 'ok'
  }

  async function refreshOver(resource: Resource, record: TokenRecord): Promise<OpenToken> {
    if (record.sealedRefresh === null) return giveUp(resource, record, 'no refresh token')
    const outcome = await oauth.refresh(resource, box.open(record.sealedRefresh, record._id))
    if (outcome.kind === 'refused') {
      // Another process may have won the race and be about to store, or a new installation just came in: look again first.
      const newer = await newerThan(resource, record)
      return newer === null ? giveUp(resource, record, outcome.message) : open(newer)
    }
    deps.faultPoint?.('tokens.granted')
    return keep(record, { ...outcome.grant, refreshToken: outcome.grant.refreshToken ?? box.open(record.sealedRefresh, record._id) }, 'granted')
  }

  async function newerThan(resource: Resource, record: TokenRecord): Promise<TokenRecord | null> {
    for (let looks = 1; looks <= 5; looks++) {
      const found = await read(resource)
      if (found === null) throw needsReconnect(resource.companyId)
      if (found.version > record.version) return found
      await sleep(50 * looks)
    }
    return null
  }

  /** Stores the new pair before anybody uses it. The old refresh token is dead already, so a failing store is tried again. */
  async function keep(record: TokenRecord, grant: PartialGrant, source: TokenRecord['source']): Promise<OpenToken> {
    const members = { ...sealed(record._id, grant), source }
    for (let tries = 1; ; tries++) {
      try {
        const stored = await tokens
          .findOneAndUpdate({ _id: record._id, companyId: record.companyId, version: record.version }, { $set: members, $inc: { version: 1 } }, { returnDocument: 'after' })
          .lean<TokenRecord | null>()
        if (stored !== null) return remember(stored, grant.accessToken)
        // A new installation or a purge came in between: what is stored now counts.
        const current = await tokens.findOne({ _id: record._id, companyId: record.companyId }).lean<TokenRecord | null>()
        if (current === null) throw new PermanentError('highlevel_not_installed', 'The app was removed from HighLevel while its token was renewed.')
        return await open(current)
      } catch (error) {
        if (error instanceof CodedError || tries >= 6) throw error
        logger.error({ err: describeError(error), resource: record._id, tries }, 'new HighLevel tokens could not be stored yet')
        await sleep(100 * 2 ** tries)
      }
    }
  }

  async function mintOver(resource: Resource & { kind: 'location' }, record: TokenRecord, priority: Priority): Promise<OpenToken> {
    const grant = await deps.mint(resource.companyId, resource.locationId, priority)
    // The minted refresh token is dropped on purpose: one rotating secret per agency is enough.
    return keep(record, { ...grant, refreshToken: null }, 'minted')
  }

  async function mintFirst(resource: Resource, priority: Priority): Promise<OpenToken> {
    if (resource.kind === 'company' || !(await read(companyResource(resource.companyId)))) {
      throw new PermanentError('highlevel_not_installed', 'The app is not installed there: no token is stored.', { details: { companyId: resource.companyId, locationId: locationIdOf(resource) } })
    }
    const grant = await deps.mint(resource.companyId, resource.locationId, priority)
    await put(resource, { ...grant, refreshToken: null }, 'minted')
    const record = await read(resource)
    if (record === null) throw new CodedError('highlevel_token_busy', 'The location token was removed while it was stored.')
    return open(record)
  }

  async function put(resource: Resource, grant: PartialGrant, source: TokenRecord['source']): Promise<void> {
    const id = resourceKey(resource)
    const update = { $set: { ...sealed(id, grant), source, locationId: locationIdOf(resource) }, $inc: { version: 1 } }
    try {
      await tokens.updateOne({ _id: id, companyId: resource.companyId }, update, { upsert: true })
    } catch (error) {
      // Two processes inserted at once; the record is there now.
      if (!isDuplicateKey(error)) throw error
      await tokens.updateOne({ _id: id, companyId: resource.companyId }, update)
    }
    cache.delete(id)
  }

  async function giveUp(resource: Resource, record: TokenRecord, reason: string): Promise<never> {
    const marked = await tokens.updateOne(
      { _id: record._id, companyId: record.companyId, version: record.version, status: 'ok' },
      { $set: { status: 'needs_reconnect', leaseOwner: null, leaseUntil: null } },
    )
    cache.delete(record._id)
    if (marked.modifiedCount === 1) {
      logger.warn({ companyId: resource.companyId, locationId: locationIdOf(resource), reason }, 'HighLevel refused to renew the token: the agency must reconnect')
      await attempt('the need to reconnect could not be announced', resource.companyId, () => deps.onReconnectNeeded(resource.companyId))
    }
    throw needsReconnect(resource.companyId)
  }

  return {
    async access(resource, priority) {
      const key = resourceKey(resource)
      const nowMs = clock.nowMs()
      const cached = cache.get(key)
      if (cached !== undefined && cached.usableUntilMs > nowMs && cached.expiresAtMs - safetyMs > nowMs) return cached
      // Many calls at once share one look at the store.
      const looking = lookups.get(key)
      if (looking !== undefined) return looking
      const looked = look(resource, priority).finally(() => lookups.delete(key))
      lookups.set(key, looked)
      return looked
    },

    async replace(resource, rejected, priority) {
      const cached = cache.get(resourceKey(resource))
      if (cached !== undefined && cached.version > rejected.version) return cached
      cache.delete(resourceKey(resource))
      // A renewal that was under way may have settled on the very token that was rejected: then one more.
      const renewed = await renew(resource, rejected.version, priority)
      return renewed.version > rejected.version ? renewed : renew(resource, rejected.version, priority)
    },

    async store(grant) {
      const resource = grant.userType === 'Company' || grant.locationId === null ? companyResource(grant.companyId) : locationResource(grant.companyId, grant.locationId)
      await put(resource, grant, 'granted')
      // Minted tokens carry the scopes of the previous installation.
      if (resource.kind === 'company') {
        await tokens.deleteMany({ companyId: grant.companyId, locationId: { $ne: null }, $or: [{ source: 'minted' }, { status: 'needs_reconnect' }] })
        for (const key of cache.keys()) if (key.startsWith(`location:${grant.companyId}:`)) cache.delete(key)
      }
    },

    async purge(companyId, locationId) {
      await tokens.deleteMany(locationId === undefined ? { companyId } : { companyId, locationId })
      for (const key of cache.keys()) {
        if (locationId === undefined ? key.split(':')[1] === companyId : key === resourceKey(locationResource(companyId, locationId))) cache.delete(key)
      }
    },

    async renewDue(limit) {
      const outdated = await tokens.find({ sealKeyId: { $ne: sealKeyId } }).limit(limit).lean<TokenRecord[]>()
      for (const record of outdated) await reseal(record)
      const due = await tokens.find({ status: 'ok', source: 'granted', renewAt: { $lte: clock.now() } }).sort({ renewAt: 1 }).limit(limit).lean<TokenRecord[]>()
      let renewed = 0
      for (const record of due) {
        const resource = record.locationId === null ? companyResource(record.companyId) : locationResource(record.companyId, record.locationId)
        try {
          await renew(resource, record.version, 'bulk')
          renewed++
        } catch (error) {
          logger.warn({ err: describeError(error), companyId: record.companyId, locationId: record.locationId }, 'a HighLevel token could not be renewed')
        }
      }
      return renewed
    },
  }
}

function keyIdOf(sealedText: string): string {
  return sealedText.split('.')[1] ?? ''
}
