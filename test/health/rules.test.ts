import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Actor } from '../../src/events/index.ts'
import { baseAt, compact, foldHealth, shownOf, withFact, type HealthFact, type HealthFold, type SeenFact, type SetFact, type Shown, type WroteFact } from '../../src/health/rules.ts'
import { dayMs } from '../../src/kernel/clock.ts'
import { healthLevels, type HealthLevel } from '../../src/kernel/levels.ts'

const origin = Date.parse('2026-11-02T09:00:00Z')
const csm: Actor = { kind: 'agency_user', id: 'csm1', name: 'Priya Nair' }
const at = (seconds: number) => new Date(origin + Math.round(seconds * 1_000))

function set(seconds: number, level: HealthLevel, changes: Partial<SetFact> = {}): SetFact {
  return { kind: 'set', key: `set:${seconds}:${level}`, at: at(seconds), level, source: 'page', actor: csm, note: 'because', reasonCodes: [], undoes: null, ...changes }
}

function seen(seconds: number, shown: Shown, changes: Partial<SeenFact> = {}): SeenFact {
  const target = changes.target ?? 'contact:a'
  return { kind: 'seen', key: `seen:${target}:${seconds}:${shown}`, at: at(seconds), target, via: 'field', shown, first: false, subjectId: 'user:loc1:a', deliveryId: null, ...changes }
}

function wrote(fromSeconds: number, toSeconds: number | null, shown: Shown, changes: Partial<WroteFact> = {}): WroteFact {
  const target = changes.target ?? 'contact:a'
  return { kind: 'wrote', key: `wrote:${target}:${fromSeconds}`, at: at(fromSeconds), toAt: toSeconds === null ? null : at(toSeconds), target, shown, notBefore: null, ...changes }
}

const outcomeOf = ({ current, changes, refused, shown }: HealthFold) => ({ current, changes, refused, shown: [...shown].sort() })
const levelOf = (facts: HealthFact[]) => foldHealth(facts).current?.level ?? null

