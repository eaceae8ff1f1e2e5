import type { Route } from '../kernel/route.ts'
import { linkRoutes } from './link-routes.ts'
import { feedbackRoutes as apiRoutes } from './routes.ts'
import type { Feedback } from './service.ts'

export { createAnswerBook, type AnswerBook } from './answer-book.ts'
export { createFeedback, type Feedback } from './service.ts'

/** All routes of this feature: the widget's, the agency's, the one-tap pages. */
export function feedbackRoutes(feedback: Feedback): Route[] {
  return [...apiRoutes(feedback), ...linkRoutes(feedback.links)]
}
