import type { Accounts } from '../accounts/index.ts'
import type { DomainEvent } from '../events/index.ts'
import type { AccountFilter } from '../http/contract/accounts.ts'
import { minuteMs, type Clock } from '../kernel/clock.ts'
import { CodedError, describeError, fieldRefused, notFound, RequestError } from '../kernel/errors.ts'
import type { Refusals, Session } from '../kernel/route.ts'
import type { Settings } from '../settings/index.ts'
import { isDuplicateKey } from '../store/index.ts'
import { actorOf } from './contacts.ts'
import type { PeopleModels, TurnRecord } from './model.ts'
import { leastLoaded, nextInTurn, planAssignment, type Candidates } from './rules.ts'

export interface AssignRequest {
  locationIds?: string[] | undefined
  filter?: AccountFilter | undefined
  rule: 'round_robin' | 'least_loaded'
  csmUserIds: string[]
  dryRun: boolean
}
export interface AssignResult {
  dryRun: boolean
  assigned: { locationId: string; csm: Candidates; before: Candidates | null }[]
  failed: { locationId: string; error: { code: string; message: string } }[]
  load: { userId: string; name: string; accounts: number }[]
  /** Not reached in this request's time, and unchanged. */
  left: string[]
}

/** Who looks after which account, by rule. */
export interface AssignmentByRule {
  /** Accounts are given out in the order of their names. @param refusals why the person may not change some of them; each fails alone @throws RequestError 422 `csm_unknown` naming the entry */
  assign(session: Session, request: AssignRequest, refusals?: Refusals): Promise<AssignResult>
  /** Gives an account that has just been created an owner, as the agency's settings say; decided once, whoever asks and how often. */
  accountCreated(event: DomainEvent): Promise<void>
}

export interface AssignmentDeps {
  clock: Clock
  accounts: Pick<Accounts, 'agencyUsers' | 'assignCsm' | 'get' | 'locationIds' | 'owners' | 'portfolioSizes'>
  settings: Pick<Settings, 'get'>
}

const maxAttempts = 50
/** Accounts given out at the same moment: they are independent of each other. */
const atOnce = 20
/** No request begins another account after so long. */
const requestMs = 10_000
/** A decision this old has been carried out, or never will be. */
const recentMs = 10 * minuteMs

