import type { ForgottenPerson } from '../kernel/forgotten.ts'
import { happinessLabels, happinessLevels, healthLevels } from '../kernel/levels.ts'
import type { DomainEvent } from './types.ts'

/** What an event may go on saying of its circumstances: figures, and ids of answers, cases and accounts. */
const keptData = new Set(['answerId', 'accountName', 'level', 'levelLabel', 'levelChanged', 'answerSource', 'caseId', 'locationId', 'before', 'after'])
const levels: readonly unknown[] = [...happinessLevels, ...healthLevels]

/** An event as it stays once a person in it is forgotten; `remove` where its key names them. */
export function withoutPerson(event: DomainEvent, { userId, alias }: ForgottenPerson): DomainEvent | 'remove' {
  if (event.key.includes(userId)) return 'remove'
  const { before, after, actor, data, ...rest } = event
  const kept = Object.entries(data).filter(([name, value]) => keptData.has(name) && typeof value !== 'object')
  const level = happinessLevels.find((one) => one === after)
  return {
    ...rest,
    userId: event.userId === userId ? alias : event.userId,
    actor: actor.id === userId ? { ...actor, id: null, name: null } : actor,
    summary: event.type === 'feedback.received' && level !== undefined ? `Somebody who was forgotten answered ${happinessLabels[level]}.` : 'The details were removed: somebody was forgotten.',
    ...(levels.includes(before) ? { before } : {}),
    ...(levels.includes(after) ? { after } : {}),
    data: Object.fromEntries(kept),
  }
}
