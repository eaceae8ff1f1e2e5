import type { TimelineEntry } from '../../../src/http/contract/timeline.ts'
import type { Wire } from '../lib/services.ts'

/** Where an entry leads to: a hash of the page, or nowhere. */
export type EntryHref = (entry: Wire<TimelineEntry>) => string | null

/** From where something came, in a person's words; a source that is not named here shows as it is. */
export const sourceWords: Record<string, string> = {
  page: 'in the workspace',
  widget: 'feedback prompt',
  button: 'feedback button',
  link: 'answer link',
  field: 'contact field',
  card: 'pipeline card',
  bulk: 'several accounts at once',
  undo: 'taking a change back',
  api: 'by the API',
  webhook: 'from the CRM',
  workflow: 'automation',
  schedule: 'by itself',
  install: 'installation',
}

export const causeWords: Record<string, string> = {
  delivery: 'Show the event from the CRM',
  run: 'Show the follow-up’s steps',
  answer: 'Open the answer',
  change: 'Open the status change',
  case: 'Open the case',
  event: 'Open what led to it',
}
export const causeFallback = 'Open where it came from'
