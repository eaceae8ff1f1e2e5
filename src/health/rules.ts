import type { Actor } from '../events/index.ts'
import type { HealthSource } from '../http/contract/accounts.ts'
import { dayMs, minuteMs, secondMs } from '../kernel/clock.ts'
import { healthLabels, healthLevels, type HealthLevel } from '../kernel/levels.ts'

/** What a contact's field or an account's card shows: a level, nothing (''), or something that is no level (`text:…`). */
export type Shown = HealthLevel | '' | `text:${string}`

interface FactBase {
  /** Unique among the account's facts; the same fact told twice has the same key. */
  key: string
  at: Date
}

/** Somebody set the status in Barometer. */
export interface SetFact extends FactBase {
  kind: 'set'
  level: HealthLevel
  source: Extract<HealthSource, 'page' | 'api' | 'bulk' | 'undo'>
  actor: Actor
  note: string | null
  reasonCodes: string[]
  /** The change that this one takes back. */
  undoes: string | null
  /** What belongs to the level that stands again, as it was known when this was done: by then it may be folded away. */
  restores?: Restored | null
}

/** A change whose level stands again. */
export interface Restored {
  at: Date
  source: HealthSource
  actor: Actor
  note: string | null
  reasonCodes: string[]
}

/** Somebody said that the status is still true. */
export interface ConfirmFact extends FactBase {
  kind: 'confirm'
  source: 'page' | 'api' | 'bulk'
  actor: Actor
  note: string | null
}

/** HighLevel showed a value, at HighLevel's time. */
export interface SeenFact extends FactBase {
  kind: 'seen'
  target: string
  via: 'field' | 'card'
  shown: Shown
  /** The first look at this target. */
  first: boolean
  /** The contact or card: `user:<locationId>:<userId>` or `account:<locationId>`. */
  subjectId: string
  deliveryId: string | null
}

/** We wrote the value there, some time between the two instants. Without an end nobody knows whether the write arrived. */
export interface WroteFact extends FactBase {
  kind: 'wrote'
  target: string
  shown: Shown
  toAt: Date | null
  /** The newest look at the target that was known when the write began: what was seen until then is not its doing. */
  notBefore: Date | null
}

export type HealthFact = SetFact | ConfirmFact | SeenFact | WroteFact

/** Somebody said that the status is still true, or set it to what it was already. */
export interface Confirmation {
  key: string
  at: Date
  source: HealthSource
  actor: Actor
  note: string | null
  reasonCodes: string[]
}

/** One change of the account's level. */
export interface Change {
  /** Key of the fact that made it. */
  key: string
  at: Date
  level: HealthLevel
  before: HealthLevel | null
  source: HealthSource
  actor: Actor
  note: string | null
  reasonCodes: string[]
  undoes: string | null
  restores?: Restored | null
  /** Where it was made, for field and card. */
  target: string | null
  deliveryId: string | null
  /** Oldest first. */
  confirmations: Confirmation[]
}

/** A value in HighLevel that is no level, seen while the account has one. */
export interface Refusal {
  key: string
  at: Date
  target: string
  via: 'field' | 'card'
  shown: Shown
  subjectId: string
  /** Nothing newer is known of that target. */
  newest: boolean
}

interface KnownWrite {
  key: string
  target: string
  shown: Shown
  fromMs: number
  /** null: not known to have ended. */
  toMs: number | null
  notBeforeMs: number | null
  /** The instant that this write has explained. */
  explainedMs: number | null
  /** A later write was seen: this one shows no more. */
  past: boolean
}

/** What a target shows, and what it may still show while a write is on its way. */
interface TargetState {
  shown: Shown
  /** Values that it had before writes of which it is not known that they took effect. */
  possible: Shown[]
  /** The newest write that took effect in the fold. */
  write: string | null
}

/** Where a fold stands, from which another may go on. Lists, not maps: targets make no good keys in a store. */
export interface HealthBase {
  /** Facts until this instant are in it. */
  at: Date
  change: Change | null
  targets: (TargetState & { target: string })[]
  writes: KnownWrite[]
}

