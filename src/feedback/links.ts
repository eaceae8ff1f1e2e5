import type { Accounts } from '../accounts/index.ts'
import type { AgencySettings } from '../http/contract/settings.ts'
import { dayMs, type Clock } from '../kernel/clock.ts'
import type { CryptoBox } from '../kernel/crypto-box.ts'
import { RequestError } from '../kernel/errors.ts'
import { happinessLevels, type HappinessLevel } from '../kernel/levels.ts'
import type { RouteResponse } from '../kernel/route.ts'
import { defaultAgencySettings } from '../http/contract/settings.ts'
import type { Settings } from '../settings/index.ts'
import { answerIdOf, type AnswerBook, type UserKey } from './answer-book.ts'
import type { Answers, Respondent } from './answers.ts'
import { linkCopy } from './link-copy.ts'
import { questionPage, refusalPage, savedPage, settledPage } from './link-page.ts'
import { issueLinkToken, readLinkToken } from './link-token.ts'
import { editableUntil, keptComment } from './rules.ts'

/** One-tap links: an answer without a login, for one user, for some days, once. */
export interface Links {
  /** A fresh link for one user, for `{{ feedback_link }}` in messages. It is not checked here whether the user may answer: the page does that. */
  linkFor(companyId: string, locationId: string, userId: string): Promise<string>
  /** The page behind a link. Records nothing. */
  show(token: string, preselected: string | undefined): Promise<RouteResponse>
  /** Takes the answer, or changes it within the minutes that the agency allows. */
  submit(token: string, form: { level: string | undefined; comment: string | undefined }, wantsJson: boolean): Promise<RouteResponse>
}

export interface LinksDeps {
  box: Pick<CryptoBox, 'signingKeys'>
  /** Address of this server, without a trailing slash. */
  publicUrl: string
  clock: Clock
  book: AnswerBook
  answers: Answers
  accounts: Pick<Accounts, 'get' | 'user'>
  settings: Pick<Settings, 'get'>
}

interface OpenLink {
  user: Respondent
  idempotencyKey: string
  settings: AgencySettings
}

type Refusal = { status: number; code: string; words: { title: string; text: string }; brand: AgencySettings['brand'] }

function levelOf(text: string | undefined): HappinessLevel | null {
  return happinessLevels.find((level) => level === text) ?? null
}

export function createLinks({ box, publicUrl, clock, book, answers, accounts, settings }: LinksDeps): Links {
  const keys = box.signingKeys('one-tap')
  // Until the agency is known from a proven token, nothing of anybody's brand is shown.
  const anonymous = { ...defaultAgencySettings.brand, name: 'Feedback' }

  async function open(token: string): Promise<{ link: OpenLink } | { refusal: Refusal }> {
    const reading = readLinkToken(token, clock.now(), keys)
    if (reading.kind === 'forged') return { refusal: { status: 404, code: 'link_invalid', words: linkCopy.invalid, brand: anonymous } }
    const { companyId, locationId, userId } = reading.user
    if (reading.kind === 'expired') return { refusal: { status: 410, code: 'link_expired', words: linkCopy.expired, brand: (await settings.get(companyId)).brand } }
    const [account, person, rules] = await Promise.all([
      accounts.get(companyId, locationId),
      accounts.user(companyId, locationId, userId),
      settings.get(companyId),
    ])
    if (account === null || person === null || person.removedAt !== null)
      return { refusal: { status: 410, code: 'user_removed', words: linkCopy.gone, brand: rules.brand } }
    if (!account.feedbackEnabled || !rules.prompt.enabled)
      return { refusal: { status: 403, code: 'feedback_off', words: linkCopy.off, brand: rules.brand } }
    return {
      link: { user: { companyId, locationId, userId, userName: person.name }, idempotencyKey: `link:${reading.linkId}`, settings: rules },
    }
  }

  function refuse({ status, code, words, brand }: Refusal, wantsJson: boolean): RouteResponse {
    return wantsJson ? { status, json: { error: { code, message: `${words.title}. ${words.text}` } } } : refusalPage(status, words, brand)
  }

  /** Takes the answer of a link, once; later submissions of the same link change it. */
  async function take(
    link: OpenLink,
    level: HappinessLevel,
    comment: string | undefined,
  ): Promise<{ answerId: string; level: HappinessLevel; comment: string | null }> {
    const user: UserKey = link.user
    const answerId = answerIdOf(user, link.idempotencyKey)
    const change = () => answers.change(user, answerId, { level, comment: keptComment(comment) })
    if ((await book.find(user.companyId, answerId)) !== null) return change()
    try {
      return (await answers.give(link.user, { level, comment, idempotencyKey: link.idempotencyKey, source: 'link' })).answer
    } catch (error) {
      // Submitted twice at the same moment with different contents: the other one was first, this one is the change.
      if (error instanceof RequestError && error.code === 'idempotency_conflict') return change()
      throw error
    }
  }

  return {
    async linkFor(companyId, locationId, userId) {
      const { linkValidDays } = (await settings.get(companyId)).answers
      const expiresAt = new Date(clock.nowMs() + linkValidDays * dayMs)
      return `${publicUrl}/a/${issueLinkToken({ companyId, locationId, userId }, expiresAt, keys)}`
    },

    async show(token, preselected) {
      const opened = await open(token)
      if ('refusal' in opened) return refuse(opened.refusal, false)
      const { link } = opened
      const given = await book.find(link.user.companyId, answerIdOf(link.user, link.idempotencyKey))
      if (given !== null) {
        const open = clock.now() <= editableUntil(given.at, link.settings.answers.editMinutes)
        return open ? savedPage(link.settings, given.level, given.comment ?? '') : settledPage(link.settings, given.level)
      }
      const newest = await book.newestOf(link.user)
      return questionPage({ settings: link.settings, answeredBefore: newest !== null, chosen: levelOf(preselected), comment: '' })
    },

    async submit(token, form, wantsJson) {
      const opened = await open(token)
      if ('refusal' in opened) return refuse(opened.refusal, wantsJson)
      const { link } = opened
      const level = levelOf(form.level)
      const { maxCommentLength } = link.settings.answers
      const comment = form.comment ?? ''
      const problem =
        level === null ? linkCopy.chooseOne : comment.length > maxCommentLength ? linkCopy.commentTooLong(maxCommentLength) : null
      if (level === null || problem !== null) {
        const message = problem ?? linkCopy.chooseOne
        return wantsJson
          ? { status: 400, json: { error: { code: 'invalid_input', message } } }
          : questionPage({ settings: link.settings, answeredBefore: false, chosen: level, comment, problem: message })
      }
      try {
        const answer = await take(link, level, form.comment)
        return wantsJson
          ? { status: 200, json: { answerId: answer.answerId, level: answer.level } }
          : savedPage(link.settings, answer.level, answer.comment ?? '')
      } catch (error) {
        if (error instanceof RequestError && (error.code === 'too_late' || error.code === 'too_many_changes')) {
          return refuse({ status: 409, code: error.code, words: linkCopy.tooLate, brand: link.settings.brand }, wantsJson)
        }
        throw error
      }
    },
  }
}
