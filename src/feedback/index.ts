import type { Route } from '../kernel/route.ts'
import { linkRoutes } from './link-routes.ts'
import { feedbackRoutes as apiRoutes } from './routes.ts'
import type { Feedback } from './service.ts'

export { createAnswerBook, type AnswerBook, type UserKey } from './answer-book.ts'
export type { AnswerRecord } from './model.ts'
export { createFeedback, type Feedback } from './service.ts'

/** All routes of this feature: the widget's, the agency's, the one-tap pages. @param seen told of every account user whose widget asks */
export function feedbackRoutes(feedback: Feedback, seen?: Parameters<typeof apiRoutes>[1]): Route[] {
  return [...apiRoutes(feedback, seen), ...linkRoutes(feedback.links)]
}
