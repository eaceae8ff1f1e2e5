import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { levels } from '../../../custom-pages/shared/answer/level.ts'
import { type Effect, type Event, type PromptInfo, type State, defaultInfo, initialState, next, sendingNote } from '../../../custom-pages/shared/answer/machine.ts'

const atMs = Date.parse('2026-11-02T09:00:00Z')
const due: PromptInfo = { ...defaultInfo, shown: true, due: true, promptId: 'p1' }
const notDue: PromptInfo = { ...defaultInfo, shown: true }
const created = { ok: true as const, answerId: 'a1', changeWindowMs: 600_000 }

/** Feeds events one after the other; gives the last state and all effects. */
function play(...events: Event[]): { state: State; effects: Effect[] } {
  return events.reduce<{ state: State; effects: Effect[] }>(
    (so, event) => {
      const step = next(so.state, event)
      return { state: step.state, effects: [...so.effects, ...step.effects] }
    },
    { state: initialState, effects: [] },
  )
}

const told = (info: PromptInfo): Event => ({ type: 'told', info, firstName: 'Nate', nowMs: atMs })
const chose = (level: (typeof levels)[number], newKey = 'key-0001'): Event => ({ type: 'chose', level, newKey, nowMs: atMs })

/** Answers the last call in the effects. */
function answered(effects: Effect[], result: Extract<Event, { type: 'called' }>['result'] = created, nowMs = atMs): Event {
  const call = effects.findLast((effect) => effect.type === 'call')
  if (call === undefined) throw new Error('no call was made')
  return { type: 'called', call: call.call, result, nowMs, random: 0 }
}

const outcomes = (effects: Effect[]) => effects.filter((effect) => effect.type === 'outcome').map((effect) => effect.outcome)
const calls = (effects: Effect[]) => effects.flatMap((effect) => (effect.type === 'call' ? [effect.call] : []))

describe('the widget asks only when it may', () => {
  it('shows nothing where feedback is off', () => {
    expect(play(told(defaultInfo)).state.step).toBe('off')
  })

  it('shows the button and no card between prompts', () => {
    const { state, effects } = play(told(notDue))
    expect(state.step).toBe('idle')
    expect(effects).toEqual([])
  })

  it('opens a due prompt, reports it as shown once and announces it', () => {
    const { state, effects } = play(told(due), told(due))
    expect(state.step).toBe('ask')
    expect(outcomes(effects)).toEqual(['shown'])
    expect(effects.filter((effect) => effect.type === 'announce')).toHaveLength(1)
  })

  it('removes everything when it is switched off, also while the card is open', () => {
    expect(play(told(due), told({ ...due, shown: false })).state.step).toBe('off')
  })

  it('does not open the same prompt again after it was closed', () => {
    expect(play(told(due), { type: 'closed' }, told(due)).state.step).toBe('idle')
  })
})

describe('every way out is reported once', () => {
  it('ask me later', () => {
    const { state, effects } = play(told(due), { type: 'later' }, { type: 'closed' })
    expect(outcomes(effects)).toEqual(['shown', 'later'])
    expect(state.step).toBe('idle')
  })

  it('close', () => {
    expect(outcomes(play(told(due), { type: 'closed' }, { type: 'closed' }).effects)).toEqual(['shown', 'closed'])
  })

  it('closing after an answer is no outcome', () => {
    expect(outcomes(play(told(due), chose('happy'), { type: 'closed' }).effects)).toEqual(['shown'])
  })

  it('a card that a person opened from the button reports nothing', () => {
    expect(outcomes(play(told(notDue), { type: 'opened' }, { type: 'later' }, { type: 'closed' }).effects)).toEqual([])
  })
})

