/** Happiness Level: how satisfied an account's users are with our service; set by their answers. Worst first. */
export const happinessLevels = ['not_happy', 'neutral', 'happy', 'very_happy'] as const
export type HappinessLevel = (typeof happinessLevels)[number]

/** Health Status: how the customer's business is doing; set by a CSM. Worst first. */
export const healthLevels = ['struggling', 'steady', 'healthy', 'thriving'] as const
export type HealthLevel = (typeof healthLevels)[number]

/** The words people and HighLevel's fields and stages use. */
export const happinessLabels: Record<HappinessLevel, string> = {
  not_happy: 'Not Happy',
  neutral: 'Neutral',
  happy: 'Happy',
  very_happy: 'Very Happy',
}

export const healthLabels: Record<HealthLevel, string> = {
  struggling: 'Struggling',
  steady: 'Steady',
  healthy: 'Healthy',
  thriving: 'Thriving',
}
