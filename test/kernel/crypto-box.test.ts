import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { createCryptoBox } from '../../src/kernel/crypto-box.ts'

const first = 'first secret, first secret, first secret'
const second = 'second secret, second secret, second one'

describe('crypto box', () => {
  it('opens what it sealed, for any text and context, and only there', () => {
    const box = createCryptoBox(first)
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (text, context, other) => {
        const sealed = box.seal(text, context)
        expect(box.open(sealed, context)).toBe(text)
        if (other !== context) expect(() => box.open(sealed, other)).toThrow('damaged or belongs to another record')
      }),
    )
  })

  it('never seals the same text to the same bytes', () => {
    const box = createCryptoBox(first)
    expect(box.seal('token', 'company')).not.toBe(box.seal('token', 'company'))
  })

  it('opens and marks what was sealed before a rotation; without the previous secret it says what to set', () => {
    const sealed = createCryptoBox(first).seal('token', 'company')
    const rotated = createCryptoBox(second, first)
    expect(rotated.open(sealed, 'company')).toBe('token')
    expect(rotated.isOutdated(sealed)).toBe(true)
    expect(rotated.isOutdated(rotated.seal('token', 'company'))).toBe(false)
    expect(() => createCryptoBox(second).open(sealed, 'company')).toThrow('APP_SECRET_PREVIOUS')
  })

  it.each(['', 'v1', 'v1.a.b.c.d', 'v2.x.x.x.x', 'no dots at all'])('refuses the damaged text %j with a coded error', (text) => {
    expect(() => createCryptoBox(first).open(text, 'company')).toThrow(expect.objectContaining({ code: 'secret_unreadable' }))
  })

  it('refuses a text with any one character changed', () => {
    const box = createCryptoBox(first)
    const sealed = box.seal('a token worth keeping', 'company')
    for (let at = 0; at < sealed.length; at += 1) {
      if (sealed[at] === '.') continue
      // The last character of a base64url part carries unused bits; a change there may decode to the same bytes.
      if (at === sealed.length - 1 || sealed[at + 1] === '.') continue
      const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1)
      expect(() => box.open(changed, 'company')).toThrow()
    }
  })

  it('derives different signing keys for different purposes, the current one first', () => {
    const [session, previous] = createCryptoBox(second, first).signingKeys('session')
    expect(session).not.toEqual(previous)
    expect(session).toEqual(createCryptoBox(second).signingKeys('session')[0])
    expect(session).not.toEqual(createCryptoBox(second).signingKeys('one-tap')[0])
  })
})
