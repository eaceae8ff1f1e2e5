export { createCrmChoices, isOwnTag, numericTypes, writableTypes, type CrmChoiceReader, type CrmChoices, type CrmChoicesDeps } from './choices.ts'
export { createStepFindings, type StepFinding } from './findings.ts'
export { crmChoiceRoutes } from './routes.ts'
