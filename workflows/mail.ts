import type { AgencySettings } from '../src/http/contract/settings.ts'

/** What a message shows of the agency. */
export type MailBrand = Pick<AgencySettings['brand'], 'name' | 'teamName' | 'accentColour' | 'logoUrl'>

/** Common to the parts: mail programs know no style sheets worth the name, so every element carries its own. */
const font = "font-family:-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"

/**
 * A rendered message in the agency's brand: accent, logo or name, and who wrote it. Tables and inline styles only, readable without pictures,
 * nothing of ours or of the host's in it.
 * @param notice one line above the message, for example that it is a test
 */
export function brandedHtml(message: string, brand: MailBrand, notice?: string): string {
  const name = escapeHtml(brand.name)
  const head =
    brand.logoUrl === null
      ? `<span style="${font};font-size:16px;font-weight:600;color:#1d2433">${name}</span>`
      : `<img src="${escapeHtml(brand.logoUrl)}" alt="${name}" height="32" style="display:block;height:32px;max-width:220px;border:0;${font};font-size:16px;font-weight:600;color:#1d2433">`
  const note = notice === undefined ? '' : `<tr><td style="padding:10px 28px;background:#fff4d6;${font};font-size:13px;line-height:19px;color:#4a3b00">${escapeHtml(notice)}</td></tr>`
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"></head>',
    '<body style="margin:0;padding:0;background:#f4f6f9">',
    '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="background:#f4f6f9"><tr><td align="center" style="padding:24px 12px">',
    '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:600px;background:#ffffff;border:1px solid #dfe4ec;border-radius:8px">',
    `<tr><td style="height:4px;line-height:4px;font-size:0;background:${brand.accentColour};border-radius:8px 8px 0 0">&nbsp;</td></tr>`,
    note,
    `<tr><td style="padding:22px 28px 0">${head}</td></tr>`,
    `<tr><td style="padding:8px 28px 20px;${font};font-size:15px;line-height:23px;color:#1d2433">${message}</td></tr>`,
    `<tr><td style="padding:14px 28px 18px;border-top:1px solid #dfe4ec;${font};font-size:12px;line-height:18px;color:#5b6577">${footer(brand)}</td></tr>`,
    '</table></td></tr></table></body></html>',
  ].filter((part) => part !== '').join('\n')
}

/** The team and the agency, once if they have one name. */
function footer({ name, teamName }: MailBrand): string {
  const sender = teamName.includes(name) || teamName === name ? teamName : `${teamName}, ${name}`
  return `${escapeHtml(sender)}. You can reply to this email; a person reads it.`
}

function escapeHtml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
}
