import { CodedError, PermanentError, RetryAfterError } from '../kernel/errors.ts'
import type { Outbound } from '../kernel/outbound.ts'
import type { Message } from './message.ts'

export type ChatFormat = 'slack' | 'teams' | 'google' | 'discord' | 'plain'

/** Which JSON an incoming webhook takes, by its host. What is not known is given `{text}`, which most take. */
export function formatOf(host: string): ChatFormat {
  const under = (domain: string): boolean => host === domain || host.endsWith(`.${domain}`)
  if (under('slack.com')) return 'slack'
  if (under('office.com') || under('logic.azure.com') || under('powerplatform.com') || under('powerautomate.com')) return 'teams'
  if (under('googleapis.com')) return 'google'
  if (under('discord.com') || under('discordapp.com')) return 'discord'
  return 'plain'
}

const longestText = 3_500
const cut = (text: string, length: number): string => (text.length <= length ? text : `${text.slice(0, length - 1)}…`)

/** Customers' words must not call a whole channel, or look like a link that we set. */
const quieted: Record<ChatFormat, (text: string) => string> = {
  slack: (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
  teams: (text) => text.replace(/[\\[\]*_`#<>]/g, (sign) => (sign === '<' ? '‹' : sign === '>' ? '›' : `\\${sign}`)),
  google: (text) => text.replaceAll('<', '‹').replaceAll('>', '›'),
  discord: (text) => text.replace(/[\\[\]*_`~|<>@]/g, (sign) => (sign === '@' ? '@\u200b' : sign === '<' ? '‹' : sign === '>' ? '›' : `\\${sign}`)),
  plain: (text) => text,
}

/** The body of the request. */
export function payloadOf(format: ChatFormat, message: Message, workspaceUrl: string | null): unknown {
  const safe = quieted[format]
  const blocks = message.sections.map(({ title, lines }) => ({
    title: safe(title),
    lines: lines.map(({ text, detail }) => (detail === '' ? safe(text) : `${safe(text)}\n${safe(detail)}`)),
  }))
  const isOne = blocks.length === 1 && blocks[0]?.lines.length === 1
  const bold = (text: string): string => (text === '' ? '' : format === 'teams' || format === 'discord' ? `**${text}**` : format === 'plain' ? text : `*${text}*`)
  const opening = isOne ? [] : [bold(safe(message.subject)), ...(message.lead === '' ? [] : [safe(message.lead)])]
  const body = blocks.map(({ title, lines }) => [...(title === '' || isOne ? [] : [bold(title)]), ...lines.map((line) => (isOne ? line : `• ${line}`))].join('\n'))
  const paragraphs = [...opening, ...body, ...(message.more === '' ? [] : [safe(message.more)])]
  switch (format) {
    case 'teams':
      return {
        type: 'message',
        attachments: [
          {
            contentType: 'application/vnd.microsoft.card.adaptive',
            content: {
              $schema: 'http://adaptivecards.io/schemas/adaptive-card.json', type: 'AdaptiveCard', version: '1.4',
              body: paragraphs.map((text) => ({ type: 'TextBlock', wrap: true, text: cut(text, longestText).replaceAll('\n', '\n\n') })),
              ...(workspaceUrl === null ? {} : { actions: [{ type: 'Action.OpenUrl', title: 'Open the workspace', url: workspaceUrl }] }),
            },
          },
        ],
      }
    case 'discord':
      // Its own limit is 2,000 characters.
      return { content: cut([...paragraphs, ...(workspaceUrl === null ? [] : [workspaceUrl])].join('\n\n'), 1_900), allowed_mentions: { parse: [] } }
    case 'slack':
      return { text: cut([...paragraphs, ...(workspaceUrl === null ? [] : [`<${workspaceUrl}|Open the workspace>`])].join('\n\n'), longestText) }
    case 'google':
      return { text: cut([...paragraphs, ...(workspaceUrl === null ? [] : [`<${workspaceUrl}|Open the workspace>`])].join('\n\n'), longestText) }
    case 'plain':
      return { text: cut([...paragraphs, ...(workspaceUrl === null ? [] : [workspaceUrl])].join('\n\n'), longestText) }
  }
}

/**
 * Posts a message to a chat.
 * @throws PermanentError if the chat will not have it; RetryAfterError if it asks for patience; CodedError `chat_failed` if it was not taken, `chat_uncertain` if nobody knows
 */
export async function postToChat(outbound: Outbound, url: string, payload: unknown): Promise<void> {
  let answer
  try {
    answer = await outbound.post(url, payload)
  } catch (cause) {
    if (cause instanceof PermanentError) throw new PermanentError('chat_refused', cause.message, { cause })
    if (cause instanceof CodedError && cause.code === 'outbound_uncertain') throw new CodedError('chat_uncertain', 'The chat did not say whether it took the message.', { cause })
    throw new CodedError('chat_failed', 'The chat could not be reached.', { cause })
  }
  const { status, retryAfterMs } = answer
  if (status >= 200 && status < 300) return
  if (status === 429 || (status === 503 && retryAfterMs !== null)) throw new RetryAfterError('chat_busy', 'The chat asks for a pause.', Math.min(retryAfterMs ?? 60_000, 3_600_000))
  if (status >= 500 || status === 408) throw new CodedError('chat_failed', `The chat answered ${status}.`)
  throw new PermanentError('chat_refused', `The chat answered ${status}. Make a new incoming webhook there and enter its address.`)
}
