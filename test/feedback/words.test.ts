import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Express } from 'express'
import request from 'supertest'
import { languages, wordsFor } from '../../src/feedback/words/index.ts'
import { agencySettings, customerLanguages, defaultAgencySettings, type AgencySettings } from '../../src/http/contract/settings.ts'
import { companyId, locationId, openRig, type Rig } from './rig.ts'
import { webOf } from './web.ts'

const withWidget = (widget: Partial<AgencySettings['widget']>) => ({ ...defaultAgencySettings, widget: { ...defaultAgencySettings.widget, ...widget } })

describe.each([...customerLanguages])('the words in %s', (language) => {
  const words = languages[language]

  it('fit where an agency could have written them, and say when the next question comes', () => {
    expect(agencySettings.safeParse(withWidget({ copy: words.widget, levels: words.levels })).error?.issues ?? []).toEqual([])
    expect(words.widget.thanksNext).toContain('{days}')
  })

  it('have a text for every place of the page, with its value in it', () => {
    const { link } = words
    const texts = Object.values(link).flatMap((text) => (typeof text === 'string' ? [text] : typeof text === 'object' ? [text.title, text.text] : []))
    for (const text of [...texts, ...Object.values(words.levels)]) expect(text.trim()).not.toBe('')
    expect([link.commentTooLong(77), link.changeHint(77)].every((text) => text.includes('77'))).toBe(true)
    expect(link.saved(words.levels.happy)).toContain(words.levels.happy)
  })
})

describe('the language of a reader', () => {
  it.each<[string | undefined, string]>([
    ['es-MX,es;q=0.9,en;q=0.8', 'es'],
    ['pt-BR', 'pt'],
    ['en;q=0.5, de;q=0.9', 'de'],
    ['ja, fr;q=0.3', 'fr'],
    ['de;q=0, it', 'it'],
    ['ja', 'en'],
    ['*', 'en'],
    ['', 'en'],
    [undefined, 'en'],
    ['constructor, __proto__', 'en'],
    [';;,q=,,=', 'en'],
  ])('%j reads %s', (accepted, language) => {
    expect(wordsFor(defaultAgencySettings, accepted).language).toBe(language)
  })

  it("is the agency's choice where it made one", () => {
    expect(wordsFor(withWidget({ language: 'fr' }), 'de').language).toBe('fr')
  })

  it("gets the agency's own words in their language, and never a mixture", () => {
    const own = withWidget({ copyLanguage: 'de', copy: { ...languages.de.widget, question: 'Läuft es?' } })
    expect(wordsFor(own, 'de-AT').widget.question).toBe('Läuft es?')
    expect(wordsFor(own, 'es').widget).toEqual(languages.es.widget)
    expect(wordsFor(own, 'ja')).toMatchObject({ language: 'de', widget: { question: 'Läuft es?' } })
    expect(wordsFor(own, 'en').widget).toEqual(languages.en.widget)
  })
})

describe('over HTTP', () => {
  let rig: Rig
  let web: Express
  beforeEach(async () => {
    rig = await openRig()
    web = webOf(rig)
  })
  afterEach(() => rig.close())

  it('the widget is told its words, language and direction', async () => {
    const ask = async (languagesAccepted: string) =>
      (await request(web).get('/api/prompt').set({ authorization: 'Bearer u.a.s', 'accept-language': languagesAccepted })).body
    expect((await ask('ar')).copy).toMatchObject({ language: 'ar', direction: 'rtl', close: languages.ar.widget.close, levels: languages.ar.levels })
    expect((await ask('es')).copy).toMatchObject({ language: 'es', direction: 'ltr', question: languages.es.widget.question })
  })

  it('the one-tap page speaks the language of whoever opens it, from the question to the thanks', async () => {
    const path = new URL(await rig.feedback.links.linkFor(companyId, locationId, 'a')).pathname
    const asked = await request(web).get(path).set('accept-language', 'de')
    expect(asked.headers['content-language']).toBe('de')
    expect(asked.text).toContain('<html lang="de" dir="ltr">')
    expect(asked.text).toContain(languages.de.link.send)
    const saved = await request(web).post(path).type('form').set({ accept: 'text/html', 'accept-language': 'de' }).send({ level: 'happy' })
    expect(saved.text).toContain('Ihre Antwort ist gespeichert: Zufrieden.')
    expect(saved.text).toContain('In 30 Tagen fragen wir wieder')
    expect(saved.text).not.toContain('{days}')
    expect((await request(web).get('/a/forged').set('accept-language', 'ar')).text).toContain(languages.ar.link.invalid.title)
  })
})
