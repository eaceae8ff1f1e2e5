import type { AgencySettings, CustomerLanguage } from '../../http/contract/settings.ts'
import { ar } from './ar.ts'
import { de } from './de.ts'
import { en } from './en.ts'
import { es } from './es.ts'
import { fr } from './fr.ts'
import { it } from './it.ts'
import { nl } from './nl.ts'
import { pt } from './pt.ts'
import type { CustomerWords } from './types.ts'

export type { CustomerWords } from './types.ts'

/** What customers read, by language. A new language is one file and one line here and in the settings' list. */
export const languages: Readonly<Record<CustomerLanguage, CustomerWords>> = { en, es, de, fr, pt, it, nl, ar }

/** Words in the language they are in. */
export interface SpokenWords extends CustomerWords {
  language: CustomerLanguage
}

/**
 * The words for one reader: in the agency's chosen language, else in the first of the reader's own that there is, else in English.
 * The agency's own words stand in for ours in the language that they are written in; readers of other languages get ours, whole, so that no card mixes two.
 * @param accepted the reader's languages as browsers send them (`Accept-Language`, RFC 9110 12.5.4)
 */
export function wordsFor({ widget }: Pick<AgencySettings, 'widget'>, accepted: string | undefined): SpokenWords {
  const language = widget.language === 'auto' ? (bestOf(accepted) ?? widget.copyLanguage) : widget.language
  const words = { language, ...languages[language] }
  return language === widget.copyLanguage ? { ...words, widget: widget.copy, levels: widget.levels } : words
}

/** The best of a reader's languages that there is; by the primary subtag, so that `pt-BR` reads Portuguese. */
function bestOf(accepted: string | undefined): CustomerLanguage | null {
  const wanted = (accepted ?? '')
    .slice(0, 200)
    .split(',')
    .map((part, index) => {
      const [tag = '', ...parameters] = part.trim().toLowerCase().split(';')
      const quality = parameters.map((parameter) => /^\s*q=([\d.]+)\s*$/.exec(parameter)?.[1]).find((value) => value !== undefined)
      return { language: tag.split('-')[0] ?? '', quality: quality === undefined ? 1 : Number(quality), index }
    })
    .filter(({ quality }) => quality > 0)
    .sort((one, other) => other.quality - one.quality || one.index - other.index)
  return wanted.map(({ language }) => language).find(isSpoken) ?? null
}

function isSpoken(language: string): language is CustomerLanguage {
  return Object.hasOwn(languages, language)
}
