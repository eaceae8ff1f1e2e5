export { createEffects, type Effects, type KnownContact, type LinkedContact } from './effects.ts'
export { openUnfinishedEffects } from './operator.ts'
export type { EffectsDeps, EffectsPolicy, EffectsSettings, PersonalValues, SeenValue } from './ports.ts'
export type { EffectsStatus } from './status.ts'
export type { ObservedContact } from './contact-rules.ts'
export type { ObservedOpportunity } from './card-rules.ts'
export {
  fieldKeys,
  type ContactIdentity,
  type CrmContent,
  type FieldKey,
  type OutboxMessage,
  type PersonEdit,
  type PipelineKey,
  type ResourceMap,
  type TagGroup,
  type WantedCard,
  type WantedContact,
} from './types.ts'
