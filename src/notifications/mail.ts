import type { AgencySettings } from '../http/contract/settings.ts'
import type { Mail } from './mailer.ts'
import type { Message } from './message.ts'

type Brand = AgencySettings['brand']

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign)

const why = 'You get this because of your choices on the page Notifications. There you can have less, or other things, or at another time.'

/** An e-mail with the agency's brand, as text and as HTML that needs no picture and no style sheet. */
export function mailOf(message: Message, brand: Brand, workspaceUrl: string | null): Required<Pick<Mail, 'subject' | 'text' | 'html' | 'fromName'>> {
  return { subject: message.subject.replace(/\s+/g, ' ').slice(0, 200), text: asText(message, brand, workspaceUrl), html: asHtml(message, brand, workspaceUrl), fromName: brand.name }
}

function asText({ subject, lead, sections, more }: Message, brand: Brand, workspaceUrl: string | null): string {
  const isOne = sections.length === 1 && sections[0]?.lines.length === 1
  const parts = sections.map(({ title, lines }) => {
    const shown = lines.map(({ text, detail }) => (isOne ? [text, detail].filter((part) => part !== '').join('\n\n') : [`- ${text}`, ...(detail === '' ? [] : detail.split('\n').map((line) => `  ${line}`))].join('\n')))
    return [...(title === '' ? [] : [title]), ...shown].join('\n')
  })
  const opening = isOne ? [] : [subject, ...(lead === '' ? [] : [lead])]
  return [...opening, ...parts, ...(more === '' ? [] : [more]), ...(workspaceUrl === null ? [] : [`Open the workspace: ${workspaceUrl}`]), `--\n${brand.name}\n${why}`].join('\n\n')
}

function asHtml({ subject, lead, sections, more }: Message, brand: Brand, workspaceUrl: string | null): string {
  const accent = /^#[0-9a-f]{6}$/i.test(brand.accentColour) ? brand.accentColour : '#2f5bd7'
  const logo = brand.logoUrl === null ? '' : `<img src="${escaped(brand.logoUrl)}" alt="" height="28" style="height:28px;vertical-align:middle;margin-right:10px">`
  const paragraph = (text: string, style: string): string => `<p style="margin:0 0 12px;${style}">${escaped(text).replaceAll('\n', '<br>')}</p>`
  const body = sections
    .map(({ title, lines }) => {
      const heading = title === '' ? '' : `<h2 style="margin:20px 0 8px;font-size:15px;color:#1c2430">${escaped(title)}</h2>`
      const shown = lines.map(({ text, detail }) => `<div style="margin:0 0 12px;padding-left:12px;border-left:3px solid ${accent}"><strong>${escaped(text)}</strong>${detail === '' ? '' : `<br>${escaped(detail).replaceAll('\n', '<br>')}`}</div>`)
      return heading + shown.join('')
    })
    .join('')
  return [
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(subject)}</title></head>`,
    '<body style="margin:0;background:#f4f5f7;font-family:system-ui,-apple-system,Segoe UI,Arial,sans-serif;font-size:14px;line-height:1.5;color:#333c4a">',
    `<div style="max-width:600px;margin:0 auto;padding:24px"><div style="padding:0 0 14px;font-size:16px;font-weight:600;color:#1c2430">${logo}${escaped(brand.name)}</div>`,
    `<div style="padding:20px 24px;background:#ffffff;border-top:4px solid ${accent};border-radius:6px">`,
    lead === '' ? '' : paragraph(lead, 'color:#5b6573'),
    body,
    more === '' ? '' : paragraph(more, 'color:#5b6573'),
    workspaceUrl === null ? '' : `<p style="margin:16px 0 0"><a href="${escaped(workspaceUrl)}" style="color:#1c2430">Open the workspace</a></p>`,
    `</div>${paragraph(why, 'margin-top:16px;font-size:12px;color:#5b6573')}</div></body></html>`,
  ].join('')
}
