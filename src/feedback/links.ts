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
import { questionPage, refusalPage, savedPage, settledPage } from './link-page.ts'
import { issueLinkToken, readLinkToken } from './link-token.ts'
import { editableUntil, keptComment } from './rules.ts'
import { wordsFor, type SpokenWords } from './words/index.ts'

/** One-tap links: an answer without a login, for one user, for some days, once. */
export interface Links {
  /** A fresh link for one user, for `{{ feedback_link }}` in messages. It is not checked here whether the user may answer: the page does that. */
  linkFor(companyId: string, locationId: string, userId: string): Promise<string>
  /** The page behind a link. Records nothing. @param languages the reader's, as browsers send them */
  show(token: string, preselected: string | undefined, languages: string | undefined): Promise<RouteResponse>
  /** Takes the answer, or changes it within the minutes that the agency allows. */
  submit(token: string, form: { level: string | undefined; comment: string | undefined }, wantsJson: boolean, languages: string | undefined): Promise<RouteResponse>
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
  words: SpokenWords
}

type RefusalKind = 'expired' | 'invalid' | 'gone' | 'off' | 'tooLate'

interface Refusal {
  status: number
  code: string
  why: RefusalKind
  words: SpokenWords
  brand: AgencySettings['brand']
}

function levelOf(text: string | undefined): HappinessLevel | null {
  return happinessLevels.find((level) => level === text) ?? null
}

export function createLinks({ box, publicUrl, clock, book, answers, accounts, settings }: LinksDeps): Links {
  const keys = box.signingKeys('one-tap')
  // Until the agency is known from a proven token, nothing of anybody's brand is shown.
  const anonymous = { ...defaultAgencySettings.brand, name: 'Feedback' }

  async function open(token: string, languages: string | undefined): Promise<{ link: OpenLink } | { refusal: Refusal }> {
    const reading = readLinkToken(token, clock.now(), keys)
    if (reading.kind === 'forged') return { refusal: { status: 404, code: 'link_invalid', why: 'invalid', words: wordsFor(defaultAgencySettings, languages), brand: anonymous } }
    const { companyId, locationId, userId } = reading.user
    if (reading.kind === 'expired') {
      const agency = await settings.get(companyId)
      return { refusal: { status: 410, code: 'link_expired', why: 'expired', words: wordsFor(agency, languages), brand: agency.brand } }
    }
    const [account, person, rules] = await Promise.all([
      accounts.get(companyId, locationId),
      accounts.user(companyId, locationId, userId),
      settings.get(companyId),
    ])
    const words = wordsFor(rules, languages)
    if (account === null || person === null || person.removedAt !== null)
      return { refusal: { status: 410, code: 'user_removed', why: 'gone', words, brand: rules.brand } }
    if (!account.feedbackEnabled || !rules.prompt.enabled)
      return { refusal: { status: 403, code: 'feedback_off', why: 'off', words, brand: rules.brand } }
    return {
      link: { user: { companyId, locationId, userId, userName: person.name }, idempotencyKey: `link:${reading.linkId}`, settings: rules, words },
    }
  }

  function refuse({ status, code, why, words, brand }: Refusal, wantsJson: boolean): RouteResponse {
    const refused = words.link[why]
    return wantsJson ? { status, json: { error: { code, message: `${refused.title}. ${refused.text}` } } } : refusalPage(status, refused, brand, words)
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

    async show(token, preselected, languages) {
      const opened = await open(token, languages)
      if ('refusal' in opened) return refuse(opened.refusal, false)
      const { link } = opened
      const given = await book.find(link.user.companyId, answerIdOf(link.user, link.idempotencyKey))
      if (given !== null) {
        const open = clock.now() <= editableUntil(given.at, link.settings.answers.editMinutes)
        return open ? savedPage(link.settings, link.words, given.level, given.comment ?? '') : settledPage(link.settings, link.words, given.level)
      }
      const newest = await book.newestOf(link.user)
      return questionPage({ settings: link.settings, words: link.words, answeredBefore: newest !== null, chosen: levelOf(preselected), comment: '' })
    },

    async submit(token, form, wantsJson, languages) {
      const opened = await open(token, languages)
      if ('refusal' in opened) return refuse(opened.refusal, wantsJson)
      const { link } = opened
      const level = levelOf(form.level)
      const { maxCommentLength } = link.settings.answers
      const comment = form.comment ?? ''
      const problem =
        level === null ? link.words.link.chooseOne : comment.length > maxCommentLength ? link.words.link.commentTooLong(maxCommentLength) : null
      if (level === null || problem !== null) {
        const message = problem ?? link.words.link.chooseOne
        return wantsJson
          ? { status: 400, json: { error: { code: 'invalid_input', message } } }
          : questionPage({ settings: link.settings, words: link.words, answeredBefore: false, chosen: level, comment, problem: message })
      }
      try {
        const answer = await take(link, level, form.comment)
        return wantsJson
          ? { status: 200, json: { answerId: answer.answerId, level: answer.level } }
          : savedPage(link.settings, link.words, answer.level, answer.comment ?? '')
      } catch (error) {
        if (error instanceof RequestError && (error.code === 'too_late' || error.code === 'too_many_changes')) {
          return refuse({ status: 409, code: error.code, why: 'tooLate', words: link.words, brand: link.settings.brand }, wantsJson)
        }
        throw error
      }
    },
  }
}
