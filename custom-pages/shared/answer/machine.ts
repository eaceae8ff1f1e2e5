import { type WidgetCopy, defaultCopy } from './copy.ts'
import { type Call, type CallResult, type Draft, afterCall, isChangeable, newDraft, nextCall, retryDelayMs, savedDraft } from './draft.ts'
import type { Level } from './level.ts'

/** What the server said about this person, already read defensively. */
export interface PromptInfo {
  /** False removes everything from the page: feedback is off, or the server pulled the kill switch. */
  shown: boolean
  due: boolean
  promptId: string | null
  nextAtMs: number | null
  copy: WidgetCopy
  look: Look
  /** The person's newest answer while it can still be changed. */
  answer: { answerId: string; level: Level; comment: string; changeableUntilMs: number } | null
}

export interface Look {
  brandColour: string | null
  theme: 'auto' | 'light' | 'dark'
  side: 'end' | 'start'
}

/** `off` nothing in the page · `idle` the button · the rest are faces of the card. */
export type Step = 'off' | 'idle' | 'ask' | 'comment' | 'thanks' | 'later'

export interface State {
  step: Step
  /** Who opened the card: only a prompt reports how it ended. */
  openedBy: 'prompt' | 'person'
  info: PromptInfo
  firstName: string
  /** Prompt whose end was already reported, so that it is reported once. */
  endedPromptId: string | null
  shownPromptId: string | null
  draft: Draft | null
  /** What stands in the comment box. */
  text: string
  /** The link "Change" is offered. */
  changeable: boolean
}

export type Event =
  | { type: 'told'; info: PromptInfo; firstName: string; nowMs: number }
  | { type: 'opened' }
  | { type: 'chose'; level: Level; newKey: string; nowMs: number }
  | { type: 'typed'; text: string }
  | { type: 'sent' }
  | { type: 'skipped' }
  | { type: 'change' }
  | { type: 'later' }
  | { type: 'closed' }
  | { type: 'called'; call: Call; result: CallResult; nowMs: number; random: number }
  | { type: 'retry' }
  | { type: 'changeExpired'; nowMs: number }
  | { type: 'gone' }

export type Effect =
  | { type: 'outcome'; outcome: 'shown' | 'later' | 'closed'; promptId: string }
  | { type: 'call'; call: Call }
  | { type: 'retryIn'; delayMs: number }
  | { type: 'changeExpiresIn'; delayMs: number }
  | { type: 'announce'; text: string }

export interface Next {
  state: State
  effects: Effect[]
}

export const defaultInfo: PromptInfo = {
  shown: false,
  due: false,
  promptId: null,
  nextAtMs: null,
  copy: defaultCopy,
  look: { brandColour: null, theme: 'auto', side: 'end' },
  answer: null,
}

export const initialState: State = {
  step: 'off',
  openedBy: 'person',
  info: defaultInfo,
  firstName: '',
  endedPromptId: null,
  shownPromptId: null,
  draft: null,
  text: '',
  changeable: false,
}

/** The whole behaviour of the widget: pure, total, never throws. An event that does not fit the state changes nothing. */
export function next(state: State, event: Event): Next {
  switch (event.type) {
    case 'told':
      return told(state, event.info, event.firstName, event.nowMs)
    case 'opened':
      return state.step === 'idle' || state.step === 'later' ? open(state) : stay(state)
    case 'chose':
      return state.step === 'ask' ? chose(state, event.level, event.newKey, event.nowMs) : stay(state)
    case 'typed':
      return stay({ ...state, text: event.text })
    case 'sent':
      return state.step === 'comment' ? sent(state) : stay(state)
    case 'skipped':
      return state.step === 'comment' ? stay({ ...state, step: 'thanks', text: state.draft?.comment ?? '' }) : stay(state)
    case 'change':
      return (state.step === 'comment' || state.step === 'thanks') && state.changeable ? stay({ ...state, step: 'ask' }) : stay(state)
    case 'later':
      return state.step === 'ask' && state.openedBy === 'prompt' ? end(state, 'later') : stay(state)
    case 'closed':
      return closed(state)
    case 'called':
      return called(state, event.call, event.result, event.nowMs, event.random)
    case 'retry':
      return sync(state)
    case 'changeExpired':
      return changeExpired(state, event.nowMs)
    case 'gone':
      return stay({ ...state, step: 'off' })
  }
}

/** What a person may be told about the sending of the answer; nothing while it is on its way. */
export function sendingNote({ draft }: State): Draft['sync'] {
  return draft?.sync ?? 'sending'
}

function stay(state: State, ...effects: Effect[]): Next {
  return { state, effects }
}

