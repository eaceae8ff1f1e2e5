import { describe, expect, it } from '@jest/globals'
import { defaultAgencySettings } from '../../src/http/contract/settings.ts'
import { guardMessage, quietUntil, type GuardFacts } from '../../workflows/engine/guards.ts'
import type { WorkflowDefinition } from '../../workflows/definition.ts'

const messages = { ...defaultAgencySettings.messages, quietHours: { enabled: false, from: '20:00', to: '08:00' } }
const guards: WorkflowDefinition['guards'] = { dedupe: 'answer', capDays: 'agency', exitOn: ['recovery', 'level_changed', 'reply', 'uninstall'], noOpenCase: true, reentry: 'always' }
const now = new Date('2026-11-02T12:00:00Z')
const facts: GuardFacts = {
  workflowState: 'published', live: true, messages, person: { email: 'maya@example.com', phone: null }, needs: 'email', level: 'neutral', hasOpenCase: false, optedOut: false, dueAt: now, now, zone: 'utc',
}
const run = { level: 'neutral' }

describe('the guards before a message to a customer', () => {
  it('let an undisturbed run go on', () => {
    expect(guardMessage(guards, run, facts)).toEqual({ kind: 'go' })
  })

  it.each<[string, Partial<GuardFacts>]>([
    ['uninstalled', { live: false }],
    ['paused', { workflowState: 'paused' }],
    ['not_published', { workflowState: 'draft' }],
    ['all_paused', { messages: { ...messages, paused: true } }],
    ['user_removed', { person: null }],
    ['no_email', { person: { email: null, phone: '+15550100' } }],
    ['no_phone', { needs: 'phone' }],
    ['opted_out', { optedOut: true }],
    ['recovered', { level: 'happy' }],
    ['level_changed', { level: 'not_happy' }],
    ['level_changed', { level: null }],
    ['open_case', { hasOpenCase: true }],
    ['too_late', { dueAt: new Date('2026-10-20T12:00:00Z') }],
  ])('stop with the reason %s', (reason, change) => {
    expect(guardMessage(guards, run, { ...facts, ...change })).toEqual({ kind: 'stop', reason })
  })

  it('wait for the end of the quiet hours', () => {
    const quiet = { ...messages, quietHours: { enabled: true, from: '11:00', to: '13:30' } }
    expect(guardMessage(guards, run, { ...facts, messages: quiet })).toEqual({ kind: 'wait', untilAt: new Date('2026-11-02T13:30:00Z'), reason: 'quiet_hours' })
  })
})

describe('quiet hours', () => {
  const night = { enabled: true, from: '20:00', to: '08:00' }

  it.each([
    ['before midnight', '2026-11-02T22:00:00Z', 'utc', '2026-11-03T08:00:00.000Z'],
    ['after midnight', '2026-11-03T03:00:00Z', 'utc', '2026-11-03T08:00:00.000Z'],
    ['at their first minute', '2026-11-02T20:00:00Z', 'utc', '2026-11-03T08:00:00.000Z'],
    ['in the recipient’s zone', '2026-11-02T12:00:00Z', 'America/Los_Angeles', '2026-11-02T16:00:00.000Z'],
    ['over the night in which clocks go back', '2026-10-24T21:00:00Z', 'Europe/Berlin', '2026-10-25T07:00:00.000Z'],
    ['over the night in which clocks go forward', '2026-03-28T21:00:00Z', 'Europe/Berlin', '2026-03-29T06:00:00.000Z'],
    ['with an unknown zone, in UTC', '2026-11-02T22:00:00Z', 'Nowhere/Land', '2026-11-03T08:00:00.000Z'],
  ])('end in the morning: %s', (_what, at, zone, end) => {
    expect(quietUntil(night, new Date(at), zone)?.toISOString()).toBe(end)
  })

  it('are over at their last minute and by day', () => {
    expect(quietUntil(night, new Date('2026-11-02T08:00:00Z'), 'utc')).toBeNull()
    expect(quietUntil(night, new Date('2026-11-02T19:59:59Z'), 'utc')).toBeNull()
    expect(quietUntil({ ...night, enabled: false }, new Date('2026-11-02T23:00:00Z'), 'utc')).toBeNull()
  })
})
