import type { Connection } from 'mongoose'
import type { Account, Accounts } from '../accounts/index.ts'
import type { Cases } from '../cases/index.ts'
import type { Actor, DomainEvent, EventSource } from '../events/index.ts'
import type {
  FeedbackRequest,
  FeedbackRequestResult,
  MyFeedback,
  PromptInspection,
  PromptOutcome,
  PromptReason,
  PromptView,
} from '../http/contract/feedback.ts'
import type { MyDeed } from '../http/contract/deeds.ts'
import type { AgencySettings } from '../http/contract/settings.ts'
import { hourMs, type Clock } from '../kernel/clock.ts'
import { CodedError, notFound, RequestError } from '../kernel/errors.ts'
import type { ForgottenPerson } from '../kernel/forgotten.ts'
import { hashOf, newId } from '../kernel/ids.ts'
import type { Session } from '../kernel/route.ts'
import type { Settings } from '../settings/index.ts'
import { isDuplicateKey } from '../store/index.ts'
import type { AnswerBook, UserKey } from './answer-book.ts'
import { cardWordsOf, newsOf, gateLabels, refusals, widgetCopyOf } from './copy.ts'
import { feedbackModels, type AnswerRecord, type PromptClockRecord } from './model.ts'
import {
  applyOutcome,
  applyRequest,
  decidePrompt,
  freshClock,
  promptSeed,
  type PromptClock,
  type PromptDecision,
  type PromptState,
} from './prompt-rules.ts'
import { answerViewOf, editableUntil, nextAskOf } from './rules.ts'

/** Who is asked when: one clock per account user, kept here. */
export interface Prompts {
  /** What to say to a person who has just answered; said once, and again only for the same answer. */
  news(user: UserKey, answerId: string, languages: string | undefined): Promise<string[]>
  /** What the widget shows this person now. Records nothing. */
  view(session: Session, languages?: string): Promise<PromptView>
  /** What this person may see about their own feedback. @throws RequestError 404 outside of a sub-account that is known */
  mine(session: Session, paging: { page: number; pageSize: number }, languages?: string): Promise<MyFeedback>
  /** Shown, later or closed; counts once per prompt. @throws RequestError 409 `prompt_gone` for a prompt that was never given to this user */
  record(session: Session, outcome: PromptOutcome): Promise<{ recorded: boolean; nextAt: string | null }>
  /** Why somebody was, or was not, asked. @throws RequestError 404 */
  inspect(companyId: string, locationId: string, userId: string): Promise<PromptInspection>
  /** Makes prompts due at once, whatever the users' clocks say. @throws RequestError 404; 409 `feedback_off`, `account_churned` */
  requestNow(
    companyId: string,
    locationId: string,
    request: FeedbackRequest,
    actor: Actor,
    source: EventSource,
  ): Promise<FeedbackRequestResult>
  /** Takes away when this person was asked and how they reacted. Idempotent. */
  forget(person: ForgottenPerson): Promise<void>
  purge(companyId: string): Promise<void>
}

export interface PromptsDeps {
  connection: Connection
  clock: Clock
  book: AnswerBook
  accounts: Pick<Accounts, 'get' | 'user' | 'users' | 'agencyUser'>
  cases: Pick<Cases, 'openCaseOf' | 'openCasesOf'>
  settings: Pick<Settings, 'get'>
  events: { append(event: DomainEvent): Promise<unknown> }
  /** What the team did, as the person may read it. */
  deeds?: { shownTo(user: UserKey): Promise<MyDeed[]>; newsFor(user: UserKey, answerId: string): Promise<MyDeed | null> }
  /** Told of every reaction that counts, before it is stored, so that a crash may repeat it but not lose it. Must be idempotent. */
  reacted?: (reaction: UserKey & { kind: 'shown' | 'later' | 'closed'; at: Date; dueAt: Date }) => Promise<void>
}

