import { describe, expect, it } from '@jest/globals'
import { happinessLevels, healthLevels } from '../../src/kernel/levels.ts'
import { conditionFields } from '../../workflows/conditions.ts'
import { workflowDefinition } from '../../workflows/definition.ts'
import { sampleValues, type MergeValues } from '../../workflows/fields.ts'
import { indexLibrary, library } from '../../workflows/library/index.ts'
import { copyFaults, templatesOf } from '../../workflows/states.ts'
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
  it('has a follow-up for every level of both readings and the notifications of the team', () => {
    const followUps = library.filter((definition) => definition.kind === 'follow_up')
    expect(followUps.map((definition) => definition.level).sort()).toEqual([...happinessLevels, ...healthLevels].sort())
    expect(library.filter((definition) => definition.kind === 'notification').map((definition) => definition.key).sort()).toEqual([
      'account_silent', 'case_opened', 'case_overdue', 'csm_assigned', 'feedback_received', 'happiness_changed', 'health_changed', 'health_note_wanted', 'health_stale',
      'health_struggling', 'health_value_refused', 'reconnect_needed', 'setup_drift',
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
