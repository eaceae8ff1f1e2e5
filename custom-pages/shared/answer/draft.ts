import type { Level } from './level.ts'

/**
 * One answer on its way to the server: what the person wants (`level`, `comment`) against what the server has.
 * The next call is always the difference, so a lost response, a retry or a change in between cannot double or lose anything.
 */
export interface Draft {
  /** The same for every attempt of this answer. */
  idempotencyKey: string
  source: Source
  /** What the first attempt said. A retry must repeat it: the server may already have it under this key. */
  firstLevel: Level
  level: Level
  comment: string
  answerId: string | null
  savedLevel: Level | null
  savedComment: string
  /** What the team did lately, as the server told it with this answer: for after it, never beside the question. */
  did: string[]
  /** Until when it may be changed; null before it is saved. */
  changeableUntilMs: number | null
  /** `offline`: the last attempt failed, and the next one waits. */
  sync: 'sending' | 'offline' | 'saved' | 'refused'
  /** Failed attempts in a row. */
  failures: number
  /** A call is on its way; the next one waits for its end. */
  underWay: boolean
}

export type Call =
  | { kind: 'create'; level: Level; idempotencyKey: string; source: Source }
  | { kind: 'change'; answerId: string; level: Level | undefined; comment: string | undefined }

/** Asked by a prompt, or unasked from the button. */
export type Source = 'widget' | 'button'

export type CallResult = { ok: true; answerId: string; changeWindowMs: number; did?: string[] } | { ok: false; retry: boolean }

export function newDraft(level: Level, idempotencyKey: string, source: Source): Draft {
  return {
    idempotencyKey,
    source,
    firstLevel: level,
    level,
    comment: '',
    answerId: null,
    savedLevel: null,
    savedComment: '',
    did: [],
    changeableUntilMs: null,
    sync: 'sending',
    failures: 0,
    underWay: false,
  }
}

/** An answer that the server already has, for example from before the page was loaded. */
export function savedDraft(saved: { answerId: string; level: Level; comment: string; changeableUntilMs: number }): Draft {
  const { answerId, level, comment, changeableUntilMs } = saved
  return { ...newDraft(level, '', 'button'), answerId, comment, savedLevel: level, savedComment: comment, changeableUntilMs, sync: 'saved' }
}

/** What the server must still be told; null when it has everything or refused. */
export function nextCall(draft: Draft): Call | null {
  if (draft.sync === 'refused') return null
  if (draft.answerId === null) return { kind: 'create', level: draft.firstLevel, idempotencyKey: draft.idempotencyKey, source: draft.source }
  const level = draft.level === draft.savedLevel ? undefined : draft.level
  const comment = draft.comment === draft.savedComment ? undefined : draft.comment
  return level === undefined && comment === undefined ? null : { kind: 'change', answerId: draft.answerId, level, comment }
}

/** The draft after a call came back. */
export function afterCall(draft: Draft, call: Call, result: CallResult, nowMs: number): Draft {
  if (!result.ok) return { ...draft, sync: result.retry ? 'offline' : 'refused', failures: draft.failures + 1 }
  const told: Draft =
    call.kind === 'create'
      ? { ...draft, answerId: result.answerId, savedLevel: call.level, changeableUntilMs: nowMs + result.changeWindowMs, did: result.did ?? [], failures: 0 }
      : { ...draft, savedLevel: call.level ?? draft.savedLevel, savedComment: call.comment ?? draft.savedComment, failures: 0 }
  return { ...told, sync: nextCall(told) === null ? 'saved' : 'sending' }
}

/** True while the person may still change this answer. */
export function isChangeable(draft: Draft, nowMs: number): boolean {
  return draft.sync !== 'refused' && (draft.changeableUntilMs === null || nowMs < draft.changeableUntilMs)
}

/** Pause before the next attempt: 2 s doubling to 2 min, plus up to a quarter of jitter. `random` is in [0, 1). */
export function retryDelayMs(failures: number, random: number): number {
  const base = Math.min(2_000 * 2 ** Math.max(0, failures - 1), 120_000)
  return Math.round(base * (1 + random / 4))
}
