import { isDuplicateKey } from '../store/duplicate-key.ts'
import type { AccountModels, AccountRecord, UserRecord } from './model.ts'
import type { Ownership } from './ownership.ts'
import { somebody } from '../kernel/forgotten.ts'
import { accountKey, derivedMembers, displayName, forgottenKey } from './rules.ts'
import type { Telling } from './telling.ts'
import type { AccountsDeps, LocationEvent, LocationInstallFact, UserEvent } from './types.ts'
import { emptyUser, factOrder, foldUser, instantOf, isStaff, joinedAt, leftAt, presentIn, type UserFact } from './user-fold.ts'

/** Details of a sub-account as some fact tells them; undefined members are not told. */
export interface AccountDetails {
  name?: string | null | undefined
  email?: string | null | undefined
  timezone?: string | null | undefined
  /** The plan that the agency sold it; null for none. */
  planId?: string | null | undefined
}

/** Writes facts about accounts and users into their records. */
export interface AccountFactsWriter {
  /** Creates the record if it is missing, takes in the facts, derives the state, appends what changed to the events. */
  applyToAccount(companyId: string, locationId: string, change: { facts: Partial<Record<'installedAt' | 'uninstalledAt' | 'movedAt' | 'ownedAt', Date>>; details?: AccountDetails; order: string; wantUsers?: boolean; create: boolean; seenRun?: string }): Promise<void>
  applyLocationEvent(event: LocationEvent): Promise<void>
  applyInstallFact(fact: LocationInstallFact): Promise<void>
  applyUserEvent(event: UserEvent): Promise<void>
  applyUserFact(companyId: string, userId: string, fact: UserFact, options?: { seenRun?: string; recount?: boolean; forget?: boolean }): Promise<void>
  /** Derives an account's state and group again and tells what changed. */
  settle(key: string): Promise<void>
  /** Counts the users of accounts again. */
  recount(companyId: string, locationIds: string[]): Promise<void>
}

const maxAttempts = 20
/** What stays of somebody who was forgotten while what follows from their leaving is worked through. */
const nobody = { name: somebody, firstName: null, lastName: null, email: null, phone: null }

function freshAccount(companyId: string, locationId: string, nowAt: Date): AccountRecord {
  return {
    _id: accountKey(companyId, locationId), companyId, locationId, state: 'new', listed: false, name: locationId, nameKey: locationId.toLowerCase(),
    email: null, timezone: null, saas: false, planId: null, group: 'regular', premium: false, isSuccessLocation: false, csm: null, csmDecidedAt: null, feedbackEnabled: false, feedbackVersion: 0,
    detailsFact: '', installedAt: null, uninstalledAt: null, movedAt: null, ownedAt: null, installed: false, mirroredAt: null, mirrorWantedAt: null,
    createdAt: nowAt, removedAt: null, users: 0, happiness: { level: null, score: null, answered: 0, newestAt: null, dissent: false },
    happinessRank: -1, happinessFellAt: null,
    healthLevel: null, healthRank: -1, healthKeptAt: null, healthStaleAt: null, healthNoteWanted: false, healthDetails: null, disagreement: null, disagreementSince: null, levelsApart: 0, changes: 0, outbox: [], outboxSince: null, seenRun: '',
  }
}

const groupNames = { saas: 'a SaaS account', regular: 'a regular account', churned: 'a churned account' } as const

