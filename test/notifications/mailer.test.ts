import { afterEach, describe, expect, it } from '@jest/globals'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { createSmtpMailer } from '../../src/notifications/index.ts'

let server: Server | undefined
afterEach(() => new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve()))))

/** A mail server that answers each command as told; what it was given is in `received`. */
async function mailServer(answers: Partial<Record<'RCPT' | 'CONTENT', string>>): Promise<{ url: string; received: string[] }> {
  const received: string[] = []
  server = createServer((socket) => {
    let inContent = false
    let buffered = ''
    socket.on('error', () => socket.destroy())
    socket.write('220 ready\r\n')
    const reply = (answer: string) => (answer === 'hang up' ? socket.destroy() : socket.write(`${answer}\r\n`))
    socket.on('data', (chunk) => {
      buffered += chunk.toString('utf8')
      for (;;) {
        if (inContent) {
          const end = buffered.indexOf('\r\n.\r\n')
          if (end < 0) return
          received.push(buffered.slice(0, end))
          buffered = buffered.slice(end + 5)
          inContent = false
          reply(answers.CONTENT ?? '250 taken')
          continue
        }
        const end = buffered.indexOf('\r\n')
        if (end < 0) return
        const command = buffered.slice(0, 4).toUpperCase()
        buffered = buffered.slice(end + 2)
        if (command === 'DATA') {
          inContent = true
          reply('354 go on')
        } else if (command === 'RCPT') reply(answers.RCPT ?? '250 ok')
        else if (command === 'QUIT') reply('221 bye')
        else reply('250 ok')
      }
    })
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  return { url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}?ignoreTLS=true`, received }
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
