import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { gzipSync } from 'node:zlib'
import { contrast, parseHex, repairBrand } from '../../../custom-pages/shared/answer/colour.ts'
import { defaultCopy, mergeCopy } from '../../../custom-pages/shared/answer/copy.ts'
import { retryDelayMs } from '../../../custom-pages/shared/answer/draft.ts'
import { readPromptInfo } from '../../../custom-pages/widget/prompt-info.ts'
import { focusAfterKey } from '../../../custom-pages/shared/answer/radio.ts'
import { buildWidget } from '../../../scripts/build-pages.ts'

function rgb(hex: string): [number, number, number] {
  const parsed = parseHex(hex)
  if (parsed === null) throw new Error(`${hex} is no colour`)
  return parsed
}

describe('brand colours', () => {
  it('are readable whatever an agency chose: 4.5:1 on the button and for links, light and dark', () => {
    const colour = fc.integer({ min: 0, max: 0xffffff }).map((value) => `#${value.toString(16).padStart(6, '0')}`)
    fc.assert(
      fc.property(colour, fc.boolean(), (hex, dark) => {
        const repaired = repairBrand(hex, dark)
        if (repaired === null) throw new Error('a colour was not taken')
        expect(contrast(rgb(repaired.onBrand), rgb(repaired.brand))).toBeGreaterThanOrEqual(4.5)
        expect(contrast(rgb(repaired.ink), rgb(dark ? '#161c2a' : '#ffffff'))).toBeGreaterThanOrEqual(4.5)
      }),
    )
  })

  it('stay as they are where they are readable', () => {
    expect(repairBrand('#155EEF', false)).toEqual({ brand: '#155eef', onBrand: '#ffffff', ink: '#155eef' })
  })

  it('that are no colours are not used', () => {
    expect(repairBrand('red; background: url(x)', false)).toBeNull()
  })
})

describe('the radio group', () => {
  it('moves focus with arrows, Home and End, wraps, and follows the reading direction', () => {
    expect(focusAfterKey('ArrowRight', 3, 4, 'ltr')).toBe(0)
    expect(focusAfterKey('ArrowRight', 1, 4, 'rtl')).toBe(0)
    expect(focusAfterKey('ArrowLeft', 0, 4, 'ltr')).toBe(3)
    expect(focusAfterKey('ArrowDown', 0, 4, 'rtl')).toBe(1)
    expect(focusAfterKey('ArrowUp', 0, 4, 'ltr')).toBe(3)
    expect(focusAfterKey('Home', 2, 4, 'ltr')).toBe(0)
    expect(focusAfterKey('End', 2, 4, 'ltr')).toBe(3)
  })

  it('leaves every other key alone, choosing included', () => {
    for (const key of [' ', 'Enter', 'Tab', 'Escape', 'a']) expect(focusAfterKey(key, 0, 4, 'ltr')).toBeNull()
  })
})

describe('what the server sends is read defensively', () => {
  it('replaces known words and keeps English for the rest', () => {
    const copy = mergeCopy({ question: '¿Cómo lo estamos haciendo?', language: 'es', hint: 7, levels: null, unknown: 'x' })
    expect(copy).toEqual({ ...defaultCopy, question: '¿Cómo lo estamos haciendo?', language: 'es' })
  })

  it('shows nothing for an answer without button and prompt, or with the kill switch', () => {
    expect(readPromptInfo({}).shown).toBe(false)
    expect(readPromptInfo({ due: false, button: false, copy: null }).shown).toBe(false)
    expect(readPromptInfo({ enabled: false, due: true, button: true }).shown).toBe(false)
    expect(readPromptInfo({ due: false, button: true }).shown).toBe(true)
  })

  it('takes colours, side, theme and the changeable answer', () => {
    const info = readPromptInfo({
      due: false,
      button: true,
      answer: { answerId: 'a1', level: 'happy', comment: null, at: '2026-11-02T09:00:00.000Z', editableUntil: '2026-11-02T09:10:00.000Z' },
      copy: { brand: { accentColour: '#123456' }, position: 'bottom_left', theme: 'dark' },
    })
    expect(info.look).toEqual({ brandColour: '#123456', theme: 'dark', side: 'start' })
    expect(info.answer).toEqual({ answerId: 'a1', level: 'happy', comment: '', changeableUntilMs: Date.parse('2026-11-02T09:10:00Z') })
  })
})

describe('retries', () => {
  it('back off from 2 seconds to 2 minutes with jitter', () => {
    expect(retryDelayMs(1, 0)).toBe(2_000)
    expect(retryDelayMs(3, 0)).toBe(8_000)
    expect(retryDelayMs(50, 0.999)).toBeLessThanOrEqual(150_000)
  })
})

describe('the script', () => {
  it('is one self-contained file of at most 10 KB gzipped', async () => {
    const script = await buildWidget(true)
    expect(gzipSync(script, { level: 9 }).length).toBeLessThanOrEqual(10_000)
    expect(script).not.toMatch(/\b(import|require)\s*\(|^import /m)
  })

  it('keeps the rules for pasted code: nothing loaded or evaluated at run time, nothing logged, text only as text', async () => {
    for (const script of [await buildWidget(true), await buildWidget(false)]) {
      expect(script).not.toMatch(/console\.|eval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write|createElement\(["']script|document\.cookie|localStorage|sessionStorage/)
      expect(script.match(/https?:\/\/[^"'`\s)]+/g) ?? []).toEqual(['http://www.w3.org/2000/svg'])
    }
  })

  it('leaves the address and the app to be filled in by the server', async () => {
    const script = await buildWidget(true)
    expect(script).toContain('__BAROMETER_APP_URL__')
    expect(script).toContain('__BAROMETER_APP_ID__')
  })

  it('names neither the product nor the host to its readers', async () => {
    const readable = (await buildWidget(false)).replaceAll(/__BAROMETER_APP_(URL|ID)__/g, '')
    expect(readable).not.toMatch(/barometer|highlevel|leadconnector/i)
  })
})
