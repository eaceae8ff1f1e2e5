import type { Model } from 'mongoose'
import { minuteMs, dayMs, secondMs } from '../../kernel/clock.ts'
import { PermanentError, RequestError, RetryAfterError } from '../../kernel/errors.ts'
import { hashOf } from '../../kernel/ids.ts'
import { isDuplicateKey } from '../../store/index.ts'
import { actions as catalog } from '../catalog.ts'
import type { ActionRunRecord } from '../model.ts'
import type { Places } from '../place.ts'
import type { MarketplaceDeps } from '../ports.ts'
import type { ActionCall } from '../wire.ts'
import type { ActionHandler, ActionRun, Standing } from './action.ts'
import { askForFeedback } from './ask-for-feedback.ts'
import { branchByLevel } from './branch-by-level.ts'
import { setHealthStatus } from './set-health-status.ts'

/** One line per action. Without `once` a repetition is answered anew: it changes nothing. */
const handlers: Record<string, { handle: ActionHandler; once: boolean }> = {
  ask_for_feedback: { handle: askForFeedback, once: true },
  set_health_status: { handle: setHealthStatus, once: true },
  branch_by_level: { handle: branchByLevel, once: false },
}

export interface Actions {
  /** @throws RequestError with words that the workflow builder can show; RetryAfterError where trying again helps */
  run(key: string, call: ActionCall): Promise<Record<string, unknown>>
}

/** Calls of a workflow carry no key: the same one for the same contact with the same fields within this time is a repetition. */
const sameRunMs = minuteMs
/** Whoever began a run and is not done by then has stopped. */
const runMs = 30 * secondMs
const keptMs = dayMs
const strangers = new Set(['highlevel_not_found', 'highlevel_invalid', 'highlevel_forbidden'])
const bindingTries = { times: 6, everyMs: 500 }

