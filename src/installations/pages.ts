import { createHash } from 'node:crypto'
import type { CallbackOutcome } from './types.ts'

/** What a person reads at the end of an authorization. */
interface PageText {
  status: number
  title: string
  paragraphs: string[]
  /** Whether starting again can help. */
  offerRestart: boolean
}

function textOf(outcome: CallbackOutcome): PageText {
  switch (outcome.kind) {
    case 'installed':
      return {
        status: 200, title: 'Barometer is installed', offerRestart: false,
        paragraphs: ['Your accounts and their users are being read right now. You can close this window.', 'Next: open Barometer from the navigation of your agency account and choose the success location, the account where your team works.'],
      }
    case 'already_installed':
      return { status: 200, title: 'Barometer is installed', offerRestart: false, paragraphs: ['This was finished before; nothing more is needed. You can close this window.'] }
    case 'state_refused':
      return {
        status: 400, title: 'This link has expired', offerRestart: true,
        paragraphs: ['The installation was begun more than an hour ago, or somewhere else. Nothing was changed.', 'Start again from this page, or from the marketplace.'],
      }
    case 'no_code':
      return {
        status: 400, title: 'The installation was not finished', offerRestart: true,
        paragraphs: ['This address is where an installation ends, but the permission is missing. It may have been declined, or the address was opened by hand.', 'Start again and allow the access that is asked for.'],
      }
    case 'failed':
      return outcome.retryable
        ? {
            status: 503, title: 'The installation is not finished yet', offerRestart: true,
            paragraphs: ['The other side could not be reached just now. Reload this page in a minute.', 'If it still does not work then, start again.'],
          }
        : {
            status: 400, title: 'The installation could not be finished', offerRestart: true,
            paragraphs: ['The permission in this link was not accepted: it has been used before or has expired. If Barometer already works for you, nothing more is needed.', 'Otherwise start again; it takes less than a minute.'],
          }
  }
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

const style = `
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: #1c2430; background: #f6f7f9; }
main { max-width: 34rem; margin: 12vh auto 0; padding: 2rem; background: #fff; border: 1px solid #d9dee5; border-radius: 12px; }
h1 { margin: 0 0 .5rem; font-size: 1.4rem; }
a { color: #1d4fc4; }
.code { color: #5b6573; font-size: .85rem; }
`
const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; frame-ancestors 'none'`

/** The page for an outcome: plain HTML, no scripts, nothing from elsewhere. */
export function callbackPage(outcome: CallbackOutcome): { status: number; html: string; headers: Record<string, string> } {
  const { status, title, paragraphs, offerRestart } = textOf(outcome)
  const body = [
    `<h1>${escaped(title)}</h1>`,
    ...paragraphs.map((paragraph) => `<p>${escaped(paragraph)}</p>`),
    ...(offerRestart ? ['<p><a href="/oauth/install">Start the installation again</a></p>'] : []),
    ...(outcome.kind === 'failed' ? [`<p class="code">Reference: ${escaped(outcome.code)}</p>`] : []),
  ].join('\n      ')
  const html = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="robots" content="noindex">
    <title>${escaped(title)}</title>
    <style>${style}</style>
  </head>
  <body>
    <main>
      ${body}
    </main>
  </body>
</html>
`
  return { status, html, headers: { 'Content-Security-Policy': policy, 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' } }
}
