import type { Account } from '../accounts/index.ts'
import type { DomainEvent } from '../events/index.ts'
import { hashOf } from '../kernel/ids.ts'
import { happinessLabels, happinessLevels, healthLabels, healthLevels, type HappinessLevel } from '../kernel/levels.ts'
import { noLevel, triggers, type Trigger } from './catalog.ts'
import type { FactValues } from './filters.ts'

/** What a firing tells, without the person: they are looked up when it leaves. */
export interface TriggerFact {
  trigger: Trigger
  values: FactValues
}

/** Readings of the account at the moment of the fact. */
export interface Readings {
  happiness: HappinessLevel | null
}

const labels: Record<string, string> = { ...happinessLabels, ...healthLabels }

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function number(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

function levelOf(value: unknown): string {
  return text(value) ?? noLevel
}

function labelOf(level: string): string {
  return labels[level] ?? 'No reading'
}

const yes = (value: boolean): string => (value ? 'yes' : 'no')

function direction(from: string, to: string): string {
  if (from === noLevel) return 'first'
  if (to === noLevel) return 'ended'
  const order: readonly string[] = [...happinessLevels, ...healthLevels]
  return order.indexOf(to) > order.indexOf(from) ? 'rose' : 'fell'
}

function change(event: DomainEvent): Record<string, string> {
  const from = levelOf(event.before)
  const to = levelOf(event.after)
  return { from, fromLabel: labelOf(from), to, toLabel: labelOf(to), direction: direction(from, to) }
}

const tellers: Record<string, (event: DomainEvent, account: Account, readings: Readings) => FactValues> = {
  feedback_received: ({ data }, account, readings) => ({
    level: levelOf(data['level']), levelLabel: labelOf(levelOf(data['level'])),
    comment: text(data['comment']), hasComment: yes(text(data['comment']) !== null), answeredVia: text(data['answerSource']),
    accountLevelLabel: labelOf(levelOf(readings.happiness)), healthStatusLabel: labelOf(levelOf(account.health.level)),
  }),
  happiness_level_changed: (event, account) => ({
    ...change(event),
    reading: event.type === 'happiness.account_level_changed' ? 'account' : 'person',
    score: number(event.data['score']), answered: number(event.data['answered']), eligible: number(event.data['eligible']), dissent: yes(event.data['dissent'] === true),
    healthStatusLabel: labelOf(levelOf(account.health.level)),
  }),
  health_status_changed: (event, _account, readings) => ({
    ...change(event),
    changedIn: event.source === 'api' && event.actor.kind === 'crm' ? 'workflow' : event.source,
    changedBy: event.actor.name, note: text(event.data['note']),
    reasons: Array.isArray(event.data['reasons']) ? event.data['reasons'].join(', ') : null,
    happinessLevelLabel: labelOf(levelOf(readings.happiness)),
  }),
}

export function triggerFor(event: DomainEvent): Trigger | undefined {
  return triggers.find((trigger) => trigger.events.includes(event.type))
}

/** The values that an event gives its trigger's filters and variables. */
export function factOf(trigger: Trigger, event: DomainEvent, account: Account, readings: Readings): TriggerFact {
  const own = tellers[trigger.key]?.(event, account, readings) ?? {}
  return {
    trigger,
    values: {
      eventId: hashOf('marketplace-event', event.companyId, event.key).slice(0, 24),
      occurredAt: event.at.toISOString(),
      accountId: account.locationId, accountName: account.name, accountGroup: account.group, premium: yes(account.premium),
      ownerId: account.csm?.userId ?? null, ownerName: account.csm?.name ?? null, ownerEmail: account.csm?.email ?? null,
      ...own,
    },
  }
}

/** Values and variables as workflows of a location may see them: the agency's own business stays in its success location. */
export function visibleTo(team: boolean, trigger: Trigger, values: FactValues): FactValues {
  if (team) return values
  const hidden = new Set(trigger.variables.filter((variable) => variable.team === true).map(({ key }) => key))
  return Object.fromEntries(Object.entries(values).filter(([key]) => !hidden.has(key)))
}

/** The fields that filters of a location may name. */
export function filterFieldsOf(team: boolean, trigger: Trigger): string[] {
  const hidden = new Set(team ? [] : trigger.variables.filter((variable) => variable.team === true).map(({ key }) => key))
  return [...new Set([...trigger.filters.map(({ field }) => field), ...trigger.variables.map(({ key }) => key)])].filter((field) => !hidden.has(field) && !personFields.has(field))
}

/** Known only when the firing leaves: no filter can look at them. */
const personFields: ReadonlySet<string> = new Set(['contactId', 'email', 'phone', 'firstName', 'personName'])
