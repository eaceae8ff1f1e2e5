import { z } from 'zod'
import {
  accountParams,
  accountUserParams,
  answerChange,
  answerParams,
  answerView,
  feedbackRequest,
  feedbackRequestResult,
  givenAnswer,
  myFeedback,
  myFeedbackQuery,
  newAnswer,
  promptInspection,
  promptOutcome,
  promptOutcomeView,
  promptView,
} from '../http/contract/feedback.ts'
import { notFound } from '../kernel/errors.ts'
import { defineRoute, sessionOf, type Route, type Session } from '../kernel/route.ts'
import type { UserKey } from './answer-book.ts'
import type { Feedback } from './service.ts'

function userOf(session: Session): UserKey {
  if (session.locationId === null) throw notFound('account')
  return { companyId: session.companyId, locationId: session.locationId, userId: session.userId }
}

/** What the widget calls. */
function widgetRoutes({ answers, prompts }: Feedback, seen?: (user: UserKey) => Promise<void>): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/prompt',
      access: 'session',
      summary: 'Should this person be asked now, why, when next, and with which words. Records nothing but that they are there.',
      responses: { 200: { description: 'The decision.', schema: promptView } },
      async handler(request) {
        const session = sessionOf(request)
        if (session.role === 'account_user' && session.locationId !== null) await seen?.(userOf(session))
        return { status: 200, json: await prompts.view(session, request.headers['accept-language']) }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/me/feedback',
      access: 'account_user',
      summary: "One's own answers, when one is asked next, and who reads them.",
      query: myFeedbackQuery,
      responses: { 200: { description: "The person's own feedback.", schema: myFeedback }, 404: { description: 'The sub-account is not known.' } },
      handler: async (request) => ({ status: 200, json: await prompts.mine(sessionOf(request), request.query, request.headers['accept-language']) }),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/prompt/outcome',
      access: 'account_user',
      needs: 'own',
      summary: 'The prompt was shown, put off or closed; counts once per prompt.',
      body: promptOutcome,
      responses: {
        200: { description: 'Whether it was new, and when the user is asked next.', schema: promptOutcomeView },
        409: { description: "The prompt is not this user's." },
      },
      handler: async (request) => ({ status: 200, json: await prompts.record(sessionOf(request), request.body) }),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/answers',
      access: 'account_user',
      needs: 'own',
      summary: 'Give an answer. The same idempotency key is the same answer.',
      body: newAnswer,
      ratePerMinute: 60,
      responses: {
        201: { description: 'Recorded.', schema: givenAnswer },
        200: { description: 'Recorded before, by the same request.', schema: givenAnswer },
        403: { description: 'Feedback is off (`feedback_off`), or the user left (`user_removed`).' },
        409: { description: 'The key was used for another answer.' },
      },
      async handler(request) {
        const session = sessionOf(request)
        const { level, comment, idempotencyKey, source = 'widget' } = request.body
        const { created, answer } = await answers.give(
          { ...userOf(session), userName: session.userName },
          { level, comment, idempotencyKey, source },
        )
        const did = await prompts.news(userOf(session), answer.answerId, request.headers['accept-language'])
        return { status: created ? 201 : 200, json: { ...answer, did } }
      },
    }),
    defineRoute({
      method: 'PATCH',
      path: '/api/answers/:id',
      access: 'account_user',
      needs: 'own',
      summary: "Change one's own answer for some minutes.",
      params: answerParams,
      body: answerChange,
      ratePerMinute: 60,
      responses: {
        200: { description: 'As it says now.', schema: answerView },
        404: { description: "Not this user's answer." },
        409: { description: 'Too late, or changed too often.' },
      },
      handler: async (request) => ({
        status: 200,
        json: await answers.change(userOf(sessionOf(request)), request.params.id, request.body),
      }),
    }),
  ]
}

/** What the agency's people call. */
function agencyRoutes({ prompts, links }: Feedback): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/accounts/:locationId/users/:userId/prompt',
      access: 'agency',
      summary: 'Why this user was, or was not, asked: every gate, and when next.',
      params: accountUserParams,
      responses: { 200: { description: 'The inspection.', schema: promptInspection }, 404: { description: 'No such account or user.' } },
      handler: async (request) => ({
        status: 200,
        json: await prompts.inspect(sessionOf(request).companyId, request.params.locationId, request.params.userId),
      }),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/accounts/:locationId/request-feedback',
      access: 'agency',
      needs: 'own_book',
      summary: "Ask this account's users, or some of them, at their next visit, whatever their clocks say.",
      params: accountParams,
      body: feedbackRequest,
      responses: {
        200: { description: 'Who is asked, and who is not and why.', schema: feedbackRequestResult },
        404: { description: 'No such account.' },
        409: { description: 'Feedback is off, or the account is churned.' },
      },
      async handler(request) {
        const session = sessionOf(request)
        const actor = { kind: 'agency_user' as const, id: session.userId, name: session.userName }
        return { status: 200, json: await prompts.requestNow(session.companyId, request.params.locationId, request.body, actor, 'page') }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/accounts/:locationId/users/:userId/feedback-link',
      access: 'agency',
      needs: 'own_book',
      summary: 'A one-tap link for this user, to be sent by hand.',
      params: accountUserParams,
      responses: {
        200: { description: 'The link.', schema: z.object({ url: z.url() }) },
        404: { description: 'No such account or user.' },
      },
      async handler(request) {
        const { companyId } = sessionOf(request)
        const { locationId, userId } = request.params
        await prompts.inspect(companyId, locationId, userId)
        return { status: 200, json: { url: await links.linkFor(companyId, locationId, userId) } }
      },
    }),
  ]
}

/** @param seen told of every account user whose widget asks: a sign of life */
export function feedbackRoutes(feedback: Feedback, seen?: (user: UserKey) => Promise<void>): Route[] {
  return [...widgetRoutes(feedback, seen), ...agencyRoutes(feedback)]
}