describe('the rule of agreement', () => {
  it.each<[string, HealthFact[], HealthLevel | null]>([
    ['nothing is known', [], null],
    ['the page sets it', [set(1, 'healthy')], 'healthy'],
    ['the later of two settings wins', [set(1, 'healthy'), set(2, 'steady')], 'steady'],
    ['a field edited after the page wins', [set(1, 'healthy'), seen(2, 'struggling')], 'struggling'],
    ['a card dragged after the field wins', [seen(1, 'struggling'), seen(2, 'thriving', { target: 'card:x', via: 'card' })], 'thriving'],
    ['an edit before the setting loses, though it arrives later', [set(5, 'healthy'), seen(2, 'struggling')], 'healthy'],
    ['at the same instant what was said here wins', [seen(3, 'struggling'), set(3, 'healthy')], 'healthy'],
    ['an echo after a newer setting changes nothing', [set(1, 'healthy'), wrote(1.1, 1.5, 'healthy'), set(1.2, 'steady'), seen(1.3, 'healthy')], 'steady'],
    ['a late echo of the last write but one changes nothing', [set(1, 'healthy'), wrote(1.1, 1.5, 'healthy'), set(2, 'steady'), wrote(2.1, 2.5, 'steady'), seen(1.3, 'healthy')], 'steady'],
    ['an edit back to what was written before is an edit', [set(1, 'healthy'), wrote(1.1, 1.5, 'healthy'), seen(1.3, 'healthy'), set(2, 'steady'), wrote(2.1, 2.5, 'steady'), seen(2.3, 'steady'), seen(3, 'healthy')], 'healthy'],
    ['an edit back within the write\'s margin is an edit once the echo was seen', [set(1, 'steady'), wrote(1.1, 1.5, 'steady'), seen(1.3, 'steady'), seen(2, 'struggling'), seen(2.5, 'steady')], 'steady'],
    ['the old value is still shown while the write is on its way', [set(1, 'steady'), wrote(1.1, 1.2, 'steady'), seen(1.15, 'steady'), set(5, 'healthy'), wrote(5.1, 6, 'healthy'), seen(5.3, 'steady'), seen(5.8, 'healthy')], 'healthy'],
    ['a write that never arrived leaves the old value, at any later time', [set(1, 'steady'), wrote(1.1, 1.2, 'steady'), seen(1.15, 'steady'), set(5, 'healthy'), wrote(5.1, null, 'healthy'), seen(4_000, 'steady')], 'healthy'],
    ['a write whose end nobody saw explains its echo', [set(1, 'steady'), wrote(1.1, null, 'steady'), set(1.5, 'healthy'), seen(60, 'steady')], 'healthy'],
    ['what a first look finds is taken over while nobody set a status', [seen(1, 'thriving', { first: true })], 'thriving'],
    ['what a first look finds says nothing once a status is set', [set(1, 'healthy'), seen(2, 'thriving', { first: true })], 'healthy'],
    ['emptying the field changes nothing', [set(1, 'healthy'), seen(2, '')], 'healthy'],
    ['a text that is no level changes nothing', [set(1, 'healthy'), seen(2, 'text:Great!')], 'healthy'],
    ['an edit of a contact that nobody had looked at counts', [set(1, 'healthy'), seen(2, 'struggling', { target: 'contact:new' })], 'struggling'],
    ['a write that came at the end of its time, over what people set meanwhile, is no edit though its value was seen before', [set(1, 'thriving'), wrote(1.1, 20, 'thriving'), seen(2, 'thriving'), seen(3, 'struggling'), seen(19.9, 'thriving')], 'struggling'],
    ['an edit back while the answer of a write is late is an edit', [set(1, 'thriving'), wrote(1.1, 20, 'thriving'), seen(2, 'thriving'), seen(3, 'struggling'), seen(10, 'thriving')], 'thriving'],
    ['a look from before the write is not its echo', [set(1, 'steady'), seen(9, 'thriving'), set(9.5, 'steady'), set(10, 'thriving', { key: 'again' }), wrote(10.1, 10.2, 'thriving', { notBefore: at(9) })], 'thriving'],
  ])('%s', (_name, facts, level) => {
    expect(levelOf(facts)).toBe(level)
    expect(levelOf([...facts].reverse())).toBe(level)
  })

  it('a value that is no level is refused once, and the target is known to show it', () => {
    const fold = foldHealth([set(1, 'healthy'), wrote(1.1, 1.2, 'healthy'), seen(20, '')])
    expect(fold.refused).toMatchObject([{ shown: '', newest: true }])
    expect(fold.shown.get('contact:a')).toBe('')
    expect(foldHealth([set(1, 'healthy'), wrote(1.1, 1.2, 'healthy'), seen(20, ''), wrote(21, 22, 'healthy')]).refused).toMatchObject([{ newest: false }])
    expect(foldHealth([seen(2, 'text:?')]).refused).toEqual([])
  })

  it('setting the level that it is already confirms it and changes nothing', () => {
    const { current, changes } = foldHealth([set(1, 'healthy'), set(9, 'healthy', { note: 'still so', reasonCodes: ['revenue_growth'] })])
    expect(changes).toHaveLength(1)
    expect(current).toMatchObject({ key: 'set:1:healthy', confirmations: [{ at: at(9), note: 'still so', reasonCodes: ['revenue_growth'] }] })
  })

  it('an undo is a change back that names what it takes back', () => {
    const { current, changes } = foldHealth([set(1, 'healthy'), set(2, 'struggling'), set(3, 'healthy', { source: 'undo', undoes: 'set:2:struggling' })])
    expect(current).toMatchObject({ level: 'healthy', before: 'struggling', source: 'undo', undoes: 'set:2:struggling' })
    expect(changes).toHaveLength(3)
  })

  it('reads labels as people write them', () => {
    expect(shownOf(' struggling ')).toBe('struggling')
    expect(shownOf('Healthy')).toBe('healthy')
    expect(shownOf('Very bad')).toBe('text:Very bad')
    expect(shownOf('stage:p1/s9')).toBe('text:stage:p1/s9')
    expect(shownOf(null)).toBe('')
  })
})

type Action =
  | { kind: 'page'; level: HealthLevel }
  | { kind: 'person'; target: number; level: HealthLevel }
  | { kind: 'begin'; target: number }
  | { kind: 'lose'; target: number }
  | { kind: 'arrive'; target: number }
  | { kind: 'end'; target: number }
  | { kind: 'read'; target: number }

interface PlayedTarget {
  target: string
  shown: Shown
  write: { fact: WroteFact; arrived: boolean } | null
  newest: Date | null
}

/** Plays HighLevel and ourselves in true time, with the person's doings known: what the fold has to find out again from the facts. */
function play(actions: { action: Action; pauseMs: number }[]) {
  const facts: HealthFact[] = []
  let nowMs = origin
  let level: HealthLevel | null = null
  const targets = ['contact:a', 'contact:b', 'card:x'].map((target): PlayedTarget => ({ target, shown: '', write: null, newest: null }))
  const look = (state: PlayedTarget) => {
    state.newest = new Date(nowMs)
    facts.push(seen((nowMs - origin) / 1_000, state.shown, { target: state.target, via: state.target.startsWith('card') ? 'card' : 'field' }))
  }
  for (const { action, pauseMs } of actions) {
    nowMs += pauseMs
    const seconds = (nowMs - origin) / 1_000
    if (action.kind === 'page') {
      facts.push(set(seconds, action.level))
      level = action.level
      continue
    }
    const state = targets[action.target]!
    switch (action.kind) {
      case 'person':
        // A person who sets exactly what is being written is not told apart from the write, and need not be.
        if (state.shown === action.level || state.write?.fact.shown === action.level) break
        state.shown = action.level
        level = action.level
        look(state)
        break
      case 'begin':
        if (level === null || state.shown === level || state.write !== null) break
        state.write = { fact: wrote(seconds, null, level, { target: state.target, notBefore: state.newest }), arrived: false }
        facts.push(state.write.fact)
        break
      case 'arrive':
        if (state.write === null || state.write.arrived) break
        state.write.arrived = true
        if (state.shown === state.write.fact.shown) break
        state.shown = state.write.fact.shown
        look(state)
        break
      case 'end':
        if (state.write?.arrived !== true) break
        facts.push({ ...state.write.fact, toAt: new Date(nowMs) })
        state.write = null
        break
      case 'lose':
        if (state.write !== null && !state.write.arrived) state.write = null
        break
      case 'read':
        if (level !== null) look(state)
    }
  }
  return { facts, level }
}

