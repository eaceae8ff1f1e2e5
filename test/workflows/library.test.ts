import { describe, expect, it } from '@jest/globals'
import { happinessLevels, healthLevels } from '../../src/kernel/levels.ts'
import { conditionFields } from '../../workflows/conditions.ts'
import { workflowDefinition } from '../../workflows/definition.ts'
import { sampleValues, type MergeValues } from '../../workflows/fields.ts'
import { brandedHtml } from '../../workflows/mail.ts'
import { indexLibrary, library } from '../../workflows/library/index.ts'
import { copyFaults, templatesOf } from '../../workflows/authoring/changes.ts'
import { renderTemplate } from '../../workflows/templates.ts'

const scenes: [string, MergeValues][] = [
  ['full data', sampleValues],
  ['everything missing', {}],
  ['a name but no comment', { ...sampleValues, 'answer.comment': null, 'status.note': null }],
]

const texts = library.flatMap((definition) =>
  definition.steps.flatMap((step) => templatesOf(step).map(([member, source]) => ({ name: `${definition.key}.${step.id}.${member}`, member, source }))),
)

describe('the library', () => {
  it('has a follow-up for every level of both readings, for their changes, for the moments of an account, and the notifications of the team', () => {
    const followUps = library.filter((definition) => definition.kind === 'follow_up')
    expect(followUps.flatMap(({ level }) => level ?? []).sort()).toEqual([...happinessLevels, ...healthLevels].sort())
    expect(followUps.filter(({ level }) => level === null).map(({ key }) => key).sort()).toEqual([
      'case_closed_loop', 'first_answer', 'happiness_fell', 'happiness_recovered', 'happiness_rose', 'health_fell', 'health_recovered', 'health_rose',
      'inactive_14_days', 'inactive_30_days', 'inactive_7_days', 'no_answer', 'payment_failed_customer', 'referral_ask', 'renewal_ahead_customer', 'testimonial_ask', 'welcome',
    ])
    expect(library.filter((definition) => definition.kind === 'notification').map((definition) => definition.key).sort()).toEqual([
      'account_churned', 'account_silent', 'case_opened', 'case_overdue', 'csm_assigned', 'feedback_received', 'happiness_changed', 'health_changed', 'health_note_wanted', 'health_stale',
      'health_struggling', 'health_value_refused', 'payment_failed', 'payment_recovered', 'reconnect_needed', 'renewal_ahead', 'score_milestone', 'setup_drift', 'user_inactive',
    ])
  })

  it('keeps to its own schema and to catalogued condition fields', () => {
    const index = indexLibrary(library)
    expect(index.byKey.size).toBe(library.length)
    for (const definition of library) {
      expect(workflowDefinition.parse(definition)).toEqual(definition)
      for (const { field } of [...definition.trigger.where, ...definition.conditions]) expect([...conditionFields.keys()]).toContain(field)
    }
  })

  it('asks no favour of an account that waits for help', () => {
    for (const level of ['very_happy', 'thriving']) expect(library.find((definition) => definition.level === level)?.guards.noOpenCase).toBe(true)
  })

  it('asks for a quote or an introduction behind their guard only', () => {
    for (const key of ['testimonial_ask', 'referral_ask', 'very_happy_review']) expect(library.find((definition) => definition.key === key)?.guards).toMatchObject({ noOpenCase: true })
    for (const key of ['testimonial_ask', 'referral_ask']) {
      const guards = library.find((definition) => definition.key === key)?.guards
      expect(guards).toMatchObject({ cooldownDays: 180 })
      expect(guards?.exitOn).toContain('case_opened')
    }
  })

  it('stops every follow-up on a reply and with the app, and says why it exists', () => {
    for (const definition of library) {
      expect(definition.reason).toMatch(/\.$/)
      if (definition.kind === 'follow_up') expect(definition.guards.exitOn).toEqual(expect.arrayContaining(['reply', 'uninstall']))
    }
  })

  it('never tells a customer the status that the team gave them', () => {
    for (const { name, source } of texts) {
      const owner = library.find((definition) => name.startsWith(`${definition.key}.`))
      if (owner?.kind === 'follow_up' && owner.reading === 'health') expect(source).not.toMatch(/struggling|steady|healthy|thriving|level\.|status/i)
    }
  })

  it('has no unknown field, filter or tag', () => {
    for (const definition of library) expect(copyFaults(definition)).toEqual([])
  })

  describe.each(scenes)('with %s', (_scene, values) => {
    it.each(texts)('$name reads well', ({ member, source }) => {
      const rendered = renderTemplate(member === 'html' ? 'html' : member === 'subject' || member === 'title' ? 'line' : 'text', source, values)
      expect(rendered).not.toBe('')
      expect(rendered).not.toMatch(/!|\{\{|\{%|undefined|null|HighLevel|GHL|GoHighLevel|LeadConnector/i)
      // No hole where a value was missing: no doubled space, no space before a comma or full stop, no empty quotes or paragraphs.
      expect(rendered).not.toMatch(/ {2}| [,.?]|“”|<p><\/p>|\n{3}/)
      // No sentence without an end: every paragraph of words ends as one, but for greetings, links and signatures.
      if (member === 'text' || member === 'body') {
        for (const paragraph of rendered.split('\n\n').slice(member === 'text' ? 1 : 0, member === 'text' ? -1 : undefined)) expect(paragraph).toMatch(/[.?:”]$|https:\/\/\S+$/)
      }
      if (member === 'subject') expect(rendered.length).toBeLessThanOrEqual(78)
    })
  })

  it('a long name does not make a subject long without bound', () => {
    for (const { source, member } of texts) {
      if (member !== 'subject') continue
      expect(source.replace(/\{\{.*?\}\}/g, '').length).toBeLessThanOrEqual(60)
    }
  })
})

describe('the brand around a message', () => {
  const brand = { name: 'North & Beam', teamName: 'The Northbeam team', accentColour: '#2f5bd7', logoUrl: null }

  it('carries accent, name and team, and nothing of ours', () => {
    const html = brandedHtml('<p>Hello.</p>', brand)
    expect(html).toContain('background:#2f5bd7')
    expect(html).toContain('North &amp; Beam')
    expect(html).toContain('The Northbeam team, North &amp; Beam. You can reply to this email')
    expect(html).not.toMatch(/barometer|highlevel|leadconnector|<script|<style|class=/i)
  })

  it('shows the logo with the name for those who load no pictures', () => {
    expect(brandedHtml('<p>Hello.</p>', { ...brand, logoUrl: 'https://cdn.example.com/logo.png?a=1&b="2"' })).toContain('<img src="https://cdn.example.com/logo.png?a=1&amp;b=&quot;2&quot;" alt="North &amp; Beam"')
  })

  it('does not name an agency twice', () => {
    expect(brandedHtml('<p>Hello.</p>', { ...brand, teamName: brand.name })).toContain('North &amp; Beam. You can reply')
  })
})

describe('the definition schema', () => {
  const [definition] = library
  if (definition === undefined) throw new Error('The library is empty')

  it('refuses two steps with one id', () => {
    const twice = { ...definition, steps: [definition.steps[0], definition.steps[0]] }
    expect(workflowDefinition.safeParse(twice).error?.issues[0]).toMatchObject({ path: ['steps', 1, 'id'] })
  })

  it('refuses a notification that writes to customers', () => {
    expect(workflowDefinition.safeParse({ ...definition, kind: 'notification' }).error?.issues[0]).toMatchObject({ path: ['steps', 1] })
  })

  it('refuses a follow-up without the cap', () => {
    expect(workflowDefinition.safeParse({ ...definition, guards: { ...definition.guards, capDays: null } }).error?.issues[0]).toMatchObject({ path: ['guards', 'capDays'] })
  })

  it('refuses members it does not know', () => {
    expect(workflowDefinition.safeParse({ ...definition, script: 'x' }).success).toBe(false)
  })
})