describe('a tap is an answer', () => {
  it('is sent at once and asks for one comment', () => {
    const { state, effects } = play(told(due), chose('happy'))
    expect(state.step).toBe('comment')
    expect(calls(effects)).toEqual([{ kind: 'create', level: 'happy', idempotencyKey: 'key-0001', source: 'widget' }])
  })

  it('says whether it was asked for', () => {
    expect(calls(play(told(notDue), { type: 'opened' }, chose('neutral')).effects)[0]).toMatchObject({ source: 'button' })
  })

  it('keeps its key through every retry', () => {
    const first = play(told(due), chose('happy'))
    const failed = next(first.state, answered(first.effects, { ok: false, retry: true }))
    expect(sendingNote(failed.state)).toBe('offline')
    expect(failed.effects.some((effect) => effect.type === 'retryIn')).toBe(true)
    const again = next(failed.state, { type: 'retry' })
    expect(calls(again.effects)).toEqual(calls(first.effects))
  })

  it('is not sent twice at the same time', () => {
    const first = play(told(due), chose('happy'))
    expect(calls(next(first.state, { type: 'retry' }).effects)).toEqual([])
  })

  it('adds the comment to the same answer', () => {
    const first = play(told(due), chose('not_happy'))
    const saved = next(first.state, answered(first.effects))
    const typed = next(saved.state, { type: 'typed', text: '  Leads arrive twice.  ' })
    const sent = next(typed.state, { type: 'sent' })
    expect(sent.state.step).toBe('thanks')
    expect(calls(sent.effects)).toEqual([{ kind: 'change', answerId: 'a1', level: undefined, comment: 'Leads arrive twice.' }])
  })

  it('sends a comment that was written before the answer got through', () => {
    const first = play(told(due), chose('neutral'), { type: 'typed', text: 'Slow.' }, { type: 'sent' })
    expect(calls(first.effects)).toHaveLength(1)
    const saved = next(first.state, answered(first.effects))
    expect(calls(saved.effects)).toEqual([{ kind: 'change', answerId: 'a1', level: undefined, comment: 'Slow.' }])
  })

  it('does not send words that the person typed and then closed on', () => {
    const first = play(told(due), chose('neutral'), { type: 'typed', text: 'Never mind' })
    const closed = next(next(first.state, answered(first.effects)).state, { type: 'closed' })
    expect(calls(closed.effects)).toEqual([])
    expect(closed.state.text).toBe('Never mind')
    expect(next(closed.state, { type: 'opened' }).state.step).toBe('comment')
  })

  it('brings what was done lately, which stays with it through a comment and is not said with the next', () => {
    const first = play(told(due), chose('neutral'), { type: 'typed', text: 'Slow.' }, { type: 'sent' })
    const saved = next(first.state, answered(first.effects, { ...created, did: ['We did: called.'] }))
    expect(saved.state.draft?.did).toEqual(['We did: called.'])
    const commented = next(saved.state, answered(saved.effects, { ...created, did: [] }))
    expect(commented.state).toMatchObject({ step: 'thanks', draft: { sync: 'saved', did: ['We did: called.'] } })
    const later = [{ type: 'closed' }, { type: 'changeExpired', nowMs: atMs + 600_001 }, { type: 'opened' }, { ...chose('happy', 'key-0002'), nowMs: atMs + 600_002 }] as Event[]
    expect(later.reduce((state, event) => next(state, event).state, commented.state)).toMatchObject({ step: 'comment', draft: { did: [] } })
  })

  it('says so when the server does not take it, and stops trying', () => {
    const first = play(told(due), chose('happy'))
    const refused = next(first.state, answered(first.effects, { ok: false, retry: false }))
    expect(sendingNote(refused.state)).toBe('refused')
    expect(calls(next(refused.state, { type: 'retry' }).effects)).toEqual([])
  })
})

