import type { DomainEvent } from '../events/index.ts'
import type { GoodKind } from '../http/contract/today.ts'
import { happinessLabels, happinessLevels, healthLabels, healthLevels, type HappinessLevel, type HealthLevel } from '../kernel/levels.ts'

/** What an event means for one matter of an account: it is good news, or good news no more. */
export interface News {
  matter: string
  kind: GoodKind
  reason: string
  open: boolean
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
const happiness = (value: unknown): HappinessLevel | null => happinessLevels.find((level) => level === value) ?? null
const health = (value: unknown): HealthLevel | null => healthLevels.find((level) => level === value) ?? null
const levels = (count: number): string => `${count} ${count === 1 ? 'level' : 'levels'}`
const quoted = (words: string | null): string => (words === null ? '' : ` “${words}”`)

function accountNews({ before, after }: Pick<DomainEvent, 'before' | 'after'>): News | null {
  const [was, is] = [happiness(before), happiness(after)]
  const steps = was === null || is === null ? 0 : happinessLevels.indexOf(is) - happinessLevels.indexOf(was)
  if (steps <= 0 || was === null || is === null) return { matter: 'happiness', kind: 'rose', reason: '', open: false }
  if (was === 'not_happy') return { matter: 'happiness', kind: 'recovered', reason: `Recovered: ${happinessLabels[is]} after ${happinessLabels[was]}.`, open: true }
  return { matter: 'happiness', kind: 'rose', reason: `Happiness went up ${levels(steps)}, from ${happinessLabels[was]} to ${happinessLabels[is]}.`, open: true }
}

function userNews({ userId, before, after, data }: Pick<DomainEvent, 'userId' | 'before' | 'after' | 'data'>): News {
  const is = happiness(after)
  const open = happiness(before) === 'not_happy' && (is === 'happy' || is === 'very_happy')
  return { matter: `user:${String(userId)}`, kind: 'recovered', reason: is === null ? '' : `${text(data['userName']) ?? 'A user'} is ${happinessLabels[is]} again, after ${happinessLabels.not_happy}.`, open }
}

function healthNews({ before, after, data }: Pick<DomainEvent, 'before' | 'after' | 'data'>): News | null {
  const [was, is] = [health(before), health(after)]
  if (is === null) return null
  const steps = was === null ? 0 : healthLevels.indexOf(is) - healthLevels.indexOf(was)
  const kind = is === 'thriving' ? 'thriving' : 'health_rose'
  // The level that stood before is back: nothing got better.
  const open = text(data['undoes']) === null && (steps > 0 || (was === null && is === 'thriving'))
  const reason = was === null ? `The first status is ${healthLabels[is]}.` : is === 'thriving' ? `Became ${healthLabels[is]}, from ${healthLabels[was]}.` : `The status went up ${levels(steps)}, from ${healthLabels[was]} to ${healthLabels[is]}.`
  return { matter: 'health', kind, reason: `${reason}${quoted(text(data['note']))}`, open }
}

/** News that one event tells by itself; null for an event that is none. */
export function newsOf(event: Pick<DomainEvent, 'type' | 'userId' | 'before' | 'after' | 'actor' | 'data'>): News | null {
  switch (event.type) {
    case 'happiness.account_level_changed':
      return accountNews(event)
    case 'happiness.user_level_changed':
      return event.userId === null ? null : userNews(event)
    case 'health.changed':
      return healthNews(event)
    case 'case.closed': {
      const caseId = text(event.data['caseId'])
      if (caseId === null) return null
      const person = text(event.data['userName']) ?? 'a user'
      return {
        matter: `case:${caseId}`, kind: 'case_closed', open: event.data['outcome'] !== 'withdrawn',
        reason: `${event.actor.name ?? 'Somebody'} closed the case of ${person}.${quoted(text(event.data['note']))}`,
      }
    }
    default:
      return null
  }
}

/** The first answer that anybody of an account ever gave. A Not Happy one has its case. */
export function firstAnswerNews({ after, data }: Pick<DomainEvent, 'after' | 'data'>, isFirst: boolean): News {
  const level = happiness(after)
  const who = text(data['userName']) ?? 'A user'
  return {
    matter: 'first', kind: 'first_answer', open: isFirst && level !== null && level !== 'not_happy',
    reason: level === null ? '' : `First answer of this account: ${who} is ${happinessLabels[level]}.${quoted(text(data['comment']))}`,
  }
}
