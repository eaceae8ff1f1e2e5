import { createHash } from 'node:crypto'
import type { AgencySettings } from '../http/contract/settings.ts'
import { happinessLevels, type HappinessLevel } from '../kernel/levels.ts'
import type { RouteResponse } from '../kernel/route.ts'
import type { SpokenWords } from './words/index.ts'

/** The four silhouettes and mouths of the widget, so that the level never rests on colour alone. */
const faces: Record<HappinessLevel, string> = {
  not_happy:
    '<path d="M16 4.2c6.6 0 10.1 5 11.5 12 1.5 7.9-1.2 11.6-11.5 11.6S3 24.1 4.5 16.2c1.4-7 4.9-12 11.5-12Z" class="s"/><circle cx="11.5" cy="16.2" r="1.75" class="d"/><circle cx="20.5" cy="16.2" r="1.75" class="d"/><path d="M9.2 12.6l3.7-1.5M22.8 12.6l-3.7-1.5M11.2 23c1.3-1.7 2.9-2.5 4.8-2.5s3.5.8 4.8 2.5"/>',
  neutral:
    '<rect x="3.4" y="3.8" width="25.2" height="24.4" rx="8.2" class="s"/><circle cx="11.2" cy="13.6" r="1.75" class="d"/><circle cx="20.8" cy="13.6" r="1.75" class="d"/><path d="M11 20.6h10"/>',
  happy:
    '<circle cx="16" cy="16" r="13" class="s"/><circle cx="11.4" cy="13.4" r="1.75" class="d"/><circle cx="20.6" cy="13.4" r="1.75" class="d"/><path d="M10 18.6c1.5 2.4 3.6 3.5 6 3.5s4.5-1.1 6-3.5"/>',
  very_happy:
    '<path d="M20.94 4.08A6.3 6.3 0 0 1 27.92 11.06A6.3 6.3 0 0 1 27.92 20.94A6.3 6.3 0 0 1 20.94 27.92A6.3 6.3 0 0 1 11.06 27.92A6.3 6.3 0 0 1 4.08 20.94A6.3 6.3 0 0 1 4.08 11.06A6.3 6.3 0 0 1 11.06 4.08A6.3 6.3 0 0 1 20.94 4.08Z" class="s"/><path d="M8.9 13.7c.7-1.9 3.5-1.9 4.2 0M18.9 13.7c.7-1.9 3.5-1.9 4.2 0M9.7 17.3h12.6c0 4-2.6 6.5-6.3 6.5s-6.3-2.5-6.3-6.5Z"/>',
}

type Brand = AgencySettings['brand']

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;')
}