function told(state: State, info: PromptInfo, firstName: string, nowMs: number): Next {
  const known: State = { ...state, info, firstName }
  if (!info.shown) return stay({ ...known, step: 'off' })
  if (state.step !== 'off' && state.step !== 'idle') return stay(known)
  if (!info.due || (info.promptId !== null && info.promptId === state.endedPromptId)) {
    if (info.answer === null || state.draft !== null) return stay({ ...known, step: 'idle' })
    const draft = savedDraft(info.answer)
    const resumed: State = { ...known, step: 'idle', draft, text: draft.comment, changeable: isChangeable(draft, nowMs) }
    return stay(resumed, { type: 'changeExpiresIn', delayMs: info.answer.changeableUntilMs - nowMs })
  }
  const announce: Effect = { type: 'announce', text: info.copy.question }
  const prompted: State = { ...known, step: 'ask', openedBy: 'prompt', draft: null, text: '', changeable: false, shownPromptId: info.promptId }
  if (info.promptId === null || info.promptId === state.shownPromptId) return stay(prompted, announce)
  return stay(prompted, { type: 'outcome', outcome: 'shown', promptId: info.promptId }, announce)
}

function open(state: State): Next {
  const { draft } = state
  if (draft === null || !state.changeable) return stay({ ...state, step: 'ask', openedBy: 'person', draft: unsentOnly(draft), text: '' })
  return stay({ ...state, step: state.text.trim() === draft.comment ? 'thanks' : 'comment', openedBy: 'person' })
}

/** A draft that still has something to send is kept, so that its retries go on. */
function unsentOnly(draft: Draft | null): Draft | null {
  return draft !== null && nextCall(draft) !== null ? draft : null
}

function chose(state: State, level: Level, newKey: string, nowMs: number): Next {
  const old = state.draft
  const draft = old !== null && isChangeable(old, nowMs) ? { ...old, level } : newDraft(level, newKey, state.openedBy === 'prompt' ? 'widget' : 'button')
  const answered: State = { ...state, step: 'comment', draft, changeable: true, endedPromptId: state.info.promptId ?? state.endedPromptId }
  return sync(answered)
}

function sent(state: State): Next {
  if (state.draft === null) return stay(state)
  const comment = state.text.trim()
  return sync({ ...state, step: 'thanks', draft: { ...state.draft, comment } })
}

/** Sends the difference, unless a call is already under way: its end sends the rest. */
function sync(state: State): Next {
  const draft = state.draft
  const call = draft === null ? null : nextCall(draft)
  if (draft === null || call === null || draft.underWay) return stay(state)
  return stay({ ...state, draft: { ...draft, sync: 'sending', underWay: true } }, { type: 'call', call })
}

function called(state: State, call: Call, result: CallResult, nowMs: number, random: number): Next {
  const draft = state.draft
  if (draft === null) return stay(state)
  const wasUnsaved = draft.answerId === null
  const after = afterCall({ ...draft, underWay: false }, call, result, nowMs)
  const told: State = { ...state, draft: after, changeable: isChangeable(after, nowMs) }
  const { copy } = state.info
  if (!result.ok) {
    if (!result.retry) return stay(told, { type: 'announce', text: copy.refused })
    const retryIn: Effect = { type: 'retryIn', delayMs: retryDelayMs(after.failures, random) }
    return after.failures === 1 ? stay(told, retryIn, { type: 'announce', text: copy.offline }) : stay(told, retryIn)
  }
  const more = sync(told)
  const expiry: Effect[] = wasUnsaved && after.answerId !== null ? [{ type: 'changeExpiresIn', delayMs: result.changeWindowMs }] : []
  const saved: Effect[] = after.sync === 'saved' ? [{ type: 'announce', text: `${copy.levels[after.level]}. ${copy.saved}` }] : []
  return { state: more.state, effects: [...more.effects, ...expiry, ...saved] }
}

function changeExpired(state: State, nowMs: number): Next {
  if (state.draft === null || isChangeable(state.draft, nowMs)) return stay(state)
  return stay({ ...state, changeable: false })
}

/** Later or close of a prompt: reported once; an answered prompt has ended already. */
function end(state: State, outcome: 'later' | 'closed'): Next {
  const { promptId, copy } = state.info
  const step: Step = outcome === 'later' ? 'later' : 'idle'
  const ended: State = { ...state, step, endedPromptId: promptId ?? state.endedPromptId }
  const announce: Effect[] = outcome === 'later' ? [{ type: 'announce', text: copy.laterThanks }] : []
  if (promptId === null || promptId === state.endedPromptId) return stay(ended, ...announce)
  return stay(ended, { type: 'outcome', outcome, promptId }, ...announce)
}

function closed(state: State): Next {
  if (state.step === 'off' || state.step === 'idle') return stay(state)
  if (state.step === 'ask' && state.draft === null && state.openedBy === 'prompt') return end(state, 'closed')
  // Words that were typed but not sent stay in the box for as long as the answer can be changed; only "Send" sends them.
  return stay({ ...state, step: 'idle' })
}
