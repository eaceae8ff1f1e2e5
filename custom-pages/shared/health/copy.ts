import type { HealthSource } from '../../../src/http/contract/accounts.ts'
import type { HealthLevel } from '../../../src/kernel/levels.ts'
import { number, plural } from '../lib/format.ts'
import { healthLabel, healthStep } from '../lib/levels.ts'

const ago = (span: string) => (span === 'now' ? 'just now' : `${span} ago`)

/** All words about the Health Status, the same on every page. */
export const copy = {
  title: 'Health Status',
  setByPerson: 'set by a person',
  none: 'Nobody has set a status yet. Choose a level below; one sentence is enough.',
  noneYet: 'Nobody has set a status yet.',
  somebody: 'Somebody',
  ago,
  setBy: (name: string | null, span: string, source: HealthSource | null) => `${name ?? 'Somebody'}, ${ago(span)}${source === null ? '' : `, ${copy.sources[source]}`}`,
  /** The level stands again: who had set it, then who took the later change back. */
  broughtBack: (name: string | null, span: string) => `back since ${name ?? 'somebody'} undid a change ${ago(span)}`,
  sources: {
    page: 'in the workspace',
    api: 'by the API',
    field: 'in the contact field',
    card: 'by moving the card',
    bulk: 'together with other accounts',
    undo: 'by taking a change back',
  } satisfies Record<HealthSource, string> as Record<HealthSource, string>,
  /** `down 1 level from Healthy`. */
  move(before: HealthLevel | null, after: HealthLevel): string {
    if (before === null) return 'the first status'
    const steps = healthStep(after) - healthStep(before)
    if (steps === 0) return `still ${healthLabel(after)}`
    return `${steps > 0 ? 'up' : 'down'} ${plural(Math.abs(steps), 'level', 'levels')} from ${healthLabel(before)}`
  },
  staleTag: (span: string) => `Stale: set or confirmed ${ago(span)}`,
  stillTrue: 'Still true',
  confirmedToast: (level: HealthLevel) => `Confirmed: still ${healthLabel(level)}.`,
  confirmedBy: (span: string) => `confirmed ${ago(span)}`,
  asksAgain: (time: string) => `Asks again on ${time}`,
  askedNow: 'Time to look again: is it still true?',

  changeTo: 'Change to',
  setFirst: 'Set to',
  note: 'What did you learn?',
  noteOptional: 'optional',
  noteHint: 'One or two sentences. Your team sees it, the customer does not.',
  counter: (used: number, max: number) => `${number(used)} of ${number(max)}`,
  noteMissing: 'Write one sentence about what you learned.',
  noteShort: (min: number) => `Write at least ${plural(min, 'character', 'characters')} about what you learned.`,
  noteLong: (over: number) => `Take out ${plural(over, 'character', 'characters')}.`,
  reasons: 'Reasons',
  upTo: (max: number) => `up to ${max}, optional`,
  reasonsFull: (max: number) => `${max} chosen. Take one off to choose another.`,
  reasonsKept: 'Kept from the last change. Take off what no longer holds.',
  setTo: (level: HealthLevel) => `Set to ${healthLabel(level)}`,
  stillLevel: (level: HealthLevel) => `Confirm: still ${healthLabel(level)}`,
  setAnyway: (level: HealthLevel) => `Set to ${healthLabel(level)} all the same`,
  keep: (level: HealthLevel | null) => `Keep ${healthLabel(level)}`,
  cancel: 'Cancel',
  tryAgain: 'Try again',
  keys: 'Ctrl + Enter saves',
  done: (level: HealthLevel) => `Set to ${healthLabel(level)}. The contact and the card follow.`,
  doneFor: (level: HealthLevel, name: string) => `${name} is set to ${healthLabel(level)}.`,
  conflictTitle: 'Somebody was faster.',
  conflict: (name: string | null, level: HealthLevel | null, span: string) => `${name ?? 'Somebody'} set it to ${healthLabel(level)} ${ago(span)}. Your words are still here.`,

  undo: 'Undo',
  undoTo: (level: HealthLevel) => `Undo: back to ${healthLabel(level)}`,
  undone: (level: HealthLevel | null) => `Taken back. The status is ${healthLabel(level)} again.`,

  wanted: (name: string | null, source: HealthSource) => `${name ?? 'Somebody'} changed it ${copy.sources[source]}. The note is missing: what was learned?`,
  wantedTag: 'Note missing',
  addNote: 'Add the note',
  noteAdded: 'The note is saved.',

  history: 'History',
  historyNone: 'No change yet',
  historyNoneText: 'Every change appears here with who, when, from where and why.',
  changed: (before: HealthLevel | null, after: HealthLevel) => (before === null ? `Set to ${healthLabel(after)}` : `${healthLabel(before)} to ${healthLabel(after)}`),
  noNote: 'No note yet.',
  takenBack: 'Taken back later',
  isUndo: 'Takes a change back',
  overtaken: 'Arrived late; a newer change already held',
  confirmation: (name: string | null, span: string) => `${name ?? 'Somebody'} confirmed it ${ago(span)}`,
  acts: 'What followed',
  more: 'Show older changes',
  problem: {
    nothing_to_go_back_to: 'This was the first status, so there is nothing to go back to. Set another level instead.',
    not_the_newest_change: 'A newer change came in between. Look at it first; only the newest can be undone.',
  } as Record<string, string>,
}