export function createAccountFacts(models: AccountModels, telling: Telling, ownership: Ownership, { clock, events, settings }: Pick<AccountsDeps, 'clock' | 'events' | 'settings'>): AccountFactsWriter {
  const { accounts, users, mirrors, forgotten } = models
  const system = { kind: 'crm' as const, id: null, name: null }

  /** Derives the state from the facts and says what changed. The event goes first: repeating it is harmless, forgetting it is not. */
  async function settle(key: string): Promise<void> {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const record = await accounts.findOne({ _id: key }).lean()
      if (record === null) return
      const rules = await settings.get(record.companyId)
      const next = derivedMembers(record, rules.groups.plans)
      const { installedAt, uninstalledAt, movedAt, ownedAt, isSuccessLocation, saas, planId } = record
      if (next.state === record.state && next.listed === record.listed && next.group === record.group && next.removedAt?.getTime() === record.removedAt?.getTime()) return
      const extra: Partial<AccountRecord> = {}
      const { companyId, locationId } = record
      if (record.state === 'new' && next.state === 'active') {
        const mirror = await mirrors.findOne({ _id: companyId }, { firstDoneAt: 1 }).lean()
        if (mirror !== null && mirror.firstDoneAt !== null) {
          if (rules.prompt.newAccounts === 'on') extra.feedbackEnabled = true
          await events.append({
            key: `account.created:${companyId}:${locationId}`, companyId, locationId, userId: null, type: 'account.created', at: record.createdAt, actor: system, source: 'webhook',
            summary: `Account ${record.name} was added.`, data: { locationId, name: record.name },
          })
        }
      } else if (record.state === 'active' && next.state !== 'active') {
        const at = next.removedAt ?? clock.now()
        await events.append({
          key: `account.removed:${companyId}:${locationId}:${at.toISOString()}`, companyId, locationId, userId: null, type: 'account.removed', at, actor: system, source: 'webhook',
          summary: next.state === 'moved' ? `Account ${record.name} moved to another agency.` : `Account ${record.name} was removed.`, data: { locationId, name: record.name, reason: next.state },
        })
      }
      const unchanged = { _id: key, installedAt, uninstalledAt, movedAt, ownedAt, isSuccessLocation, saas, planId, state: record.state }
      if (record.state === 'new' || next.group === record.group) {
        const { matchedCount } = await accounts.updateOne(unchanged, { $set: { ...next, ...extra } })
        if (matchedCount === 1) return
        continue
      }
      const told = telling.together(record, { actor: system, source: 'webhook' }, {
        type: 'account.group_changed', before: record.group, after: next.group, data: { group: next.group, formerGroup: record.group, planId },
        summary: `The account is ${groupNames[next.group]} now; before it was ${groupNames[record.group]}.`,
      })
      const after = await accounts.findOneAndUpdate({ ...unchanged, ...told.unchanged }, { ...told.write, $set: { ...next, ...extra, ...told.since } }, { returnDocument: 'after' }).lean()
      if (after === null) continue
      await telling.tell(after)
      return
    }
    throw new Error(`The account ${key} changed too often to settle its state`)
  }

  async function create(companyId: string, locationId: string): Promise<void> {
    const { _id, ...fresh } = freshAccount(companyId, locationId, clock.now())
    try {
      await accounts.updateOne({ _id }, { $setOnInsert: fresh }, { upsert: true })
    } catch (error) {
      // Somebody else created the same record at the same moment.
      if (!isDuplicateKey(error)) throw error
    }
  }

  /** A known account has another name now: that and the telling of it are one write. @returns false if there is nothing to tell */
  async function rename(key: string, name: string, details: Partial<AccountRecord>, order: string): Promise<boolean> {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const record = await accounts.findOne({ _id: key }).lean()
      if (record === null || record.detailsFact === '' || record.detailsFact > order || record.name === name) return false
      const told = telling.together(record, { actor: system, source: 'webhook' }, {
        type: 'account.renamed', before: record.name, after: name, data: { formerName: record.name, name }, summary: `The account is called ${name} now; before it was ${record.name}.`,
      })
      const after = await accounts.findOneAndUpdate({ _id: key, detailsFact: record.detailsFact, ...told.unchanged }, { ...told.write, $set: { ...details, detailsFact: order, ...told.since } }, { returnDocument: 'after' }).lean()
      if (after === null) continue
      await telling.tell(after)
      return true
    }
    return false
  }

  async function takeDetails(key: string, details: AccountDetails, order: string): Promise<void> {
    const told = {
      ...(details.name === undefined || details.name === null || details.name === '' ? {} : { name: details.name, nameKey: details.name.toLowerCase() }),
      ...(details.email === undefined ? {} : { email: details.email }),
      ...(details.timezone === undefined || details.timezone === null ? {} : { timezone: details.timezone }),
      ...(details.planId === undefined ? {} : { planId: details.planId, saas: details.planId !== null }),
    }
    if (Object.keys(told).length === 0) return
    if (told.name !== undefined && (await rename(key, told.name, told, order))) return
    const { matchedCount } = await accounts.updateOne({ _id: key, detailsFact: { $lte: order } }, { $set: { ...told, detailsFact: order } })
    // An older reading may still know what newer facts do not tell.
    if (matchedCount === 0 && told.timezone !== undefined) await accounts.updateOne({ _id: key, timezone: null }, { $set: { timezone: told.timezone } })
  }

  const applyToAccount: AccountFactsWriter['applyToAccount'] = async (companyId, locationId, change) => {
    const key = accountKey(companyId, locationId)
    if (change.create) await create(companyId, locationId)
    const set = {
      ...(change.facts.installedAt === undefined ? {} : { installed: true }),
      ...(change.seenRun === undefined ? {} : { seenRun: change.seenRun }),
    }
    await accounts.updateOne(
      { _id: key },
      {
        ...(Object.keys(change.facts).length === 0 ? {} : { $max: change.facts }),
        ...(Object.keys(set).length === 0 ? {} : { $set: set }),
      },
    )
    if (change.wantUsers === true) await accounts.updateOne({ _id: key, mirroredAt: null, mirrorWantedAt: null }, { $set: { mirrorWantedAt: clock.now() } })
    if (change.details !== undefined) await takeDetails(key, change.details, change.order)
    await settle(key)
  }

  /** The same sub-account under other agencies: it is not theirs any more. */
  async function leaveOthers(companyId: string, locationId: string, at: Date): Promise<void> {
    const others = await accounts.find({ locationId, companyId: { $ne: companyId }, state: { $ne: 'moved' } }, { companyId: 1 }).lean()
    for (const other of others) await applyToAccount(other.companyId, locationId, { facts: { movedAt: at }, order: '', create: false })
  }

  async function recount(companyId: string, locationIds: string[]): Promise<void> {
    for (const locationId of locationIds) {
      const count = await users.countDocuments({ companyId, presentIn: locationId })
      await accounts.updateOne({ _id: accountKey(companyId, locationId), users: { $ne: count } }, { $set: { users: count } })
    }
  }

  /** Whether arrivals are news: the account's users were read before. */
  async function announces(companyId: string, locationId: string): Promise<string | null> {
    const account = await accounts.findOne({ _id: accountKey(companyId, locationId) }, { mirroredAt: 1, name: 1 }).lean()
    return account === null || account.mirroredAt === null ? null : account.name
  }

  async function appendChanges(before: UserRecord | null, after: UserRecord): Promise<void> {
    const { companyId, userId, name } = after
    const was = new Set(before?.presentIn ?? [])
    const is = new Set(after.presentIn)
    for (const membership of after.memberships) {
      const { locationId } = membership
      if (is.has(locationId) === was.has(locationId)) continue
      const accountName = await announces(companyId, locationId)
      if (accountName === null) continue
      const at = is.has(locationId) ? (joinedAt(membership) ?? clock.now()) : (leftAt(after, membership) ?? clock.now())
      const type = is.has(locationId) ? ('user.added' as const) : ('user.removed' as const)
      if (type === 'user.added' && joinedAt(membership) === null) continue
      await events.append({
        key: `${type}:${companyId}:${locationId}:${userId}:${at.toISOString()}`, companyId, locationId, userId, type, at, actor: system, source: 'webhook',
        summary: type === 'user.added' ? `${name} joined ${accountName}.` : `${name} left ${accountName}.`, data: { userId, name },
      })
    }
  }

  /** Contacts stay bound to a person who has another address. */
  async function tellEmail(before: UserRecord | null, { companyId, userId, name, email, detailsFact, presentIn: locationIds }: UserRecord): Promise<void> {
    if (before === null || before.email === null || before.email === email) return
    for (const locationId of locationIds) {
      await events.append({
        key: `person.email_changed:${companyId}:${locationId}:${userId}:${detailsFact}`, companyId, locationId, userId, type: 'person.email_changed', at: instantOf(detailsFact), actor: system, source: 'webhook',
        summary: email === null ? `${name} has no e-mail address any more.` : `The e-mail address of ${name} is ${email} now.`, before: before.email, after: email, data: { userId, name },
      })
    }
  }

  const applyUserFact: AccountFactsWriter['applyUserFact'] = async (companyId, userId, fact, { seenRun, recount: wantsRecount = true, forget = false } = {}) => {
    const key = accountKey(companyId, userId)
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const before = await users.findOne({ _id: key }).lean()
      if (before?.forgotten === true || (before === null && (await forgotten.exists({ _id: forgottenKey(companyId, userId) })) !== null)) return
      const fold = foldUser(before ?? emptyUser, fact)
      const folded = forget ? { ...fold, ...nobody } : fold
      const present = isStaff(folded) ? [] : presentIn(folded)
      const staff = isStaff(folded)
      const { name, firstName, lastName, email, phone, role, detailsFact, staffFact, customerFact, deletedFact, nowhereElseFact, memberships } = folded
      const after: UserRecord = {
        _id: key, companyId, userId, name, firstName, lastName, email, phone, role, detailsFact, staffFact, customerFact, deletedFact, nowhereElseFact, memberships,
        leftStaffAt: staff ? null : before?.staff === true ? clock.now() : (before?.leftStaffAt ?? null),
        ...(forget ? { forgotten: true } : {}),
        staff, presentIn: present, gone: !staff && present.length === 0, version: (before?.version ?? 0) + 1, seenRun: seenRun ?? before?.seenRun ?? '',
      }
      await appendChanges(before, after)
      await tellEmail(before, after)
      const { _id, ...members } = after
      try {
        const { matchedCount, upsertedCount } = await users.updateOne({ _id, version: before?.version ?? 0 }, { $set: members }, { upsert: before === null })
        if (matchedCount + upsertedCount === 0) continue
      } catch (error) {
        if (!isDuplicateKey(error)) throw error
        continue
      }
      const changed = [...new Set([...(before?.presentIn ?? []), ...present])].filter((locationId) => present.includes(locationId) !== (before?.presentIn.includes(locationId) ?? false))
      if (wantsRecount) await recount(companyId, changed)
      if (before?.staff === true && !staff) await ownership.releaseOf(after)
      else if (staff && before !== null && (before.name !== name || before.email !== email)) await ownership.rename(after)
      return
    }
    throw new Error(`The user ${key} changed too often`)
  }

  return {
    settle,
    applyToAccount,
    recount,
    applyUserFact,
    async applyLocationEvent(event) {
      const { companyId, locationId, at } = event
      await leaveOthers(companyId, locationId, at)
      // A sub-account of an agency that we have never read is none of our business.
      const known = await mirrors.exists({ _id: companyId })
      await applyToAccount(companyId, locationId, {
        facts: { ownedAt: at },
        details: {
          name: event.name,
          email: event.email,
          timezone: event.timezone,
          planId: event.stripeProductId === '' ? null : event.stripeProductId,
        },
        order: factOrder(at, event.kind, event.eventId),
        wantUsers: true,
        create: known !== null,
      })
    },
    async applyInstallFact({ companyId, locationId, installed, at, eventId }) {
      if (installed) await leaveOthers(companyId, locationId, at)
      await applyToAccount(companyId, locationId, {
        facts: installed ? { installedAt: at, ownedAt: at } : { uninstalledAt: at },
        order: factOrder(at, installed ? 'created' : 'removed', eventId),
        wantUsers: installed,
        create: true,
      })
    },
    async applyUserEvent(event) {
      const deletedEverywhere = event.kind === 'removed' && (event.agencyUser || event.locationIds.length === 0)
      await applyUserFact(event.companyId, event.userId, {
        order: factOrder(event.at, event.kind, event.eventId),
        at: event.at,
        says: deletedEverywhere ? 'deleted' : event.kind === 'removed' ? 'left' : event.agencyUser ? 'staff' : 'present',
        locationIds: event.locationIds,
        completeList: event.completeList,
        created: event.kind === 'created',
        firstReadLocationIds: new Set(),
        details: event.kind === 'removed'
          ? null
          : {
              name: displayName(event.firstName, event.lastName, event.email),
              firstName: event.firstName, lastName: event.lastName, email: event.email?.toLowerCase() ?? null, phone: event.phone, role: event.role,
            },
      })
    },
  }
}
