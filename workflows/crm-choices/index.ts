export { createCrmChoices, numericTypes } from './choices.ts'
export { createStepFindings, type StepFinding } from './findings.ts'
export { crmChoiceRoutes } from './routes.ts'
