/** The four answers in their fixed order, worst first; the order is never changed. */
export const levels = ['not_happy', 'neutral', 'happy', 'very_happy'] as const
export type Level = (typeof levels)[number]
