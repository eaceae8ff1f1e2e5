import { describe, expect, it } from '@jest/globals'
import { mentions } from '../../src/kernel/forgotten.ts'

describe('whether somebody is mentioned', () => {
  it('is found at any depth, as a key too, in upper and lower case', () => {
    const isAbout = mentions(['Bo Ek', 'bo@ek.example', '+15551234567'])
    for (const value of ['A word from BO EK.', { deep: [{ to: 'bo@ek.example' }] }, { 'bo@ek.example': 1 }, ['tel:+15551234567'], 'Bo Ek’s invoice', 'user:1:Bo Ek']) expect({ value, found: isAbout(value) }).toEqual({ value, found: true })
  })

  it('is a word of its own: nobody is found in another word', () => {
    const isAbout = mentions(['Mark', 'Bo'])
    for (const value of ['Marketing', 'remark', 'Boat', 'abo', 'Märk', 'Marké', { boat: 1 }, 5, null, undefined, new Date(), '']) expect({ value, found: isAbout(value) }).toEqual({ value, found: false })
    for (const value of ['Mark', '(bo)', 'x\nBo', JSON.stringify({ text: 'x\nBo' }), 'Bo_1']) expect({ value, found: isAbout(value) }).toEqual({ value, found: true })
  })

  it('takes signs as they are, and nobody is mentioned where there is nothing to look for', () => {
    expect(mentions(['a.b@c.example'])('aXb@c.example')).toBe(false)
    expect(mentions(['O\'Neil (Jr.)'])('Said O\'Neil (Jr.): yes')).toBe(true)
    expect(mentions([])('anything')).toBe(false)
    expect(mentions([''])('anything')).toBe(false)
  })
})
