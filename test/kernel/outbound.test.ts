import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { createServer, type Server, type ServerOptions } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import nock from 'nock'
import { checkOutboundUrl, createOutbound } from '../../src/kernel/outbound.ts'
import { isPublicAddress } from '../../src/kernel/public-address.ts'

const read = (name: string) => readFileSync(new URL(`tls/${name}.pem`, import.meta.url), 'utf8')
/** A certificate for `chat.test`, and its key, for this file alone: nothing trusts them. */
const tls: ServerOptions = { key: read('key'), cert: read('cert') }

// Real sockets: what is tested is to whom they connect. All of them lead to this machine.
beforeAll(() => nock.restore())
afterAll(() => nock.activate())

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

/** A chat on this machine under the name `chat.test`, reached only because the test says so. */
async function chat(answer: (request: IncomingMessage, response: ServerResponse, body: string) => void, over: Parameters<typeof createOutbound>[0] = {}) {
  const asked: string[] = []
  server = createServer(tls, (request, response) => {
    let body = ''
    request.on('data', (part: Buffer) => (body += part.toString()))
    request.on('end', () => {
      asked.push(`${request.method ?? ''} ${request.headers.host ?? ''}${request.url ?? ''} ${body}`)
      answer(request, response, body)
    })
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const outbound = createOutbound({ resolve: async () => [{ address: '127.0.0.1', family: 4 }], isAllowed: () => true, trust: { ca: read('cert'), port }, timeoutMs: 2_000, ...over })
  return { asked, port, outbound, url: `https://chat.test:${port}/hook` }
}

describe('an address of the public internet', () => {
  it.each(['8.8.8.8', '1.1.1.1', '93.184.216.34', '2606:4700:4700::1111', '2a00:1450:4001:81b::200e'])('is %s', (address) => expect(isPublicAddress(address)).toBe(true))
  it.each([
    '0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.9.9.9', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.168.1.1', '192.0.2.1', '198.18.0.1', '224.0.0.1', '255.255.255.255',
    '::', '::1', '::ffff:127.0.0.1', '::ffff:169.254.169.254', '::ffff:8.8.8.8', '64:ff9b::7f00:1', 'fc00::1', 'fd12::1', 'fe80::1', 'fe80::1%eth0', '2001:db8::1', '3fff::1', '2002:7f00:1::', 'ff02::1', 'not an address', '',
  ])('is not %s', (address) => expect(isPublicAddress(address)).toBe(false))
})

describe('an address that somebody typed in', () => {
  it.each(['http://chat.test/x', 'ftp://chat.test/x', 'file:///etc/passwd', 'https://user@chat.test/x', 'https://:pw@chat.test/x', 'https://chat.test:22/x', 'not one', ''])('is refused: %s', (text) => {
    expect(() => checkOutboundUrl(text)).toThrow(expect.objectContaining({ code: 'outbound_refused' }))
  })

  it.each(['https://127.0.0.1/x', 'https://[::1]/x', 'https://2130706433/x', 'https://0x7f.1/x', 'https://[::ffff:10.0.0.1]/x', 'https://169.254.169.254/latest/meta-data'])('is refused before anything is connected: %s', async (url) => {
    await expect(createOutbound({ resolve: () => Promise.reject(new Error('must not be asked')) }).post(url, {})).rejects.toMatchObject({ code: 'outbound_refused' })
  })

  it('is refused if one of its addresses is private, and the refusal is for good', async () => {
    const { outbound, url, asked } = await chat((_request, response) => response.end('ok'), { isAllowed: isPublicAddress, resolve: async () => [{ address: '8.8.8.8', family: 4 }, { address: '127.0.0.1', family: 4 }] })
    await expect(outbound.post(url, {})).rejects.toMatchObject({ code: 'outbound_refused', name: 'PermanentError' })
    expect(asked).toEqual([])
  })

  it('is connected to at the very address that was looked at, whatever the name says a moment later', async () => {
    const names = ['127.0.0.1', '10.0.0.1']
    const { outbound, url, asked } = await chat((_request, response) => response.end('ok'), { resolve: async () => [{ address: names.shift() ?? '10.0.0.1', family: 4 }] })
    expect(await outbound.post(url, { text: 'hi' })).toEqual({ status: 200, retryAfterMs: null, text: 'ok' })
    expect(names).toEqual(['10.0.0.1'])
    expect(asked).toEqual([expect.stringMatching(/^POST chat\.test:\d+\/hook \{"text":"hi"\}$/)])
  })
})

describe('an answer', () => {
  it('that redirects is given back, not followed', async () => {
    const { outbound, url, asked } = await chat((_request, response) => response.writeHead(307, { location: 'https://169.254.169.254/' }).end())
    expect((await outbound.post(url, {})).status).toBe(307)
    expect(asked).toHaveLength(1)
  })

  it('names its pause', async () => {
    const { outbound, url } = await chat((_request, response) => response.writeHead(429, { 'retry-after': '7' }).end())
    expect(await outbound.post(url, {})).toMatchObject({ status: 429, retryAfterMs: 7_000 })
  })

  it('without end is cut', async () => {
    const { outbound, url } = await chat((_request, response) => {
      const more = setInterval(() => response.write('x'.repeat(50_000)), 1)
      response.on('close', () => clearInterval(more))
    })
    expect((await outbound.post(url, {})).text).toHaveLength(2_000)
  })

  it('that does not come leaves open whether it was taken; a server that is not there has not taken it', async () => {
    const { outbound, url } = await chat(() => undefined, { timeoutMs: 300 })
    await expect(outbound.post(url, {})).rejects.toMatchObject({ code: 'outbound_uncertain' })
    server?.closeAllConnections()
    await new Promise((resolve) => server?.close(resolve))
    await expect(outbound.post(url, {})).rejects.toMatchObject({ code: 'outbound_failed' })
  })

  it('from a server whose certificate is not trusted has taken nothing', async () => {
    const { outbound, url, asked } = await chat((_request, response) => response.end('ok'), { resolve: async () => [{ address: '127.0.0.1', family: 4 }] })
    await expect(outbound.post(url.replace('chat.test', 'other.test'), {})).rejects.toMatchObject({ code: 'outbound_failed' })
    expect(asked).toEqual([])
  })
})
