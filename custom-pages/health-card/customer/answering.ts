import { type ShallowRef, onScopeDispose, ref, shallowRef } from 'vue'
import type { AnswerView, MyFeedback } from '../../../src/http/contract/feedback.ts'
import { mergeCopy } from '../../shared/answer/copy.ts'
import type { Call, CallResult } from '../../shared/answer/draft.ts'
import type { Level } from '../../shared/answer/level.ts'
import { type Effect, type Event, type State, initialState, next } from '../../shared/answer/machine.ts'
import { ApiError } from '../../shared/client.ts'
import { client } from '../../shared/lib/services.ts'

export interface Answering {
  state: Readonly<ShallowRef<State>>
  /** What readers are told. */
  said: Readonly<{ value: string }>
  /** Takes in what the server said about this person. */
  told(feedback: MyFeedback, firstName: string): void
  choose(level: Level): void
  dispatch(event: Event): void
}

/** Giving an answer by the same machine as the widget's; `saved` is called when the server has something new. */
export function useAnswering(saved: () => void): Answering {
  const state = shallowRef(initialState)
  const said = ref('')
  const timers = new Set<ReturnType<typeof setTimeout>>()

  function dispatch(event: Event): void {
    const { state: after, effects } = next(state.value, event)
    state.value = after
    for (const effect of effects) perform(effect)
  }

  function wait(delayMs: number, event: () => Event): void {
    const timer = setTimeout(() => {
      timers.delete(timer)
      dispatch(event())
    }, Math.max(0, delayMs))
    timers.add(timer)
  }

  function perform(effect: Effect): void {
    switch (effect.type) {
      case 'announce':
        said.value = effect.text
        return
      case 'call':
        void send(effect.call).then((result) => {
          dispatch({ type: 'called', call: effect.call, result, nowMs: Date.now(), random: Math.random() })
          if (result.ok) saved()
        })
        return
      case 'retryIn':
        wait(effect.delayMs, () => ({ type: 'retry' }))
        return
      case 'changeExpiresIn':
        wait(effect.delayMs, () => ({ type: 'changeExpired', nowMs: Date.now() }))
        return
      case 'outcome':
        // Only prompts have outcomes, and this page never prompts.
    }
  }

  const cameBack = () => dispatch({ type: 'retry' })
  addEventListener('online', cameBack)
  onScopeDispose(() => {
    removeEventListener('online', cameBack)
    for (const timer of timers) clearTimeout(timer)
  })

  return {
    state,
    said,
    told(feedback, firstName) {
      const isFirst = state.value.step === 'off'
      const [newest] = feedback.answers.items
      const changeableUntilMs = newest === undefined ? 0 : Date.parse(newest.editableUntil)
      const answer = newest === undefined || changeableUntilMs <= Date.now() ? null : { answerId: newest.answerId, level: newest.level, comment: newest.comment ?? '', changeableUntilMs }
      const info = { ...initialState.info, shown: feedback.canAnswer, copy: mergeCopy(feedback.copy), answer }
      dispatch({ type: 'told', info, firstName, nowMs: Date.now() })
      // Whoever is asked now, or never answered, sees the question at once, without a tap in between.
      if (isFirst && feedback.canAnswer && answer === null && (newest === undefined || feedback.next.reason === 'now')) dispatch({ type: 'opened' })
    },
    choose: (level) => dispatch({ type: 'chose', level, newKey: crypto.randomUUID(), nowMs: Date.now() }),
    dispatch,
  }
}

/** Every outcome is a value: `retry` tells whether the same call may succeed later. */
async function send(call: Call): Promise<CallResult> {
  try {
    const { answerId, at, editableUntil } =
      call.kind === 'create'
        ? await client.send<AnswerView>('POST', '/api/answers', { level: call.level, idempotencyKey: call.idempotencyKey, source: call.source })
        : await client.send<AnswerView>('PATCH', `/api/answers/${encodeURIComponent(call.answerId)}`, { level: call.level, comment: call.comment })
    return { ok: true, answerId, changeWindowMs: Date.parse(editableUntil) - Date.parse(at) }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { ok: false, retry: [0, 401, 408, 429].includes(error.status) || error.status >= 500 }
  }
}