/** A person and everything the decision about them depends on. */
interface Situation {
  state: PromptState
  rules: AgencySettings
  newest: AnswerRecord | null
  record: PromptClockRecord | null
  name: string | null
  openCaseId: string | null
}

const keptHistory = 20
const promptGraceMs = 12 * hourMs
const maxAttempts = 20

function zoneOf(account: Account | null): string {
  return account?.timezone ?? 'utc'
}

function isChurned(account: Account): boolean {
  return account.group === 'churned' || account.removedAt !== null
}

function instant(text: string | null): Date | null {
  return text === null ? null : new Date(text)
}

export function createPrompts({ connection, clock, book, accounts, cases, settings, events, deeds, reacted }: PromptsDeps): Prompts {
  const { clocks } = feedbackModels(connection)
  const idOf = (user: UserKey) => `${user.companyId}:${user.locationId}:${user.userId}`

  function readClock(user: UserKey): Promise<PromptClockRecord | null> {
    return clocks.findOne({ _id: idOf(user), companyId: user.companyId }).lean<PromptClockRecord>()
  }

  async function situationOf(user: UserKey, isAgencyStaff: boolean): Promise<Situation> {
    const { companyId, locationId, userId } = user
    const [account, person, rules, openCase, newest, record] = await Promise.all([
      accounts.get(companyId, locationId),
      accounts.user(companyId, locationId, userId),
      settings.get(companyId),
      cases.openCaseOf(companyId, locationId, userId),
      book.newestOf(user),
      readClock(user),
    ])
    const state: PromptState = {
      feedbackEnabled: account !== null && account.feedbackEnabled && rules.prompt.enabled,
      isAgencyStaff,
      user: person === null ? null : { joinedAt: instant(person.joinedAt), removedAt: instant(person.removedAt) },
      accountChurned: account !== null && isChurned(account),
      openCaseAt: openCase?.openedAt ?? null,
      lastAnswerAt: newest?.at ?? null,
      clock: record ?? freshClock,
      zone: zoneOf(account),
    }
    return { state, rules, newest, record, name: person?.name ?? null, openCaseId: openCase?.caseId ?? null }
  }

  function promptIdOf(user: UserKey, state: PromptState, at: Date): string {
    return hashOf('prompt', idOf(user), promptSeed(state, at)).slice(0, 24)
  }

  /** Stores a clock if nobody else did since it was read. */
  async function storeClock(
    user: UserKey,
    before: PromptClockRecord | null,
    next: PromptClock,
    entry?: PromptClockRecord['history'][number],
  ): Promise<boolean> {
    const { anchor, shownAt, skippedCycles, prompts } = next
    const history = [...(before?.history ?? []), ...(entry === undefined ? [] : [entry])].slice(-keptHistory)
    const changes = { anchor, shownAt, skippedCycles, prompts, history, version: (before?.version ?? 0) + 1 }
    if (before !== null) {
      const { matchedCount } = await clocks.updateOne(
        { _id: before._id, companyId: user.companyId, version: before.version },
        { $set: changes },
      )
      return matchedCount === 1
    }
    try {
      await clocks.create([{ _id: idOf(user), companyId: user.companyId, locationId: user.locationId, userId: user.userId, ...changes }])
      return true
    } catch (error) {
      if (isDuplicateKey(error)) return false
      throw error
    }
  }

  const busy = () => new CodedError('prompt_busy', 'This prompt is being answered elsewhere right now. Try again.')

  function buttonShown(decision: PromptDecision): boolean {
    return decision.gates.every((gate) => gate.passed || !['feedback_on', 'account_user', 'user_present'].includes(gate.key))
  }

  return {
    async view(session, languages) {
      if (session.role !== 'account_user' || session.locationId === null) {
        return { due: false, reason: 'agency_staff', nextAt: null, promptId: null, button: false, answer: null, copy: null }
      }
      const user = { companyId: session.companyId, locationId: session.locationId, userId: session.userId }
      const now = clock.now()
      const { state, rules, newest } = await situationOf(user, false)
      const decision = decidePrompt(state, rules.prompt, now)
      const button = buttonShown(decision)
      const { editMinutes } = rules.answers
      const editable = newest !== null && editableUntil(newest.at, editMinutes).getTime() >= now.getTime()
      return {
        enabled: rules.prompt.enabled,
        due: decision.due,
        reason: decision.reason,
        nextAt: decision.nextAt?.toISOString() ?? null,
        promptId: decision.due ? promptIdOf(user, state, now) : null,
        button,
        answer: button && editable ? answerViewOf(newest, editMinutes) : null,
        copy: button ? widgetCopyOf(rules, newest !== null, languages) : null,
      }
    },

    async mine(session, { page, pageSize }, languages) {
      if (session.role !== 'account_user' || session.locationId === null) throw notFound('account')
      const user = { companyId: session.companyId, locationId: session.locationId, userId: session.userId }
      const [account, given, total, { state, rules }, shown] = await Promise.all([
        accounts.get(user.companyId, user.locationId),
        book.listOf(user, pageSize, (page - 1) * pageSize),
        book.countOf(user),
        situationOf(user, false),
        deeds?.shownTo(user) ?? [],
      ])
      if (account === null) throw notFound('account')
      const now = clock.now()
      const decision = decidePrompt(state, rules.prompt, now)
      const reason = nextAskOf(decision)
      return {
        answers: { items: given.map((answer) => answerViewOf(answer, rules.answers.editMinutes)), page, pageSize, total },
        deeds: shown,
        next: { at: (reason === 'now' ? now : decision.nextAt)?.toISOString() ?? null, reason },
        team: { name: rules.brand.teamName, contactName: account.csm?.name ?? null },
        canAnswer: buttonShown(decision),
        copy: widgetCopyOf(rules, false, languages),
        words: cardWordsOf(rules, languages),
      }
    },

    async news(user, answerId, languages) {
      const deed = (await deeds?.newsFor(user, answerId)) ?? null
      return deed === null ? [] : newsOf(deed, await settings.get(user.companyId), languages)
    },

    async record(session, { outcome, promptId: named }) {
      if (session.locationId === null) throw notFound('account')
      const user = { companyId: session.companyId, locationId: session.locationId, userId: session.userId }
      for (let count = 1; count <= maxAttempts; count += 1) {
        const at = clock.now()
        const { state, rules, record } = await situationOf(user, false)
        const today = promptIdOf(user, state, at)
        const open = state.clock.prompts.findLast((prompt) => prompt.final === null)?.promptId
        const promptId = named ?? (decidePrompt(state, rules.prompt, at).due ? today : (open ?? today))
        const known = state.clock.prompts.some((prompt) => prompt.promptId === promptId)
        // A prompt that was given before midnight may be shown after it.
        const current = [at, new Date(at.getTime() - promptGraceMs)].some((day) => promptIdOf(user, state, day) === promptId)
        if (!known && !(current && decidePrompt(state, rules.prompt, at).due)) {
          throw new RequestError(409, 'prompt_gone', refusals.promptGone)
        }
        const next = applyOutcome(state.clock, { kind: outcome, promptId, at }, state.lastAnswerAt, rules.prompt, state.zone)
        if (next !== null) await reacted?.({ ...user, kind: outcome, at, dueAt: decidePrompt(state, rules.prompt, at).clockDueAt ?? at })
        if (next !== null && !(await storeClock(user, record, next, { at, kind: outcome }))) continue
        const after = decidePrompt({ ...state, clock: next ?? state.clock }, rules.prompt, at)
        return { recorded: next !== null, nextAt: after.nextAt?.toISOString() ?? null }
      }
      throw busy()
    },

    async inspect(companyId, locationId, userId) {
      const user = { companyId, locationId, userId }
      const [account, staff] = await Promise.all([accounts.get(companyId, locationId), accounts.agencyUser(companyId, userId)])
      if (account === null) throw notFound('account')
      const at = clock.now()
      const { state, rules, newest, record, name, openCaseId } = await situationOf(user, staff !== null)
      if (name === null && staff === null) throw notFound('user')
      const decision = decidePrompt(state, rules.prompt, at)
      const given = await book.listOf(user, keptHistory)
      const history = [
        ...given.map((answer) => ({ at: answer.at, kind: 'answered' as const, level: answer.level, source: answer.source })),
        ...(record?.history ?? []).map((entry) => ({ at: entry.at, kind: entry.kind, level: null, source: null })),
      ].sort((a, b) => b.at.getTime() - a.at.getTime())
      return {
        user: { userId, name: name ?? staff?.name ?? userId },
        checkedAt: at.toISOString(),
        timezone: state.zone,
        due: decision.due,
        reason: decision.reason,
        nextAt: decision.nextAt?.toISOString() ?? null,
        clockDueAt: decision.clockDueAt?.toISOString() ?? null,
        openCaseId,
        question: buttonShown(decision) ? widgetCopyOf(rules, newest !== null, rules.widget.copyLanguage).question : null,
        gates: decision.gates.map((gate) => ({ ...gate, at: gate.at?.toISOString() ?? null, label: gateLabels[gate.key] })),
        history: history.map((entry) => ({ ...entry, at: entry.at.toISOString() })),
      }
    },

    async requestNow(companyId, locationId, { userIds, note }, actor, source) {
      const [account, rules, people, openCases] = await Promise.all([
        accounts.get(companyId, locationId),
        settings.get(companyId),
        accounts.users(companyId, locationId),
        cases.openCasesOf(companyId, locationId),
      ])
      if (account === null) throw notFound('account')
      if (isChurned(account)) throw new RequestError(409, 'account_churned', 'This account is churned; its users are not asked.')
      if (!account.feedbackEnabled || !rules.prompt.enabled)
        throw new RequestError(409, 'feedback_off', 'Feedback is off for this account. Turn it on first.')
      const requested: string[] = []
      const skipped: { userId: string; reason: PromptReason }[] = []
      const at = clock.now()
      for (const userId of userIds === undefined ? people.map((person) => person.userId) : new Set(userIds)) {
        const user = { companyId, locationId, userId }
        if (!people.some((person) => person.userId === userId && person.removedAt === null))
          skipped.push({ userId, reason: 'user_removed' })
        else if (openCases.some((open) => open.userId === userId)) skipped.push({ userId, reason: 'case_open' })
        else {
          let stored = false
          for (let count = 1; count <= maxAttempts && !stored; count += 1) {
            const [record, newest] = await Promise.all([readClock(user), book.newestOf(user)])
            stored = await storeClock(user, record, applyRequest(record ?? freshClock, at, newest?.at ?? null))
          }
          if (!stored) throw busy()
          requested.push(userId)
        }
      }
      if (requested.length > 0) {
        const names = people.filter((person) => requested.includes(person.userId)).map((person) => person.name)
        const who = names.length <= 3 ? names.join(', ') : `${names.length} users`
        await events.append({
          key: `feedback.requested:${newId(at.getTime())}`,
          companyId,
          locationId,
          userId: requested.length === 1 ? (requested[0] ?? null) : null,
          type: 'feedback.requested',
          at,
          actor,
          source,
          summary: `${actor.name ?? 'The team'} asked ${who} for feedback.`,
          data: { accountName: account.name, userIds: requested, note: note ?? null },
        })
      }
      return { locationId, requested, skipped }
    },

    async forget({ companyId, userId, locationIds }) {
      await clocks.deleteMany({ _id: { $in: locationIds.map((locationId) => idOf({ companyId, locationId, userId })) }, companyId })
    },

    async purge(companyId) {
      await clocks.deleteMany({ companyId })
    },
  }
}