export function createAssignmentByRule({ turns }: Pick<PeopleModels, 'turns'>, { clock, accounts, settings }: AssignmentDeps): AssignmentByRule {
  /** Who was decided upon and is about to get their account counts as having it. */
  async function loadsWithDecided(companyId: string, csms: readonly Candidates[], exceptLocationId: string): Promise<Map<string, number>> {
    const recent = (await turns.find({ companyId, turn: { $gt: 0 } }).sort({ turn: -1 }).limit(maxAttempts).lean<TurnRecord[]>())
      .filter((turn) => turn.locationId !== exceptLocationId && turn.at.getTime() > clock.nowMs() - recentMs)
    const readWaiting = async () =>
      new Set((await accounts.owners(companyId, recent.map((turn) => turn.locationId))).filter((account) => !account.decided).map((account) => account.locationId))
    // A decision that is carried out while the sizes are counted would be in both, or in neither: then they are counted again.
    for (let waiting = await readWaiting(); ; ) {
      const load = await accounts.portfolioSizes(companyId, csms.map((csm) => csm.userId))
      const after = await readWaiting()
      if (after.size === waiting.size) {
        for (const { locationId, csmUserId } of recent) if (waiting.has(locationId)) load.set(csmUserId, (load.get(csmUserId) ?? 0) + 1)
        return load
      }
      waiting = after
    }
  }

  /** The decision about one new account; the same for everybody who asks. @returns null if there is nobody to choose from */
  async function decide(companyId: string, locationId: string): Promise<TurnRecord | null> {
    const { ownership } = await settings.get(companyId)
    const rule = ownership.newAccounts
    if (rule === 'nobody') return null
    const staff = new Map((await accounts.agencyUsers(companyId)).map((user) => [user.userId, user.name]))
    const csms = [...new Set(ownership.csmUserIds)].flatMap((userId) => {
      const name = staff.get(userId)
      return name === undefined ? [] : [{ userId, name }]
    })
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const [last] = await turns.find({ companyId }).sort({ turn: -1 }).limit(1).lean<TurnRecord[]>()
      const chosen = rule === 'round_robin' ? nextInTurn(csms, last?.csmUserId ?? null) : leastLoaded(csms, await loadsWithDecided(companyId, csms, locationId))
      if (chosen === null) return null
      const turn: TurnRecord = { _id: `${companyId}:${locationId}`, companyId, locationId, turn: (last?.turn ?? 0) + 1, rule, csmUserId: chosen.userId, at: clock.now() }
      try {
        await turns.create([turn])
        return turn
      } catch (error) {
        if (!isDuplicateKey(error)) throw error
        const decided = await turns.findOne({ _id: turn._id, companyId }).lean<TurnRecord>()
        if (decided !== null) return decided
        // Another account took this turn in the same moment: look again.
      }
    }
    throw new CodedError('turns_busy', 'Too many new accounts at once; this one gets its owner in a moment.')
  }

  return {
    async assign(session, { locationIds, filter, rule, csmUserIds, dryRun }, refusals = async () => new Map()) {
      const { companyId } = session
      const staff = new Map((await accounts.agencyUsers(companyId)).map((user) => [user.userId, user.name]))
      const unknown = csmUserIds.findIndex((userId) => !staff.has(userId))
      if (unknown >= 0) {
        const field = `csmUserIds.${unknown}`
        throw fieldRefused(422, 'csm_unknown', field, 'is not on the agency\'s staff', `${field}: choose people of the agency's own staff.`)
      }
      const csms = [...new Set(csmUserIds)].map((userId) => ({ userId, name: staff.get(userId) ?? userId }))
      const wanted = locationIds === undefined ? await accounts.locationIds(companyId, filter ?? {}) : [...new Set(locationIds)]
      const [found, refused, load] = await Promise.all([accounts.owners(companyId, wanted), refusals(wanted), accounts.portfolioSizes(companyId, csms.map((csm) => csm.userId))])
      const known = new Set(found.map((account) => account.locationId))
      const plan = planAssignment(found.filter(({ locationId }) => !refused.has(locationId)), csms, rule, load)
      const failed: AssignResult['failed'] = wanted
        .filter((locationId) => !known.has(locationId) || refused.has(locationId))
        .map((locationId) => ({ locationId, error: describeError(refused.get(locationId) ?? notFound('account')) }))
      if (dryRun) return { dryRun, assigned: plan.assigned, failed, load: csms.map((csm) => ({ ...csm, accounts: plan.load.get(csm.userId) ?? 0 })), left: [] }

      const untilMs = clock.nowMs() + requestMs
      const assigned: AssignResult['assigned'] = []
      const carryOut = async (entry: AssignResult['assigned'][number]): Promise<AssignResult['failed'][number] | null> => {
        try {
          await accounts.assignCsm(companyId, entry.locationId, entry.csm.userId, { actor: actorOf(session), source: 'bulk', rule })
          return null
        } catch (error) {
          // One account that went away meanwhile does not stop the others.
          if (!(error instanceof RequestError)) throw error
          return { locationId: entry.locationId, error: describeError(error) }
        }
      }
      let start = 0
      for (; start < plan.assigned.length && (start === 0 || clock.nowMs() < untilMs); start += atOnce) {
        const slice = plan.assigned.slice(start, start + atOnce)
        const outcomes = await Promise.all(slice.map(carryOut))
        slice.forEach((entry, index) => {
          const failure = outcomes[index] ?? null
          if (failure === null) assigned.push(entry)
          else failed.push(failure)
        })
      }
      const after = await accounts.portfolioSizes(companyId, csms.map((csm) => csm.userId))
      return { dryRun, assigned, failed, load: csms.map((csm) => ({ ...csm, accounts: after.get(csm.userId) ?? 0 })), left: plan.assigned.slice(start).map(({ locationId }) => locationId) }
    },

    async accountCreated({ companyId, locationId, type, key }) {
      if (type !== 'account.created' || locationId === null) return
      const account = await accounts.get(companyId, locationId)
      // Gone again, the agency's own, or in somebody's hands already.
      if (account === null || account.removedAt !== null || account.isSuccessLocation || account.csm !== null) return
      const [owner] = await accounts.owners(companyId, [locationId])
      if (owner?.decided !== false) return
      const turn = await decide(companyId, locationId)
      if (turn === null) return
      try {
        await accounts.assignCsm(companyId, locationId, turn.csmUserId, {
          actor: { kind: 'system', id: null, name: null }, source: 'schedule', rule: turn.rule, onlyIfUndecided: true, cause: { kind: 'event', id: key },
        })
      } catch (error) {
        // Whoever was chosen left in the meantime, or the account did: it stays without an owner, for a person to see.
        if (!(error instanceof RequestError)) throw error
      }
    },
  }
}
