import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { filtersFit, problemOf } from '../../src/marketplace/filters.ts'
import { derivedHeaderSecret, headerSecrets, isHeaderSecret } from '../../src/marketplace/secret.ts'
import { triggerTargetOf } from '../../src/highlevel/index.ts'

const values = { level: 'very_happy', comment: 'The invoices are wrong', note: null, score: 42, tags: ['a', 'b'], premium: 'yes' }
const fits = (field: string, operator: string, value?: unknown) => filtersFit([{ field, operator, value: value ?? null }], values)

describe('a filter', () => {
  it.each<[string, string, unknown, boolean]>([
    ['level', '==', 'very_happy', true], ['level', '==', 'Very Happy', true], ['level', '==', ['happy', 'very-happy'], true], ['level', '==', [{ label: 'Very Happy', value: 'very_happy' }], true],
    ['level', '==', 'happy', false], ['level', 'multiselect', ['neutral'], false], ['level', 'in', ['VERY HAPPY'], true],
    ['level', '!=', 'happy', true], ['level', '!=', ['happy', 'very_happy'], false], ['level', 'is-none-of', ['neutral'], true],
    ['comment', 'contains', 'INVOICE', true], ['comment', 'contains', ['refund', 'wrong'], true], ['comment', 'contains', 'refund', false], ['comment', 'does not contain', 'refund', true],
    ['comment', 'starts_with', 'the inv', true], ['comment', 'starts-with', 'invoices', false],
    ['note', 'is_empty', undefined, true], ['note', 'is not empty', undefined, false], ['comment', 'is_not_empty', '', true],
    ['score', '>', '41', true], ['score', '>', 42, false], ['score', '>=', 42, true], ['score', '<', '50', true], ['score', '<=', 'many', false], ['comment', '>', 1, false],
    ['tags', '==', 'b', true], ['tags', 'contains', 'c', false], ['premium', '==', 'Yes', true],
  ])('%s %s %j → %s', (field, operator, value, expected) => {
    expect(fits(field, operator, value)).toBe(expected)
  })

  it('that cannot be judged never fits and says why', () => {
    for (const [filter, words] of [
      [{ field: 'level', operator: 'resembles', value: 'happy' }, 'operator "resembles"'],
      [{ field: 'mood', operator: '==', value: 'happy' }, 'filter "mood"'],
      [{ field: 'level', operator: '==', value: '' }, 'no value'],
      [{ field: 'level', operator: '!=', value: [] }, 'no value'],
      [{ field: '__proto__', operator: 'is_empty', value: null }, 'filter "__proto__"'],
      [{ field: 'constructor', operator: 'is_not_empty', value: null }, 'filter "constructor"'],
    ] as const) {
      expect(filtersFit([filter], values)).toBe(false)
      expect(problemOf(filter, Object.keys(values))).toContain(words)
    }
  })

  it('among several must fit like all the others; none at all lets everything through', () => {
    expect(filtersFit([], values)).toBe(true)
    expect(filtersFit([{ field: 'level', operator: '==', value: 'very_happy' }, { field: 'premium', operator: '==', value: 'no' }], values)).toBe(false)
  })

  it('is judged the same as it is told: without a problem it fits either itself or its opposite', () => {
    fc.assert(fc.property(fc.constantFrom('==', 'contains', 'in'), fc.string({ minLength: 1 }), (operator, value) => {
      const filter = { field: 'level', operator, value }
      if (problemOf(filter, ['level']) !== null) return !filtersFit([filter], values)
      const opposite = operator === 'contains' ? 'does not contain' : '!='
      return filtersFit([filter], values) !== filtersFit([{ ...filter, operator: opposite }], values)
    }))
  })
})

describe('a target address', () => {
  it('is the configured host\'s execute path and nothing else', () => {
    const api = 'https://services.leadconnectorhq.com'
    expect(triggerTargetOf(`${api}/workflows-marketplace/triggers/execute/abc/def`, api)).toEqual(['abc', 'def'])
    fc.assert(fc.property(fc.string(), (text) => {
      const target = triggerTargetOf(`${api}/workflows-marketplace/triggers/execute/${text}`, api)
      return target === null || new URL(`${api}/workflows-marketplace/triggers/execute/${text}`).pathname === `/workflows-marketplace/triggers/execute/${target.join('/')}`
    }), { numRuns: 500 })
    fc.assert(fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (url) => triggerTargetOf(url, api) === null))
  })
})

describe('the header\'s secret', () => {
  it('is the configured one, else derived from each shared secret; during a rotation both fit', () => {
    expect(headerSecrets({ actionSecrets: ['own, long enough'], sharedSecrets: ['s'] })).toEqual(['own, long enough'])
    const [current, previous] = headerSecrets({ actionSecrets: [], sharedSecrets: ['new', 'old'] })
    expect([current, previous]).toEqual([derivedHeaderSecret('new'), derivedHeaderSecret('old')])
    expect(current).toMatch(/^[0-9a-f]{64}$/)
    for (const given of [current, previous]) expect(isHeaderSecret(given, [current!, previous!])).toBe(true)
    for (const given of [undefined, '', 'new', 'old', `${current!} `, current!.toUpperCase()]) expect(isHeaderSecret(given, [current!, previous!])).toBe(false)
    expect(isHeaderSecret('', [])).toBe(false)
  })
})
