import { afterEach, describe, expect, it } from '@jest/globals'
import { createSmtpMailer } from '../../src/notifications/index.ts'
import { startMailServer, type MailServer } from '../support/mail-server.ts'

let server: MailServer | undefined
afterEach(() => server?.stop())

async function mailServer(answers: Parameters<typeof startMailServer>[0]): Promise<MailServer> {
  server = await startMailServer(answers)
  return server
}

const mail = { to: 'priya@example.com', subject: 'A case is due', text: 'Body', html: '<p>Body in HTML</p>', fromName: 'Acme Care', messageId: '<abc@notifications.barometer>' }

describe('the mailer', () => {
  it('sends subject, text, HTML and a stable message id, under the agency’s name and the server’s address', async () => {
    const { url, received } = await mailServer({})
    const mailer = createSmtpMailer(url, 'Barometer <barometer@example.com>')
    await mailer.send(mail)
    mailer.close()
    expect(received[0]).toMatch(/From: Acme Care <barometer@example.com>/)
    expect(received[0]).toMatch(/multipart\/alternative/)
    expect(received[0]).toContain('<p>Body in HTML</p>')
    expect(received[0]).toMatch(/Subject: A case is due/)
    expect(received[0]).toMatch(/Message-ID: <abc@notifications.barometer>/)
  })

  it.each([
    ['an address that is refused for good', { RCPT: '550 no such user' }, 'mail_refused'],
    ['a server that is busy', { RCPT: '450 later' }, 'mail_failed'],
    ['a connection that ends after the content', { CONTENT: 'hang up' }, 'mail_uncertain'],
  ] as const)('tells %s apart', async (_what, answers, code) => {
    const { url } = await mailServer(answers)
    const mailer = createSmtpMailer(url, 'barometer@example.com')
    await expect(mailer.send(mail)).rejects.toMatchObject({ code })
    mailer.close()
  })

  it('a server that is not there is a passing fault', async () => {
    const mailer = createSmtpMailer('smtp://127.0.0.1:9?ignoreTLS=true', 'barometer@example.com')
    await expect(mailer.send(mail)).rejects.toMatchObject({ code: 'mail_failed' })
    mailer.close()
  })
})
