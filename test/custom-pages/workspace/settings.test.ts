import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { agencySettings, agencySettingsPatch, defaultAgencySettings } from '../../../src/http/contract/settings.ts'
import { codeFor } from '../../../custom-pages/workspace/settings/controls/code.ts'
import { fieldWords, sections } from '../../../custom-pages/workspace/settings/copy.ts'
import { editsOf, patchOf, problemsOf, valueAt, withEdit, withoutEdits, type Edits } from '../../../custom-pages/workspace/settings/edits.ts'
import { groupsOf, pathsOf, sectionNames } from '../../../custom-pages/workspace/settings/sections.ts'

const paths = sectionNames.flatMap(pathsOf)

describe('the sections', () => {
  it('name members that the settings have, each once, with words for all of them', () => {
    for (const path of paths) expect({ path, known: valueAt(defaultAgencySettings, path) !== undefined, label: fieldWords[path]?.label.length }).toEqual({ path, known: true, label: expect.any(Number) })
    expect(new Set(paths).size).toBe(paths.length)
    expect(Object.keys(fieldWords).filter((path) => !paths.includes(path))).toEqual([])
    for (const name of sectionNames) expect(Object.keys(sections[name].groups)).toEqual(groupsOf(name).map(({ key }) => key))
  })

  it('let every member be changed, but for what is chosen on the Notifications page', () => {
    const leaves = (value: unknown, path: string): string[] =>
      typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value).flatMap(([name, inner]) => leaves(inner, path === '' ? name : `${path}.${name}`)) : [path]
    const left = leaves(defaultAgencySettings, '').filter((path) => !paths.includes(path) && !path.startsWith('notices.kinds.') && !path.startsWith('notices.agencyChat.'))
    expect(left).toEqual([])
  })

  it('bound numbers as the server does', () => {
    for (const { path, control } of sectionNames.flatMap((name) => groupsOf(name).flatMap(({ fields }) => fields))) {
      if (control.as !== 'number' || control.step === 'any') continue
      for (const [value, ok] of [[control.min, true], [control.max, true], [control.min - 1, false], [control.max + 1, false]] as const) {
        expect({ path, value, ok: agencySettingsPatch.safeParse(patchOf({ [path]: value })).success }).toEqual({ path, value, ok })
      }
    }
  })
})

describe('edits', () => {
  it('of any members come to the server as one change that holds them and nothing else', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.constantFrom(...paths), { minLength: 1 }), (chosen) => {
        const edits = Object.fromEntries(chosen.map((path) => [path, valueAt(defaultAgencySettings, path)]))
        const patch = patchOf(edits)
        expect(agencySettingsPatch.safeParse(patch).success).toBe(true)
        for (const path of paths) expect(valueAt(patch, path)).toEqual(chosen.includes(path) ? edits[path] : undefined)
      }),
    )
  })

  it('are none once the member is what it was', () => {
    const some: Edits = withEdit(withEdit({}, 'a', [1], [2]), 'b', 3, 4)
    expect(some).toEqual({ a: [1], b: 3 })
    expect(withEdit(some, 'a', [2], [2])).toEqual({ b: 3 })
    expect(withoutEdits(some, ['b'])).toEqual({ a: [1] })
    expect(editsOf(some, ['b', 'c'])).toEqual({ b: 3 })
  })

  it('that the server refuses are marked at the member, at the first of a group, or said as a whole', () => {
    const mine = ['happiness.cuts.very_happy', 'happiness.cuts.happy', 'health.reasonCodes']
    expect(problemsOf({ 'happiness.cuts': 'must fall', 'health.reasonCodes.2.label': 'must not be empty', 'tags.health': 'needs four' }, mine)).toEqual({
      at: { 'happiness.cuts.very_happy': 'must fall', 'health.reasonCodes': 'must not be empty' },
      elsewhere: ['tags.health: needs four'],
    })
  })
})

describe('the code of a reason', () => {
  it('is one that the server takes and no other has, whatever the words are', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 60 }), { minLength: 1, maxLength: 10 }), (labels) => {
        const codes: string[] = []
        for (const label of labels) codes.push(codeFor(label, codes, 'reason_k3'))
        const reasons = codes.map((code) => ({ code, label: 'x' }))
        expect(agencySettings.safeParse({ ...defaultAgencySettings, health: { ...defaultAgencySettings.health, reasonCodes: reasons } }).success).toBe(true)
      }),
    )
  })

  it('can be read', () => {
    expect(codeFor('Büro umgezogen!', [], 'reason_k3')).toBe('buro_umgezogen')
    expect(codeFor('Moved office', ['moved_office'], 'reason_k3')).toBe('moved_office_2')
    expect(codeFor('新しい', [], 'reason_k3')).toBe('reason_k3')
  })
})
