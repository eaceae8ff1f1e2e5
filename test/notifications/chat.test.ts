import { describe, expect, it } from '@jest/globals'
import { formatOf, payloadOf, type ChatFormat } from '../../src/notifications/chat.ts'
import type { Message } from '../../src/notifications/message.ts'

const message: Message = {
  subject: 'Bakery: 2 things happened',
  lead: '',
  sections: [{ title: 'Bakery', lines: [{ text: 'Ann <!channel> @everyone is Not Happy.', detail: '“[click](https://evil.example) & more”' }, { text: 'Overdue.', detail: '' }] }],
  more: '',
}
const textOf = (format: ChatFormat): string => JSON.stringify(payloadOf(format, message, 'https://app.example/w'))

describe('the format of a chat', () => {
  it.each([
    ['hooks.slack.com', 'slack'], ['acme.webhook.office.com', 'teams'], ['prod-1.westeurope.logic.azure.com', 'teams'], ['default1.environment.api.powerplatform.com', 'teams'],
    ['chat.googleapis.com', 'google'], ['discord.com', 'discord'], ['chat.acme.example', 'plain'], ['slack.com.evil.example', 'plain'], ['notslack.com', 'plain'],
  ])('of %s is %s', (host, format) => expect(formatOf(host)).toBe(format))

  it('holds every line and the link, and lets customers’ words call nobody and link nowhere', () => {
    for (const format of ['slack', 'teams', 'google', 'discord', 'plain'] as const) {
      const text = textOf(format)
      for (const part of ['Bakery: 2 things happened', 'is Not Happy.', 'Overdue.', 'https://app.example/w']) expect(text).toContain(part)
    }
    expect(textOf('slack')).toContain('&lt;!channel&gt;')
    for (const format of ['slack', 'google', 'discord', 'teams'] as const) expect(textOf(format)).not.toContain('<!channel>')
    expect(textOf('discord')).not.toContain('@everyone')
    expect(payloadOf('discord', message, null)).toMatchObject({ allowed_mentions: { parse: [] } })
    for (const format of ['teams', 'discord'] as const) expect(textOf(format)).not.toContain('[click](')
  })

  it('is a card for Teams and a text for the others, and is never longer than the chat takes', () => {
    expect(payloadOf('teams', message, null)).toMatchObject({ type: 'message', attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content: { type: 'AdaptiveCard', body: [{ type: 'TextBlock', wrap: true }, {}] } }] })
    const long: Message = { ...message, sections: [{ title: '', lines: Array.from({ length: 60 }, () => ({ text: 'x'.repeat(300), detail: 'y'.repeat(2_000) })) }] }
    expect((payloadOf('slack', long, null) as { text: string }).text.length).toBeLessThanOrEqual(4_000)
    expect((payloadOf('google', long, null) as { text: string }).text.length).toBeLessThanOrEqual(4_096)
    expect((payloadOf('discord', long, null) as { content: string }).content.length).toBeLessThanOrEqual(2_000)
    expect(JSON.stringify(payloadOf('teams', long, null)).length).toBeLessThanOrEqual(28_000)
  })
})