export interface HealthFold {
  /** The change that made the level what it is; null while nobody has set one. */
  current: Change | null
  /** Changes that the folded facts made, oldest first, without the base's. */
  changes: Change[]
  refused: Refusal[]
  /** What each target shows, as far as is known. */
  shown: Map<string, Shown>
}

/** HighLevel's clock and ours may differ by this much. */
const skewMs = 5 * secondMs
/** A write of which nobody knows the end counts as having lasted this long. */
const openWriteMs = 2 * minuteMs
/** HighLevel answers this soon after a write took effect: what shows up that late in a write's span is the write, though somebody showed the same before. */
const answeredWithinMs = secondMs
const keptForMs = 7 * dayMs
const keptFacts = 200
/** Facts that young are never folded away for their number: what belongs to them may still arrive. */
const keptAtLeastMs = 10 * minuteMs

/** Same instant: what was written first, then what was seen, then what people said here. */
const rank: Record<HealthFact['kind'], number> = { wrote: 0, seen: 1, set: 2, confirm: 3 }

/** Reads a field's text or a card's place as the seam spells it. */
export function shownOf(value: string | null): Shown {
  const text = value?.trim() ?? ''
  if (text === '') return ''
  const folded = text.toLowerCase()
  return healthLevels.find((level) => level === folded || healthLabels[level].toLowerCase() === folded) ?? `text:${text}`
}

function levelShown(shown: Shown): HealthLevel | null {
  return healthLevels.find((level) => level === shown) ?? null
}

/** Adds a fact once. A write that ended replaces the same write without an end. @returns the same list if nothing is new */
export function withFact(facts: HealthFact[], fact: HealthFact): HealthFact[] {
  const known = facts.find((candidate) => candidate.key === fact.key && candidate.kind === fact.kind)
  if (known === undefined) return [...facts, fact]
  if (known.kind === 'wrote' && fact.kind === 'wrote' && known.toAt === null && fact.toAt !== null) {
    return facts.map((candidate) => (candidate === known ? { ...known, toAt: fact.toAt } : candidate))
  }
  if (known.kind === 'seen' && fact.kind === 'seen' && fact.first && !known.first) return facts.map((candidate) => (candidate === known ? { ...known, first: true } : candidate))
  return facts
}

function compareFacts(a: HealthFact, b: HealthFact): number {
  return a.at.getTime() - b.at.getTime() || rank[a.kind] - rank[b.kind] || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
}

/**
 * The rule of agreement: replays an account's facts in the order of their own times, so that the order in which they arrived does not matter.
 * The latest thing a person did wins; what HighLevel shows because we wrote it is nobody's doing.
 *
 * @param base where an earlier fold stood; facts until then are taken as known and passed over
 */
export function foldHealth(facts: Iterable<HealthFact>, base: HealthBase | null = null): HealthFold {
  return foldUntil(facts, base, Number.POSITIVE_INFINITY).fold
}

interface Running {
  current: Change | null
  changes: Change[]
  refused: Refusal[]
  targets: Map<string, TargetState>
  writes: Map<string, KnownWrite>
  writesOf: Map<string, KnownWrite[]>
  /** Writes whose value was seen while they lasted: what was seen around them needs no difference of clocks to be explained. */
  seenWithin: Set<string>
}

