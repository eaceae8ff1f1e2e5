import {
  chatRequest, chatTestAnswer, chatView, groupsQuery, notificationGroups, notificationList, notificationParams, notificationsQuery, preferenceChange, preferenceList, readAnswer,
  readRequest, traceList, traceQuery, watchList, watchParams, watchRequest, whyAnswer,
} from '../http/contract/notifications.ts'
import { defineRoute, sessionOf, type Route } from '../kernel/route.ts'
import type { Notifications } from './service.ts'

/** A person's own notifications and preferences, and the agency's shared chat. */
export function notificationRoutes(notifications: Notifications): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/notifications',
      access: 'agency',
      summary: 'The person’s notifications, newest first, and how many are unread',
      query: notificationsQuery,
      responses: { 200: { description: 'Notifications', schema: notificationList } },
      async handler(request) {
        const { page, pageSize, unread, kind, locationId } = request.query
        const found = await notifications.list(sessionOf(request), { page, pageSize, kind, locationId, unread: unread === 'true' })
        return { status: 200, json: { ...found, page, pageSize } }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/notifications/groups',
      access: 'agency',
      summary: 'The person’s notifications by account, the account with the newest first, each with its newest lines',
      query: groupsQuery,
      responses: { 200: { description: 'Notifications by account', schema: notificationGroups } },
      async handler(request) {
        const { page, pageSize, unread, kind } = request.query
        const found = await notifications.groups(sessionOf(request), { page, pageSize, kind, unread: unread === 'true' })
        return { status: 200, json: { ...found, page, pageSize } }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/notifications/read',
      access: 'agency',
      needs: 'own',
      summary: 'Marks some, all of one account’s, or all of the person’s notifications as read',
      body: readRequest,
      responses: { 200: { description: 'What is left unread', schema: readAnswer } },
      handler: async (request) => ({ status: 200, json: { unread: await notifications.markRead(sessionOf(request), request.body) } }),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/notifications/:id/why',
      access: 'agency',
      summary: 'Why the person got this: every fact in it with what was decided, and what became of it, on each channel',
      params: notificationParams,
      responses: { 200: { description: 'Decisions, newest fact first', schema: whyAnswer }, 404: { description: 'No such notification of this person' } },
      handler: async (request) => ({ status: 200, json: { items: await notifications.why(sessionOf(request), request.params.id) } }),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/notifications/decisions',
      access: 'agency',
      summary: 'Why the person did not get something: what the team was told, who was, and how the person was or why not',
      query: traceQuery,
      responses: { 200: { description: 'Facts, newest first', schema: traceList } },
      async handler(request) {
        const { page, pageSize } = request.query
        return { status: 200, json: { ...(await notifications.traces(sessionOf(request), request.query)), page, pageSize } }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/notifications/preferences',
      access: 'agency',
      summary: 'What reaches the person, by kind and channel, whose choice it is, and when digests and quiet hours are',
      responses: { 200: { description: 'Preferences', schema: preferenceList } },
      handler: async (request) => ({ status: 200, json: await notifications.preferences(sessionOf(request)) }),
    }),
    defineRoute({
      method: 'PUT',
      path: '/api/notifications/preferences',
      access: 'agency',
      needs: 'own',
      summary: 'Changes what reaches the person and when; what is left out stays as it is, null goes back to the agency’s choice',
      body: preferenceChange,
      responses: { 200: { description: 'Preferences', schema: preferenceList }, 422: { description: 'There is no such kind' } },
      handler: async (request) => ({ status: 200, json: await notifications.setPreferences(sessionOf(request), request.body) }),
    }),
    ...chatRoutes(notifications, 'own'),
    ...chatRoutes(notifications, 'agency'),
    defineRoute({
      method: 'GET',
      path: '/api/notifications/watches',
      access: 'agency',
      summary: 'Accounts that the person wants to be told about though somebody else looks after them',
      responses: { 200: { description: 'Accounts', schema: watchList } },
      handler: async (request) => ({ status: 200, json: { locationIds: await notifications.watches(sessionOf(request)) } }),
    }),
    defineRoute({
      method: 'PUT',
      path: '/api/notifications/watches/:locationId',
      access: 'agency',
      needs: 'own',
      summary: 'Watches an account, or stops watching it',
      params: watchParams,
      body: watchRequest,
      responses: { 200: { description: 'Accounts that the person watches now', schema: watchList }, 404: { description: 'No such account' } },
      handler: async (request) => ({ status: 200, json: { locationIds: await notifications.watch(sessionOf(request), request.params.locationId, request.body.watching) } }),
    }),
  ]
}

/** The same three routes for the person's own chat and, for admins, the agency's. */
function chatRoutes(notifications: Notifications, owner: 'own' | 'agency'): Route[] {
  const path = owner === 'own' ? '/api/notifications/chat' : '/api/notifications/agency-chat'
  const whom = owner === 'own' ? ({ access: 'agency', needs: 'own' } as const) : ({ access: 'agency_admin', needs: 'admin' } as const)
  const whose = owner === 'own' ? 'the person’s own chat' : 'the agency’s shared chat'
  const shown = { 200: { description: 'The chat; its address is never given out', schema: chatView } }
  return [
    defineRoute({
      method: 'PUT', path, ...whom,
      summary: `Sets the incoming webhook of ${whose} (Slack, Teams, Google Chat, Discord or any that takes {"text"})`,
      body: chatRequest,
      responses: { ...shown, 422: { description: 'The address is not allowed; the message says why' } },
      handler: async (request) => ({ status: 200, json: await notifications.setChat(sessionOf(request), owner, request.body.url) }),
    }),
    defineRoute({
      method: 'DELETE', path, ...whom,
      summary: `Takes ${whose} away`,
      responses: shown,
      handler: async (request) => ({ status: 200, json: await notifications.setChat(sessionOf(request), owner, null) }),
    }),
    defineRoute({
      method: 'POST', path: `${path}/test`, ...whom,
      summary: `Posts a test message to ${whose} and says whether it was taken`,
      ratePerMinute: 10,
      responses: { 200: { description: 'Whether the chat took it', schema: chatTestAnswer }, 404: { description: 'There is no chat yet' } },
      handler: async (request) => ({ status: 200, json: await notifications.testChat(sessionOf(request), owner) }),
    }),
  ]
}
