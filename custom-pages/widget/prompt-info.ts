import { mergeCopy } from '../shared/answer/copy.ts'
import type { Level } from '../shared/answer/level.ts'
import type { PromptInfo } from '../shared/answer/machine.ts'
import { instantMs, record, text } from './read.ts'

/** Reads the server's answer to "should this person be asked now" defensively: what is missing or odd gets the default. */
export function readPromptInfo(body: Record<string, unknown>): PromptInfo {
  const copy = record(body['copy'])
  const answer = record(body['answer'])
  const answerId = text(answer['answerId'])
  const { position, theme } = copy
  return {
    shown: body['enabled'] !== false && (body['button'] === true || body['due'] === true),
    due: body['due'] === true,
    promptId: text(body['promptId']),
    nextAtMs: instantMs(body['nextAt']),
    copy: mergeCopy(copy),
    look: {
      brandColour: text(record(copy['brand'])['accentColour']),
      theme: theme === 'light' || theme === 'dark' ? theme : 'auto',
      side: position === 'bottom_left' ? 'start' : 'end',
    },
    answer:
      answerId === null
        ? null
        : { answerId, level: answer['level'] as Level, comment: text(answer['comment']) ?? '', changeableUntilMs: instantMs(answer['editableUntil']) ?? 0 },
  }
}