function foldUntil(facts: Iterable<HealthFact>, base: HealthBase | null, untilMs: number): { fold: HealthFold; running: Running } {
  const fromMs = base?.at.getTime() ?? Number.NEGATIVE_INFINITY
  const sorted = [...facts].sort(compareFacts)
  const writes = new Map<string, KnownWrite>((base?.writes ?? []).map((write) => [write.key, { ...write }]))
  for (const fact of sorted) {
    if (fact.kind !== 'wrote') continue
    const known = writes.get(fact.key)
    const toMs = fact.toAt?.getTime() ?? null
    if (known !== undefined) known.toMs ??= toMs
    else writes.set(fact.key, { key: fact.key, target: fact.target, shown: fact.shown, fromMs: fact.at.getTime(), toMs, notBeforeMs: fact.notBefore?.getTime() ?? null, explainedMs: null, past: false })
  }
  const writesOf = new Map<string, KnownWrite[]>()
  for (const write of [...writes.values()].sort((a, b) => a.fromMs - b.fromMs || (a.key < b.key ? -1 : 1))) writesOf.set(write.target, [...(writesOf.get(write.target) ?? []), write])
  const current = base === null || base.change === null ? null : { ...base.change, confirmations: [...base.change.confirmations] }
  const targets = new Map((base?.targets ?? []).map(({ target, ...state }) => [target, { ...state }]))
  const running: Running = { current, changes: [], refused: [], targets, writes, writesOf, seenWithin: seenWithinOf(sorted, writesOf) }
  for (const fact of sorted) {
    const atMs = fact.at.getTime()
    if (atMs > fromMs && atMs <= untilMs) apply(running, fact)
  }
  const shown = new Map([...targets].map(([target, state]) => [target, state.shown]))
  for (const refusal of running.refused) {
    refusal.newest = shown.get(refusal.target) === refusal.shown && !running.refused.some((later) => later.target === refusal.target && later.at > refusal.at)
  }
  return { fold: { current: running.current, changes: running.changes, refused: running.refused, shown }, running }
}

function apply(running: Running, fact: HealthFact): void {
  switch (fact.kind) {
    case 'set':
      if (fact.level === running.current?.level) confirm(running, fact, fact.reasonCodes)
      else changed(running, { ...madeHere(fact), key: fact.key, at: fact.at, level: fact.level })
      return
    case 'confirm':
      confirm(running, fact, [])
      return
    case 'wrote':
      applyWrite(running, fact)
      return
    case 'seen':
      applySeen(running, fact)
  }
}

function madeHere({ source, actor, note, reasonCodes, undoes, restores = null }: SetFact) {
  return { source, actor, note, reasonCodes, undoes, restores, target: null, deliveryId: null }
}

function changed(running: Running, change: Omit<Change, 'before' | 'confirmations'>): void {
  running.current = { ...change, before: running.current?.level ?? null, confirmations: [] }
  running.changes.push(running.current)
}

function confirm(running: Running, { key, at, source, actor, note }: SetFact | ConfirmFact, reasonCodes: string[]): void {
  running.current?.confirmations.push({ key, at, source, actor, note, reasonCodes })
}

function targetOf(running: Running, target: string): TargetState {
  const known = running.targets.get(target)
  if (known !== undefined) return known
  // What nobody ever told about was empty.
  const fresh: TargetState = { shown: '', possible: [], write: null }
  running.targets.set(target, fresh)
  return fresh
}

function applyWrite(running: Running, fact: WroteFact): void {
  const state = targetOf(running, fact.target)
  const previous = state.write === null ? undefined : running.writes.get(state.write)
  const certain = previous === undefined || previous.explainedMs !== null || previous.toMs !== null
  state.possible = certain ? [state.shown] : [...new Set([...state.possible, state.shown])]
  state.shown = fact.shown
  state.write = fact.key
  // Seen already, by a clock that is ahead of ours: what was there before shows no more.
  const explainedMs = running.writes.get(fact.key)?.explainedMs ?? null
  if (explainedMs !== null) state.possible = []
}

/** An older edit to the value that we came to write later would else be taken for the echo of that write, and be missing in history. */
function seenWithinOf(facts: readonly HealthFact[], writesOf: ReadonlyMap<string, KnownWrite[]>): Set<string> {
  const keys = new Set<string>()
  for (const fact of facts) {
    if (fact.kind !== 'seen') continue
    for (const write of writesOf.get(fact.target) ?? []) if (write.shown === fact.shown && within(write, fact.at.getTime())) keys.add(write.key)
  }
  return keys
}

/** Whether the write can be what the target showed at the instant. */
function covers(write: KnownWrite, atMs: number, seenWithin: Set<string>): boolean {
  if (write.past || (write.explainedMs !== null && write.explainedMs !== atMs && !isAnswered(write, atMs))) return false
  if (seenWithin.has(write.key)) return within(write, atMs)
  return atMs >= write.fromMs - skewMs && atMs <= endMs(write) && (write.notBeforeMs === null || atMs > write.notBeforeMs)
}

