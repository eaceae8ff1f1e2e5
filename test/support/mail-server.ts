import { createServer, type AddressInfo } from 'node:net'

/** A mail server on this machine. */
export interface MailServer {
  url: string
  /** The mails that it was given. */
  received: string[]
  stop(): Promise<void>
}

/** Answers each command as told, else with yes. */
export async function startMailServer(answers: Partial<Record<'RCPT' | 'CONTENT', string>> = {}): Promise<MailServer> {
  const received: string[] = []
  const server = createServer((socket) => {
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
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}?ignoreTLS=true`, received, stop: () => new Promise((resolve) => void server.close(() => resolve())) }
}
