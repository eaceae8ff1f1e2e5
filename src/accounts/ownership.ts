import { minuteMs } from '../kernel/clock.ts'
import { fieldRefused, notFound } from '../kernel/errors.ts'
import type { AccountModels, AccountRecord, UserRecord } from './model.ts'
import { accountKey } from './rules.ts'
import type { Telling, ToldChange } from './telling.ts'
import type { AccountsDeps, AgencyUser, Assignment, ChangedBy, LeaveHandler } from './types.ts'

export const bySystem: ChangedBy = { actor: { kind: 'system', id: null, name: null }, source: 'api' }

/** Who looks after an account, and its premium mark. */
export interface Ownership {
  agencyUser(companyId: string, userId: string): Promise<AgencyUser | null>
  assign(companyId: string, locationId: string, csmUserId: string | null, by?: Assignment): Promise<AccountRecord>
  setPremium(companyId: string, locationId: string, premium: boolean, by?: ChangedBy): Promise<AccountRecord>
  /** Takes their accounts from somebody who left the agency's staff, then lets others take what else they had. Idempotent. */
  releaseOf(user: Pick<UserRecord, 'companyId' | 'userId' | 'name'>): Promise<void>
  /** Owners are shown by the name that they have today. */
  rename(user: Pick<UserRecord, 'companyId' | 'userId' | 'name' | 'email'>): Promise<void>
  onLeave(handler: LeaveHandler): void
  /** Finishes what a crash, or an assignment at the same moment, left with people who are gone. @returns how many people were looked at */
  releaseDue(limit: number): Promise<number>
}

const batch = 200
/** For so long an assignment that began before somebody left may still end after it. */
const watchMs = minuteMs

function ownerOf(record: AccountRecord): { userId: string; name: string } | null {
  return record.csm === null ? null : { userId: record.csm.userId, name: record.csm.name }
}

export function createOwnership({ accounts, users }: AccountModels, telling: Telling, { clock }: Pick<AccountsDeps, 'clock'>): Ownership {
  const agencyUser: Ownership['agencyUser'] = async (companyId, userId) => {
    const found = await users.findOne({ _id: accountKey(companyId, userId), companyId, staff: true }).lean()
    return found === null ? null : { userId: found.userId, name: found.name, email: found.email, role: found.role }
  }

  /** @param reason why nobody chose it, if nobody did */
  function handOver(record: AccountRecord, csm: AgencyUser | null, by: Assignment, reason: 'left_team' | null): ToldChange | null {
    const former = ownerOf(record)
    if ((former?.userId ?? null) === (csm?.userId ?? null)) return null
    const after = csm === null ? null : { userId: csm.userId, name: csm.name }
    const note = by.note === undefined || by.note === '' ? null : by.note
    const who = csm === null
      ? `${former?.name ?? 'Nobody'} ${reason === 'left_team' ? 'left the team: the account has no owner now' : 'no longer looks after the account'}.`
      : former === null ? `${csm.name} looks after the account now.` : `${csm.name} took over the account from ${former.name}.`
    return {
      set: { csm: csm === null ? null : { userId: csm.userId, name: csm.name, email: csm.email }, csmDecidedAt: clock.now() },
      event: {
        type: 'csm.assigned', summary: note === null ? who : `${who} Note: ${note}`, before: former, after,
        ...(by.cause === undefined ? {} : { cause: by.cause }),
        data: {
          csmUserId: after?.userId ?? null, csmName: after?.name ?? null, formerCsmUserId: former?.userId ?? null, formerCsmName: former?.name ?? null,
          note, rule: by.rule ?? null, reason, link: `/accounts/${record.locationId}/brief`,
        },
      },
    }
  }

  const leaveHandlers: LeaveHandler[] = []
  const releaseOf: Ownership['releaseOf'] = async ({ companyId, userId, name }) => {
    const theirs = { companyId, listed: { $in: [true, false] }, 'csm.userId': userId, state: { $in: ['active' as const, 'removed' as const] } }
    const by: Assignment = { actor: { kind: 'crm', id: null, name: null }, source: 'webhook' }
    for (;;) {
      const owned = await accounts.find(theirs, { locationId: 1 }).limit(batch).lean()
      for (const { locationId } of owned) {
        await telling.change(companyId, locationId, by, (record) => (record.csm?.userId === userId ? handOver({ ...record, csm: { ...record.csm, name } }, null, by, 'left_team') : null))
      }
      if (owned.length < batch) break
    }
    for (const handler of leaveHandlers) await handler({ companyId, userId, name })
  }

  return {
    agencyUser,
    releaseOf,
    onLeave: (handler) => void leaveHandlers.push(handler),
    async assign(companyId, locationId, csmUserId, by = bySystem) {
      const csm = csmUserId === null ? null : await agencyUser(companyId, csmUserId)
      if (csmUserId !== null && csm === null) {
        // Whoever asks about an account that is not theirs learns nothing else.
        if ((await accounts.findOne({ _id: accountKey(companyId, locationId), companyId, state: { $in: ['active', 'removed'] } }, { _id: 1 }).lean()) === null) throw notFound('account')
        throw fieldRefused(422, 'csm_unknown', 'csmUserId', 'is not on the agency\'s staff', 'csmUserId: choose somebody of the agency\'s own staff as the owner.')
      }
      return telling.change(companyId, locationId, by, (record) =>
        by.onlyIfUndecided === true && ((record.csmDecidedAt ?? null) !== null || record.csm !== null) ? null : handOver(record, csm, by, null))
    },
    setPremium: (companyId, locationId, premium, by = bySystem) =>
      telling.change(companyId, locationId, by, (record) =>
        record.premium === premium
          ? null
          : {
              set: { premium },
              event: {
                type: 'account.premium_changed', before: record.premium, after: premium, data: { premium },
                summary: premium ? 'The account was marked as premium.' : 'The account is no longer marked as premium.',
              },
            }),
    async rename({ companyId, userId, name, email }) {
      await accounts.updateMany({ companyId, listed: { $in: [true, false] }, 'csm.userId': userId }, { $set: { 'csm.name': name, 'csm.email': email } })
    },
    async releaseDue(limit) {
      const left = await users.find({ leftStaffAt: { $gt: new Date(0) } }).sort({ leftStaffAt: 1 }).limit(limit).lean()
      for (const user of left) {
        await releaseOf(user)
        const { leftStaffAt = null } = user
        if (leftStaffAt !== null && clock.nowMs() - leftStaffAt.getTime() >= watchMs) await users.updateOne({ _id: user._id, leftStaffAt }, { $set: { leftStaffAt: null } })
      }
      return left.length
    },
  }
}
