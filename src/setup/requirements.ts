import type { FieldKey, PipelineKey } from '../effects/index.ts'
import type { NewCrmCustomField } from '../highlevel/index.ts'
import { happinessLabels, happinessLevels, healthLabels, healthLevels, type HappinessLevel, type HealthLevel } from '../kernel/levels.ts'

/** One custom field that contacts of the success location have. */
export interface FieldRequirement extends NewCrmCustomField {
  key: FieldKey
  /** Name in checks, for example `field.happiness_level`. */
  checkKey: string
  /** HighLevel's key of a field with this name. */
  fieldKey: string
  /** Types that can hold the values as well. */
  alsoFits: readonly string[]
}

const happinessOptions = happinessLevels.map((level) => happinessLabels[level])
const healthOptions = healthLevels.map((level) => healthLabels[level])

function field(key: FieldKey, name: string, dataType: NewCrmCustomField['dataType'], alsoFits: readonly string[], options?: string[]): FieldRequirement {
  const slug = name.toLowerCase().replaceAll(' ', '_')
  return { key, name, dataType, alsoFits, checkKey: `field.${slug}`, fieldKey: `contact.${slug}`, ...(options === undefined ? {} : { options }) }
}

/** In the order in which they are created. */
export const fieldRequirements: readonly FieldRequirement[] = [
  field('happinessLevel', 'Happiness Level', 'SINGLE_OPTIONS', ['RADIO', 'TEXT', 'LARGE_TEXT'], happinessOptions),
  field('healthStatus', 'Health Status', 'SINGLE_OPTIONS', ['RADIO', 'TEXT', 'LARGE_TEXT'], healthOptions),
  field('happinessScore', 'Happiness Score', 'NUMERICAL', ['TEXT']),
  field('companyHappinessLevel', 'Company Happiness Level', 'SINGLE_OPTIONS', ['RADIO', 'TEXT', 'LARGE_TEXT'], happinessOptions),
  field('lastFeedback', 'Last Feedback', 'DATE', ['TEXT']),
  field('lastFeedbackComment', 'Last Feedback Comment', 'LARGE_TEXT', ['TEXT']),
]

/** One pipeline and its stages, worst level first. */
export interface PipelineRequirement {
  key: PipelineKey
  checkKey: string
  name: string
  stages: readonly { level: HappinessLevel | HealthLevel; name: string }[]
}

export const pipelineRequirements: readonly PipelineRequirement[] = [
  { key: 'happiness', checkKey: 'pipeline.happiness', name: 'Happiness Level', stages: happinessLevels.map((level) => ({ level, name: happinessLabels[level] })) },
  { key: 'health', checkKey: 'pipeline.health', name: 'Company Health Status', stages: healthLevels.map((level) => ({ level, name: healthLabels[level] })) },
]
