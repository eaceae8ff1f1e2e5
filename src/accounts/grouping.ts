import type { AgencySettings } from '../http/contract/settings.ts'
import { secondMs } from '../kernel/clock.ts'
import { hashOf } from '../kernel/ids.ts'
import type { AccountModels } from './model.ts'
import { groupOf } from './rules.ts'
import type { AccountsDeps } from './types.ts'

/** Keeps the groups of all accounts in step with the agency's list of plans. */
export interface Grouping {
  /** Looks at the agencies in turn and derives at most `limit` accounts again where the plans changed. @returns how many accounts were looked at */
  regroupDue(limit: number): Promise<number>
}

/** Agencies looked at in one call. */
const agenciesAtOnce = 50
/** Records written at once: they are independent of each other. */
const writesAtOnce = 20
/** Another process may work with the settings of before for so long; a pass that began earlier is repeated. */
const settleMs = 10 * secondMs

function nameOfPlans(plans: AgencySettings['groups']['plans']): string {
  return hashOf(...plans.flatMap(({ planId, group }) => [planId, group])).slice(0, 16)
}

/** @param settle derives one account again and tells what changed */
export function createGrouping({ accounts, mirrors }: AccountModels, settle: (key: string) => Promise<void>, { clock, settings }: Pick<AccountsDeps, 'clock' | 'settings'>): Grouping {
  let lastAgency = ''
  const noPlans = nameOfPlans([])

  async function regroup(companyId: string, limit: number): Promise<number> {
    const { plans } = (await settings.get(companyId)).groups
    const wanted = nameOfPlans(plans)
    const mirror = await mirrors.findOne({ _id: companyId }).lean()
    if (mirror === null) return 0
    let pass = mirror.grouping ?? { plans: noPlans, seenAt: new Date(0), startedAt: new Date(0), after: null }
    if (pass.plans === wanted && pass.after === null) {
      const early = pass.startedAt.getTime() < pass.seenAt.getTime() + settleMs
      if (!early || pass.seenAt.getTime() === 0 || clock.nowMs() < pass.seenAt.getTime() + settleMs) return 0
      pass = { ...pass, startedAt: clock.now(), after: '' }
    } else if (pass.plans !== wanted) {
      pass = { plans: wanted, seenAt: clock.now(), startedAt: clock.now(), after: '' }
    }
    const slice = await accounts.find({ _id: { $gt: `${companyId}:${pass.after ?? ''}`, $lt: `${companyId};` }, companyId }, { locationId: 1, state: 1, planId: 1, saas: 1, group: 1 }).sort({ _id: 1 }).limit(limit).lean()
    const differing = slice.filter((account) => account.state !== 'new' && groupOf(account.state, account, plans) !== account.group)
    for (let start = 0; start < differing.length; start += writesAtOnce) await Promise.all(differing.slice(start, start + writesAtOnce).map((account) => settle(account._id)))
    const after = slice.length < limit ? null : (slice.at(-1)?.locationId ?? null)
    await mirrors.updateOne({ _id: companyId }, { $set: { grouping: { ...pass, after } } })
    return slice.length
  }

  return {
    async regroupDue(limit) {
      const agencies = await mirrors.find({ _id: { $gt: lastAgency } }, { _id: 1 }).sort({ _id: 1 }).limit(agenciesAtOnce).lean()
      let looked = 0
      for (const { _id: companyId } of agencies) {
        looked += await regroup(companyId, limit)
        // Not finished: the next call goes on here.
        if (looked >= limit) return looked
        lastAgency = companyId
      }
      if (agencies.length < agenciesAtOnce) lastAgency = ''
      return looked
    },
  }
}
