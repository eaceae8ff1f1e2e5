import { levelTrial, levelTrialResult } from '../http/contract/happiness.ts'
import type { Clock } from '../kernel/clock.ts'
import { defineRoute, type Route } from '../kernel/route.ts'
import { tryLevel } from './trial.ts'

export function happinessRoutes(clock: Clock): Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/api/settings/try-level',
      access: 'agency',
      needs: 'read',
      summary: 'Which level some answers would make by rules that need not be saved. Stores nothing.',
      body: levelTrial,
      responses: { 200: { description: 'The level, the figure it came from, and how much each answer counts.', schema: levelTrialResult } },
      handler: async (request) => ({ status: 200, json: tryLevel(request.body, clock.now()) }),
    }),
  ]
}
