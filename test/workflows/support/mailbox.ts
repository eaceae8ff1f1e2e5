import { createServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'

/** A mail server that takes everything and keeps it. */
export interface Mailbox {
  url: string
  /** Each mail as it came: headers, then the parts. */
  received: string[]
  close(): Promise<void>
}

export async function openMailbox(): Promise<Mailbox> {
  const received: string[] = []
  const server: Server = createServer((socket) => {
    let buffered = ''
    let inContent = false
    const reply = (line: string) => socket.write(`${line}\r\n`)
    reply('220 mailbox')
    socket.on('data', (chunk) => {
      buffered += chunk.toString()
      for (;;) {
        const end = inContent ? buffered.indexOf('\r\n.\r\n') : buffered.indexOf('\r\n')
        if (end < 0) return
        const part = buffered.slice(0, end)
        buffered = buffered.slice(end + (inContent ? 5 : 2))
        if (inContent) {
          // Soft line breaks of quoted-printable are no part of the words.
          received.push(part.replace(/=\r\n/g, '').replace(/=E2=80=9C|=E2=80=9D/g, '"').replace(/=3D/g, '='))
          inContent = false
          reply('250 taken')
        } else if (part.toUpperCase().startsWith('DATA')) {
          inContent = true
          reply('354 go on')
        } else reply(part.toUpperCase().startsWith('QUIT') ? '221 bye' : '250 ok')
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}?ignoreTLS=true`,
    received,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