/** JSON with sorted members, so that the same fields in another order are the same. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}

export function createActions(deps: MarketplaceDeps, runs: Model<ActionRunRecord>, places: Places): Actions {
  const { clock, effects, accounts, gateway } = deps

  /** A contact that a workflow starts on may be one that is being made right now. */
  async function subjectsOf(companyId: string, contactId: string): Promise<string[]> {
    for (let count = 1; ; count += 1) {
      try {
        return await effects.subjectsOf(companyId, contactId)
      } catch (error) {
        if (!(error instanceof RetryAfterError) || count >= bindingTries.times) throw error
        await new Promise((resolve) => setTimeout(resolve, bindingTries.everyMs))
      }
    }
  }

  /** Somebody who is among the agency's contacts already, and of whom nothing was written there yet: found by their address. */
  async function foundByEmail(companyId: string, locationId: string, contactId: string): Promise<Standing[]> {
    try {
      const contact = await gateway.location(companyId, locationId, 'interactive').getContact(contactId)
      const users = contact?.email === null || contact === null ? [] : await accounts.usersByEmail(companyId, contact.email)
      const found = await Promise.all(users.map(async ({ locationId: at, userId }) => ({ account: await accounts.get(companyId, at), userId })))
      return found.flatMap(({ account, userId }) => (account === null ? [] : [{ account, userId }]))
    } catch (error) {
      // A contact that this sub-account does not have.
      if (error instanceof PermanentError && strangers.has(error.code)) return []
      throw error
    }
  }

  async function standingsOf(companyId: string, locationId: string, contactId: string): Promise<[Standing, ...Standing[]]> {
    const standings: Standing[] = []
    for (const subject of await subjectsOf(companyId, contactId)) {
      const [kind, at, userId] = subject.split(':')
      const account = at === undefined ? null : await accounts.get(companyId, at)
      if (account === null || (kind !== 'user' && kind !== 'account')) continue
      const user = kind === 'user' && userId !== undefined ? await accounts.user(companyId, account.locationId, userId) : null
      if (kind === 'user' && (user === null || user.removedAt !== null)) continue
      standings.push({ account, userId: user?.userId ?? null })
    }
    const [first, ...rest] = standings.length > 0 ? standings : await foundByEmail(companyId, locationId, contactId)
    if (first === undefined) throw new RequestError(404, 'contact_unknown', 'This contact stands for nobody in a customer\'s account. The action works for contacts whose e-mail address is that of a user of one of the accounts.')
    return [first, ...rest]
  }

  /** @returns the answer of an earlier run that this one repeats, or the id under which this one may go on */
  async function claim(base: Omit<ActionRunRecord, '_id' | 'begunAt' | 'answer' | 'expireAt'>, print: string): Promise<{ answer: Record<string, unknown> } | { id: string }> {
    const nowMs = clock.nowMs()
    const minute = Math.floor(nowMs / sameRunMs)
    const idOf = (slot: number): string => hashOf('marketplace-action', base.companyId, base.workflowId, base.contactId, base.actionKey, print, String(slot)).slice(0, 40)
    const inProgress = new RetryAfterError('action_in_progress', 'The same step is being carried out for this contact right now.', 2 * secondMs)
    // A repetition may come after the minute has turned.
    const earlier = await runs.findOne({ _id: idOf(minute - 1), companyId: base.companyId }).lean<ActionRunRecord>()
    const known = earlier !== null && nowMs - earlier.begunAt.getTime() < sameRunMs ? earlier : await runs.findOne({ _id: idOf(minute), companyId: base.companyId }).lean<ActionRunRecord>()
    if (known === null) {
      try {
        const now = clock.now()
        await runs.create([{ ...base, _id: idOf(minute), begunAt: now, answer: null, expireAt: new Date(nowMs + keptMs) }])
        return { id: idOf(minute) }
      } catch (error) {
        if (isDuplicateKey(error)) throw inProgress
        throw error
      }
    }
    if (known.answer !== null) return { answer: known.answer }
    if (nowMs - known.begunAt.getTime() < runMs) throw inProgress
    const { matchedCount } = await runs.updateOne({ _id: known._id, companyId: base.companyId, begunAt: known.begunAt, answer: null }, { $set: { begunAt: clock.now() } })
    if (matchedCount === 0) throw inProgress
    return { id: known._id }
  }

  return {
    async run(key, { data, extras, meta }) {
      const action = handlers[key]
      if (action === undefined || (meta?.key !== undefined && meta.key !== key)) {
        throw new RequestError(404, 'unknown_action', `The app has no action "${action === undefined ? key : (meta?.key ?? key)}" here. Its actions are: ${catalog.map((one) => one.key).join(', ')}.`)
      }
      const place = await places.of({ ...extras, appId: extras.appId ?? meta?.appId })
      if (!place.team) throw new RequestError(403, 'not_success_location', 'This action works in the agency\'s own sub-account only, where its team keeps its customers as contacts.')
      const { companyId } = place
      const { contactId, workflowId } = extras
      const standings = await standingsOf(companyId, place.locationId, contactId)
      const { branches = [], ...fields } = data
      const run = (idempotencyKey: string): ActionRun => ({
        companyId, contactId, workflowId, data: fields, branches, standings, idempotencyKey,
        actor: { kind: 'crm', id: workflowId, name: 'A workflow' },
      })
      if (!action.once) return action.handle(run(''), deps)
      const claimed = await claim({ companyId, workflowId, contactId, actionKey: key }, hashOf(canonical(data)))
      if ('answer' in claimed) return claimed.answer
      try {
        const answer = await action.handle(run(`workflow:${claimed.id}`), deps)
        await runs.updateOne({ _id: claimed.id, companyId }, { $set: { answer } })
        return answer
      } catch (error) {
        // Refused: nothing was done, and the mended step may come at once.
        if (error instanceof RequestError) await runs.deleteOne({ _id: claimed.id, companyId, answer: null })
        throw error
      }
    },
  }
}
