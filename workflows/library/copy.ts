import type { MessageStep } from '../definition.ts'
import { htmlFromText } from '../templates.ts'

/** An e-mail step from its paragraphs: the text, and the HTML that says the same. */
export function email(id: string, subject: string, paragraphs: string[]): MessageStep {
  const text = paragraphs.join('\n\n')
  return { id, kind: 'message', channel: 'email', subject, text, html: htmlFromText(text) }
}