function within({ fromMs, toMs }: KnownWrite, atMs: number): boolean {
  return atMs >= fromMs && atMs <= (toMs ?? fromMs + openWriteMs)
}

/** The write waited for its turn while people set the value that it brings and another one: then it came and overwrote that. */
function isAnswered(write: KnownWrite, atMs: number): boolean {
  return write.toMs !== null && within(write, atMs) && atMs >= write.toMs - answeredWithinMs
}

function endMs(write: KnownWrite): number {
  return (write.toMs ?? write.fromMs + openWriteMs) + skewMs
}

/** Notes that the target showed this write's value: writes before it show no more. */
function explain(running: Running, write: KnownWrite, atMs: number): void {
  write.explainedMs = atMs
  for (const earlier of running.writesOf.get(write.target) ?? []) {
    if (earlier === write) return
    earlier.past = true
  }
}

function applySeen(running: Running, fact: SeenFact): void {
  const { shown } = fact
  const atMs = fact.at.getTime()
  const state = targetOf(running, fact.target)
  const write = state.write === null ? undefined : running.writes.get(state.write)
  if (shown === state.shown) {
    if (write !== undefined && write.shown === shown && write.explainedMs === null) explain(running, write, atMs)
    state.possible = []
    return
  }
  const echoed = running.writesOf.get(fact.target)?.find((candidate) => candidate.shown === shown && covers(candidate, atMs, running.seenWithin))
  if (echoed !== undefined) {
    explain(running, echoed, atMs)
    state.shown = shown
    state.possible = []
    return
  }
  // The value from before a write: the write had not arrived yet, or never did.
  if (write !== undefined && write.explainedMs === null && state.possible.includes(shown) && (write.toMs === null || atMs <= endMs(write))) {
    state.possible = [...new Set([...state.possible, state.shown])]
    state.shown = shown
    return
  }
  state.shown = shown
  state.possible = []
  const level = levelShown(shown)
  if (level === null) {
    if (running.current === null || fact.first) return
    running.refused.push({ key: fact.key, at: fact.at, target: fact.target, via: fact.via, shown, subjectId: fact.subjectId, newest: false })
    return
  }
  // What a contact or card brings along says nothing about an account whose status is known.
  if ((fact.first && running.current !== null) || level === running.current?.level) return
  const actor: Actor = { kind: 'crm', id: null, name: null }
  changed(running, { key: fact.key, at: fact.at, level, source: fact.via, actor, note: null, reasonCodes: [], undoes: null, target: fact.target, deliveryId: fact.deliveryId })
}

/**
 * Folds old facts away, so that what is kept stays bounded. A fact that arrives later than that and is older changes nothing any more.
 * @returns null while there is nothing worth folding
 */
export function compact(facts: readonly HealthFact[], base: HealthBase | null, now: Date): { base: HealthBase; facts: HealthFact[] } | null {
  const sorted = [...facts].sort(compareFacts)
  const nowMs = now.getTime()
  const byNumber = sorted.length > keptFacts ? (sorted[sorted.length - keptFacts / 2]?.at.getTime() ?? 0) - 1 : 0
  const byAge = sorted[0] !== undefined && sorted[0].at.getTime() < nowMs - keptForMs - dayMs ? nowMs - keptForMs : 0
  const untilMs = Math.max(byAge, Math.min(byNumber, nowMs - keptAtLeastMs))
  if (sorted[0] === undefined || sorted[0].at.getTime() > untilMs) return null
  return { base: baseAt(sorted, base, untilMs), facts: sorted.filter((fact) => fact.at.getTime() > untilMs) }
}

/** Where the fold stands at an instant. */
export function baseAt(facts: readonly HealthFact[], base: HealthBase | null, untilMs: number): HealthBase {
  const { running } = foldUntil(facts, base, untilMs)
  const used = new Set([...running.targets.values()].map((state) => state.write))
  return {
    at: new Date(untilMs),
    change: running.current,
    targets: [...running.targets].map(([target, state]) => ({ target, ...state })),
    // Writes that may still explain something, and those on which a target rests.
    writes: [...running.writes.values()].filter((write) => used.has(write.key) || endMs(write) > untilMs),
  }
}
