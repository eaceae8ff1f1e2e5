import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import express from 'express'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createStreams } from '../../src/http/index.ts'
import type { StreamOut } from '../../src/kernel/route.ts'
import { until } from '../support/until.ts'

describe('an answer without an end', () => {
  const streams = createStreams({ verify: () => null, readSession: async () => null, beatMs: 20, perProcess: 2 })
  let server: Server
  let out: StreamOut | undefined
  let stops = 0
  const sockets: Socket[] = []

  beforeAll(async () => {
    const app = express()
    app.get('/stream', (_request, response) => {
      streams.open(
        response,
        {
          contentType: 'text/event-stream',
          stream: {
            open(opened) {
              out = opened
              return () => (stops += 1)
            },
            heartbeat: () => ': beat\n\n',
          },
        },
        { session: null, token: undefined },
      )
    })
    server = createServer(app)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(async () => {
    for (const socket of sockets) socket.destroy()
    streams.end()
    await new Promise((resolve) => server.close(resolve))
  })

  function ask(): Socket {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1', () => socket.write('GET /stream HTTP/1.1\r\nHost: x\r\n\r\n'))
    // Being cut off is what is looked for.
    socket.on('error', () => undefined)
    sockets.push(socket)
    return socket
  }

  it('is cut off for a reader who does not read, and forgotten', async () => {
    const socket = ask()
    await until('the stream', () => out !== undefined)
    socket.pause()
    const piece = 'x'.repeat(512 * 1_024)
    let pieces = 0
    await until('the cut', () => {
      out?.write(piece)
      pieces += 1
      return streams.count() === 0
    })
    expect(stops).toBe(1)
    // What the system holds for a connection, and no more than one piece of ours.
    expect(pieces).toBeLessThan(60)
    expect(() => out?.write('more')).not.toThrow()
  })

  it('shows a sign of life, and is let go when the reader leaves', async () => {
    const socket = ask()
    let said = ''
    socket.on('data', (data: Buffer) => (said += data.toString()))
    await until('heartbeats', () => said.split(': beat').length > 3)
    expect(streams.count()).toBe(1)
    socket.destroy()
    await until('the end', () => streams.count() === 0)
    expect(stops).toBe(2)
  })
})