const target = fc.integer({ min: 0, max: 2 })
const level = fc.constantFrom(...healthLevels)
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ kind: fc.constant('page' as const), level }),
  fc.record({ kind: fc.constant('person' as const), target, level }),
  ...(['begin', 'arrive', 'end', 'read'] as const).map((kind) => fc.record({ kind: fc.constant(kind), target })),
)
const lossy: fc.Arbitrary<Action> = fc.oneof({ weight: 6, arbitrary: action }, { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose' as const), target }) })
const pauseMs = fc.oneof(fc.integer({ min: 1, max: 900 }), fc.integer({ min: 1, max: 20_000 }))
const script = (of: fc.Arbitrary<Action>) => fc.array(fc.record({ action: of, pauseMs }), { minLength: 1, maxLength: 40 })

function gathered(facts: readonly HealthFact[]): HealthFact[] {
  return facts.reduce<HealthFact[]>((known, fact) => withFact(known, fact), [])
}

describe('any interleaving of page, field, card, writes, echoes and reads', () => {
  it('ends with what the last person did', () => {
    fc.assert(
      fc.property(script(action), (actions) => {
        const { facts, level: winner } = play(actions)
        expect(foldHealth(gathered(facts)).current?.level ?? null).toBe(winner)
      }),
      { numRuns: 1_000 },
    )
  })

  it('gives one result in every order of arrival, each fact told once or often', () => {
    fc.assert(
      fc.property(script(lossy), fc.infiniteStream(fc.nat()), (actions, dice) => {
        const { facts } = play(actions)
        const roll = () => Number(dice.next().value)
        const again = facts.filter(() => roll() % 3 === 0)
        const order = [...facts, ...again].map((fact) => ({ fact, place: roll() })).sort((a, b) => a.place - b.place)
        expect(outcomeOf(foldHealth(gathered(order.map(({ fact }) => fact))))).toEqual(outcomeOf(foldHealth(gathered(facts))))
      }),
      { numRuns: 1_000 },
    )
  })

  it('folding old facts away changes nothing, wherever the cut is', () => {
    fc.assert(
      fc.property(script(lossy), fc.nat(), (actions, cut) => {
        const facts = gathered(play(actions).facts)
        const times = facts.map((fact) => fact.at.getTime()).sort((a, b) => a - b)
        if (times.length === 0) return
        const untilMs = times[cut % times.length]!
        const whole = outcomeOf(foldHealth(facts))
        const rest = foldHealth(facts.filter((fact) => fact.at.getTime() > untilMs), baseAt(facts, null, untilMs))
        expect({ ...outcomeOf(rest), changes: [], refused: [] }).toEqual({ ...whole, changes: [], refused: [] })
      }),
      { numRuns: 1_000 },
    )
  })

  it('what a write explains never changes the level', () => {
    fc.assert(
      fc.property(script(action), (actions) => {
        const people = actions.filter(({ action: { kind } }) => kind === 'page' || kind === 'person').length
        expect(foldHealth(gathered(play(actions).facts)).changes.length).toBeLessThanOrEqual(people)
        const quiet = play(actions.filter(({ action: { kind } }) => kind !== 'person'))
        expect(foldHealth(gathered(quiet.facts)).changes.every((change) => change.source === 'page')).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

describe('what is kept', () => {
  it('facts of more than a week are folded away, and the status stays as it was', () => {
    const facts = [set(0, 'healthy'), wrote(0.1, 0.2, 'healthy'), seen(0.15, 'healthy'), seen(1, 'struggling')]
    expect(compact(facts, null, new Date(origin + 7 * dayMs))).toBeNull()
    const kept = compact(facts, null, new Date(origin + 9 * dayMs))!
    expect(kept.facts).toEqual([])
    expect(foldHealth([], kept.base).current).toEqual(foldHealth(facts).current)
    expect(foldHealth([seen(2, 'thriving')], kept.base).current?.level).toBe('struggling')
  })

  it('stays bounded in a busy week', () => {
    const facts = Array.from({ length: 400 }, (_, index) => set(index * 60, healthLevels[index % 4]!))
    const kept = compact(facts, null, at(400 * 60))!
    expect(kept.facts.length).toBeLessThanOrEqual(200)
    expect(foldHealth(kept.facts, kept.base).current).toEqual(foldHealth(facts).current)
  })
})
