import { notificationList, notificationsQuery, preferenceChange, preferenceList, readAnswer, readRequest } from '../http/contract/notifications.ts'
import { defineRoute, sessionOf, type Route } from '../kernel/route.ts'
import type { Notifications } from './service.ts'

/** A person's own notifications and preferences. */
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
        const { page, pageSize, unread } = request.query
        const found = await notifications.list(sessionOf(request), { page, pageSize, unread: unread === 'true' })
        return { status: 200, json: { ...found, page, pageSize } }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/notifications/read',
      access: 'agency',
      summary: 'Marks some or all of the person’s notifications as read',
      body: readRequest,
      responses: { 200: { description: 'What is left unread', schema: readAnswer } },
      handler: async (request) => ({ status: 200, json: { unread: await notifications.markRead(sessionOf(request), request.body) } }),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/notifications/preferences',
      access: 'agency',
      summary: 'What reaches the person, by kind and channel',
      responses: { 200: { description: 'Preferences', schema: preferenceList } },
      handler: async (request) => ({ status: 200, json: await notifications.preferences(sessionOf(request)) }),
    }),
    defineRoute({
      method: 'PUT',
      path: '/api/notifications/preferences',
      access: 'agency',
      summary: 'Changes what reaches the person; kinds left out stay as they are',
      body: preferenceChange,
      responses: { 200: { description: 'Preferences', schema: preferenceList }, 422: { description: 'There is no such kind' } },
      handler: async (request) => ({ status: 200, json: await notifications.setPreferences(sessionOf(request), request.body) }),
    }),
  ]
}