/** White or near-black, whichever reads better on the colour (WCAG relative luminance). */
function inkOn(colour: string): string {
  const channel = (start: number) => {
    const value = Number.parseInt(colour.slice(start, start + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  const luminance = 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
  return 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.0565 ? '#ffffff' : '#101828'
}

function styleOf(brand: Brand): string {
  return `:root{color-scheme:light dark;--b:${brand.accentColour};--on:${inkOn(brand.accentColour)};--bg:light-dark(#f9fafb,#0e1320);--card:light-dark(#fff,#161c2a);--t:light-dark(#101828,#f2f4f7);--m:light-dark(#5a6376,#9fa9bb);--l:light-dark(#868f9f,#6f7b91);--e:light-dark(#a32017,#ff9a94)}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--t);font:16px/1.5 system-ui,sans-serif}main{max-width:34rem;margin:0 auto;padding:1.5rem 1rem}.card{background:var(--card);border:1px solid var(--l);border-radius:12px;padding:1.25rem}
.brand{display:flex;align-items:center;gap:.6rem;margin:0 0 1rem;font-weight:600}.brand img{height:2rem;max-width:10rem;object-fit:contain}h1{font-size:1.4rem;line-height:1.25;margin:0 0 .75rem}p{margin:.5rem 0}.m{color:var(--m)}.e{color:var(--e);font-weight:600}
fieldset{border:0;margin:0;padding:0}legend{font-weight:600;padding:0;margin-bottom:.5rem}.o{display:grid;grid-template-columns:repeat(4,1fr);gap:.5rem}@media(max-width:26rem){.o{grid-template-columns:1fr 1fr}}
.o label{position:relative;display:flex;flex-direction:column;align-items:center;gap:.35rem;min-height:5.5rem;padding:.75rem .25rem;border:2px solid var(--l);border-radius:10px;text-align:center;cursor:pointer}.o input{position:absolute;inset:0;width:100%;height:100%;margin:0;opacity:0;cursor:pointer}
.o label:has(:checked){border-color:var(--t);border-width:3px;font-weight:600}.o label:has(:focus-visible){outline:3px solid var(--t);outline-offset:2px}svg{width:44px;height:44px;fill:none;stroke:currentColor;stroke-width:2.1;stroke-linecap:round;stroke-linejoin:round}.d{fill:currentColor;stroke:none}
.c{display:block;margin:1rem 0 .35rem;font-weight:600}textarea{width:100%;font:inherit;color:inherit;background:transparent;border:1px solid var(--l);border-radius:8px;padding:.6rem}textarea:focus-visible,button:focus-visible{outline:3px solid var(--t);outline-offset:2px}
button{margin-top:1rem;min-height:44px;padding:.6rem 1.25rem;border:0;border-radius:8px;background:var(--b);color:var(--on);font:inherit;font-weight:600;cursor:pointer}@media(forced-colors:active){button{border:1px solid ButtonText}}`
}

function page(status: number, title: string, body: string, brand: Brand, { language, direction }: SpokenWords): RouteResponse {
  const style = styleOf(brand)
  const logo = brand.logoUrl === null ? '' : `<img src="${escaped(brand.logoUrl)}" alt="">`
  const text = `<!doctype html><html lang="${language}" dir="${direction}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex,nofollow"><meta name="referrer" content="no-referrer"><title>${escaped(title)} · ${escaped(brand.name)}</title><style>${style}</style></head><body><main><p class="brand">${logo}<span>${escaped(brand.name)}</span></p><div class="card">${body}</div></main></body></html>`
  const styleHash = createHash('sha256').update(style).digest('base64')
  const images = brand.logoUrl === null ? '' : ` img-src ${new URL(brand.logoUrl).origin};`
  return {
    status,
    text,
    contentType: 'text/html; charset=utf-8',
    headers: {
      'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${styleHash}';${images} form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
      'Cache-Control': 'no-store',
      'Content-Language': language,
      'X-Robots-Tag': 'noindex, nofollow',
      'Referrer-Policy': 'no-referrer',
    },
  }
}

/** What the form shows. */
export interface LinkForm {
  settings: AgencySettings
  words: SpokenWords
  answeredBefore: boolean
  chosen: HappinessLevel | null
  comment: string
  /** A fault to be mended before the answer is taken. */
  problem?: string
}

function formOf({ settings, words, chosen, comment, problem }: Omit<LinkForm, 'answeredBefore'>, button: string): string {
  const options = happinessLevels
    .map((level) => {
      const checked = level === chosen ? ' checked' : ''
      return `<label><input type="radio" name="level" value="${level}" required${checked}><svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">${faces[level]}</svg><span>${escaped(words.levels[level])}</span></label>`
    })
    .join('')
  const fault = problem === undefined ? '' : `<p class="e" role="alert">${escaped(problem)}</p>`
  return `${fault}<form method="post"><fieldset><legend>${escaped(words.link.legend)}</legend><div class="o">${options}</div></fieldset><label class="c" for="comment">${escaped(words.link.commentLabel)}</label><textarea id="comment" name="comment" rows="4" maxlength="${settings.answers.maxCommentLength}">${escaped(comment)}</textarea><button type="submit">${escaped(button)}</button></form>`
}

/** The question. Reading it records nothing: mail scanners open links too. */
export function questionPage(form: LinkForm): RouteResponse {
  const { widget, link } = form.words
  const question = form.answeredBefore ? widget.againQuestion : widget.question
  const body = `<h1>${escaped(question)}</h1>${formOf(form, link.send)}<p class="m">${escaped(link.notSentYet)}</p>`
  return page(form.problem === undefined ? 200 : 400, question, body, form.settings.brand, form.words)
}

/** The answer is in; it can be changed for some minutes. */
export function savedPage(settings: AgencySettings, words: SpokenWords, level: HappinessLevel, comment: string): RouteResponse {
  const { widget, levels, link } = words
  const minutes = settings.answers.editMinutes
  const again = minutes === 0 ? '' : `<hr><p class="m">${escaped(link.changeHint(minutes))}</p>${formOf({ settings, words, chosen: level, comment }, link.change)}`
  const next = widget.thanksNext.replaceAll('{days}', String(settings.prompt.answeredDays))
  const body = `<h1>${escaped(widget.thanks)}</h1><p role="status">${escaped(link.saved(levels[level]))}</p><p>${escaped(next)}</p>${again}`
  return page(200, link.savedTitle, body, settings.brand, words)
}

/** The answer is in, and too old to be changed here. */
export function settledPage({ brand }: AgencySettings, words: SpokenWords, level: HappinessLevel): RouteResponse {
  const { title, text } = words.link.tooLate
  return page(200, title, `<h1>${escaped(title)}</h1><p role="status">${escaped(words.link.saved(words.levels[level]))}</p><p>${escaped(text)}</p>`, brand, words)
}

/** A link that does not work, and what to do instead. */
export function refusalPage(status: number, refused: { title: string; text: string }, brand: Brand, words: SpokenWords): RouteResponse {
  return page(status, refused.title, `<h1>${escaped(refused.title)}</h1><p>${escaped(refused.text)}</p>`, brand, words)
}
