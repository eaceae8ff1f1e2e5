import type { Correction } from './official/corrections.ts'

const text = { type: 'string' } as const

/** What an e-mail's event has beside its schema, on both pages. */
function emailMembers(file: string): Correction {
  return {
    name: `e-mails in ${file}`,
    reason: 'The schema of an e-mail leaves out `from` and `subject` and types `to` as one text.',
    evidence: 'The e-mail sample on the same page has both, and a list in `to`.',
    file,
    set: {
      '/schemas/1/properties/from': text,
      '/schemas/1/properties/subject': text,
      '/schemas/1/properties/to': { type: 'array', items: text },
    },
  }
}

/** Everything that HighLevel's webhook pages have wrong or leave out, as far as the sandbox sends it. */
export const webhookCorrections: readonly Correction[] = [emailMembers('webhooks/InboundMessage.json'), emailMembers('webhooks/OutboundMessage.json')]
