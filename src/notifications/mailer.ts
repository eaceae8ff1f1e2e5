import { createTransport } from 'nodemailer'
import { CodedError, PermanentError } from '../kernel/errors.ts'

/** One e-mail to a member of the team. */
export interface Mail {
  to: string
  subject: string
  text: string
  /** The same in HTML; left out for plain ones. */
  html?: string
  /** Shown as the sender; the address stays the server's. Left out for the server's own. */
  fromName?: string
  /** Stable for the same mail, so that a mailbox that gets it twice can tell. */
  messageId: string
}

/** Sends e-mails. @throws PermanentError if the address or content is refused; `mail_uncertain` if it is unknown whether it was taken */
export interface Mailer {
  send(mail: Mail): Promise<void>
  close(): void
}

/** Members of the transport's errors that tell how far it came. */
interface SmtpFault {
  code?: unknown
  command?: unknown
  syscall?: unknown
  responseCode?: unknown
  message?: unknown
}

/** True if the mail server cannot have taken the e-mail: it was not reached, it said no, or the content was not on its way yet. */
function certainlyNotTaken({ code, command, syscall, responseCode, message }: SmtpFault): boolean {
  if (typeof responseCode === 'number' || syscall === 'connect') return true
  if (code === 'EDNS' || code === 'EAUTH' || code === 'ETLS' || code === 'EENVELOPE') return true
  return (typeof command === 'string' && command !== 'CONN' && command !== 'DATA') || message === 'Connection timeout' || message === 'Greeting never received'
}

/**
 * @param smtpUrl for example `smtps://user:password@mail.example.com`
 * @param from sender, for example `Barometer <barometer@example.com>`
 */
export function createSmtpMailer(smtpUrl: string, from: string): Mailer {
  const transport = createTransport(smtpUrl, { from })
  const address = /<([^<>]+)>\s*$/.exec(from)?.[1] ?? from
  return {
    async send({ to, subject, text, html, fromName, messageId }) {
      try {
        await transport.sendMail({ to, subject, text, messageId, ...(html === undefined ? {} : { html }), ...(fromName === undefined ? {} : { from: { name: fromName, address } }) })
      } catch (error) {
        const fault = error as SmtpFault
        if (typeof fault.responseCode === 'number' && fault.responseCode >= 500) throw new PermanentError('mail_refused', 'The mail server refused this e-mail for good.', { cause: error })
        if (certainlyNotTaken(fault)) throw new CodedError('mail_failed', 'The mail server could not be reached or asked to try later.', { cause: error })
        throw new CodedError('mail_uncertain', 'The mail server did not say whether it took the e-mail.', { cause: error })
      }
    },
    close: () => transport.close(),
  }
}