describe('an answer can be changed for a while', () => {
  it('changes the same answer, whatever the retries did', () => {
    const first = play(told(due), chose('neutral'), { type: 'change' }, chose('happy', 'key-0002'))
    expect(calls(first.effects)).toEqual([{ kind: 'create', level: 'neutral', idempotencyKey: 'key-0001', source: 'widget' }])
    const saved = next(first.state, answered(first.effects))
    expect(calls(saved.effects)).toEqual([{ kind: 'change', answerId: 'a1', level: 'happy', comment: undefined }])
  })

  it('is a new answer once the time is over', () => {
    const first = play(told(due), chose('neutral'))
    const saved = next(first.state, answered(first.effects))
    const over = next(saved.state, { type: 'changeExpired', nowMs: atMs + 600_000 })
    expect(over.state.changeable).toBe(false)
    expect(next(over.state, { type: 'change' }).state.step).toBe('comment')
    const reopened = next(next(over.state, { type: 'closed' }).state, { type: 'opened' })
    const second = next(reopened.state, { type: 'chose', level: 'happy', newKey: 'key-0002', nowMs: atMs + 700_000 })
    expect(calls(second.effects)).toEqual([{ kind: 'create', level: 'happy', idempotencyKey: 'key-0002', source: 'button' }])
  })

  it('goes on after a reload, with what the server has', () => {
    const answer = { answerId: 'a7', level: 'happy' as const, comment: 'Good', changeableUntilMs: atMs + 60_000 }
    const { state } = play(told({ ...notDue, answer }), { type: 'opened' })
    expect(state.step).toBe('thanks')
    const changed = play(told({ ...notDue, answer }), { type: 'opened' }, { type: 'change' }, chose('neutral'))
    expect(calls(changed.effects)).toEqual([{ kind: 'change', answerId: 'a7', level: 'neutral', comment: undefined }])
  })
})

describe('whatever happens', () => {
  const event: fc.Arbitrary<Event | 'result'> = fc.oneof(
    fc.constantFrom<Event>(told(due), told(notDue), { type: 'opened' }, { type: 'sent' }, { type: 'skipped' }, { type: 'change' }, { type: 'later' }, { type: 'closed' }, { type: 'retry' }),
    fc.constantFrom(...levels).map((level) => chose(level, `key-${level}`)),
    fc.string({ maxLength: 8 }).map((text): Event => ({ type: 'typed', text })),
    fc.constant<'result'>('result'),
  )

  it('at most one call is under way, a create is never repeated with another level, and the server ends with what was wanted', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), fc.array(fc.constantFrom('ok', 'lost', 'fail'), { maxLength: 40 }), (events, fates) => {
        let state = initialState
        const under: Extract<Effect, { type: 'call' }>['call'][] = []
        const server = new Map<string, { id: string; level: string; comment: string }>()
        const deliver = (fate: string | undefined) => {
          const call = under.shift()
          if (call === undefined) return
          let id = ''
          if (fate !== 'fail') {
            if (call.kind === 'create') {
              const known = server.get(call.idempotencyKey)
              if (known !== undefined) expect(call.level).toBe(known.level)
              id = known?.id ?? `a${server.size + 1}`
              if (known === undefined) server.set(call.idempotencyKey, { id, level: call.level, comment: '' })
            } else {
              const record = [...server.values()].find((one) => one.id === call.answerId)
              if (record === undefined) throw new Error('changed an answer that does not exist')
              record.level = call.level ?? record.level
              record.comment = call.comment ?? record.comment
              id = record.id
            }
          }
          const result = fate === 'ok' || fate === undefined ? { ok: true as const, answerId: id, changeWindowMs: 600_000 } : { ok: false as const, retry: true }
          apply({ type: 'called', call, result, nowMs: atMs, random: 0 })
        }
        const apply = (event: Event) => {
          const step = next(state, event)
          state = step.state
          for (const effect of step.effects) if (effect.type === 'call') under.push(effect.call)
          expect(under.length).toBeLessThanOrEqual(1)
        }
        let at = 0
        for (const one of events) {
          if (one === 'result') deliver(fates[at++] ?? 'ok')
          else apply(one)
        }
        for (let rest = 0; rest < 6; rest++) {
          deliver('ok')
          apply({ type: 'retry' })
        }
        if (state.draft !== null) {
          expect(state.draft.sync).toBe('saved')
          const record = [...server.values()].find((one) => one.id === state.draft?.answerId)
          expect(record).toMatchObject({ level: state.draft.level, comment: state.draft.comment })
        }
      }),
    )
  })
})
