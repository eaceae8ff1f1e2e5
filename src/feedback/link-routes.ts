import { linkAnswer, linkParams, linkQuery } from '../http/contract/feedback.ts'
import { defineRoute, type Route } from '../kernel/route.ts'
import type { Links } from './links.ts'

/** The one-tap pages: no login, the token is the proof. */
export function linkRoutes(links: Links): Route[] {
  const refusals = {
    403: { description: 'Feedback is off for the account.' },
    404: { description: 'Not a link of ours.' },
    410: { description: 'Expired, or its user left.' },
  }
  return [
    defineRoute({
      method: 'GET',
      path: '/a/:token',
      access: 'public',
      summary: 'The page behind a one-tap link. Opening it records nothing.',
      params: linkParams,
      query: linkQuery,
      ratePerMinute: 60,
      responses: { 200: { description: 'The question, or the answer given.' }, ...refusals },
      handler: (request) => links.show(request.params.token, request.query.l, request.headers['accept-language']),
    }),
    defineRoute({
      method: 'POST',
      path: '/a/:token',
      access: 'public',
      needs: 'proof',
      summary: 'Take the answer of a one-tap link, or change it for some minutes.',
      params: linkParams,
      body: linkAnswer,
      ratePerMinute: 30,
      responses: {
        200: { description: 'Recorded.' },
        400: { description: 'No level chosen, or the comment is too long.' },
        409: { description: 'It can no longer be changed.' },
        ...refusals,
      },
      handler: (request) =>
        links.submit(request.params.token, { level: request.body.level, comment: request.body.comment }, wantsJson(request.headers), request.headers['accept-language']),
    }),
  ]
}

/** Browsers post the form and want a page; whoever posts JSON, or asks for it only, wants JSON. */
function wantsJson(headers: Readonly<Record<string, string | undefined>>): boolean {
  const accept = headers['accept'] ?? ''
  if (accept.includes('text/html')) return false
  return accept.includes('application/json') || (headers['content-type'] ?? '').startsWith('application/json')
}
