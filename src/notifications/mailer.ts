import { createTransport } from 'nodemailer'
import { CodedError, PermanentError } from '../kernel/errors.ts'

/** One e-mail to a member of the team. */
export interface Mail {
  to: string
  subject: string
  text: string
  /** Stable for the same mail, so that a mailbox that gets it twice can tell. */
  messageId: string
}

/** Sends e-mails. @throws PermanentError if the address or content is refused; `mail_uncertain` if it is unknown whether it was taken */
export interface Mailer {
  send(mail: Mail): Promise<void>
  close(): void
}

interface SmtpFault {
  code?: unknown
  command?: unknown
  responseCode?: unknown
}

/**
 * @param smtpUrl for example `smtps://user:password@mail.example.com`
 * @param from sender, for example `Barometer <barometer@example.com>`
 */
export function createSmtpMailer(smtpUrl: string, from: string): Mailer {
  const transport = createTransport(smtpUrl, { from })
  return {
    async send({ to, subject, text, messageId }) {
      try {
        await transport.sendMail({ to, subject, text, messageId })
      } catch (error) {
        const { command, responseCode } = error as SmtpFault
        if (typeof responseCode === 'number' && responseCode >= 500) throw new PermanentError('mail_refused', 'The mail server refused this e-mail for good.', { cause: error })
        // The content was on its way and no answer came back: it may have been taken.
        if (command === 'DATA' && responseCode === undefined) throw new CodedError('mail_uncertain', 'The mail server did not say whether it took the e-mail.', { cause: error })
        throw new CodedError('mail_failed', 'The mail server could not be reached or asked to try later.', { cause: error })
      }
    },
    close: () => transport.close(),
  }
}
