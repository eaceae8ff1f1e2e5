import { lookup as dnsLookup } from 'node:dns/promises'
import { request } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { CodedError, PermanentError } from './errors.ts'
import { isPublicAddress } from './public-address.ts'

/** An answer from outside; `text` is its beginning. */
export interface OutboundAnswer {
  status: number
  /** What the other side named as the pause before another attempt, in milliseconds. */
  retryAfterMs: number | null
  text: string
}

/**
 * Posts JSON to addresses that people of an agency typed in. They must not reach what only this server can reach: https on port 443 alone, no address of this
 * machine or a private network (looked at after the name was resolved, and the connection goes to the very address that was looked at), no redirects.
 */
export interface Outbound {
  /**
   * @throws PermanentError `outbound_refused` for an address that is not allowed; CodedError `outbound_failed` if it was not reached and nothing was sent;
   * `outbound_uncertain` if the request was on its way
   */
  post(url: string, body: unknown): Promise<OutboundAnswer>
}

export interface OutboundOptions {
  /** All addresses of a name. */
  resolve?: (host: string) => Promise<{ address: string; family: number }[]>
  isAllowed?: (address: string) => boolean
  timeoutMs?: number
  /** Certificate authority other than the public ones, and port other than 443: for tests with a server of their own. */
  trust?: { ca: string; port: number }
}

const refused = (problem: string): PermanentError => new PermanentError('outbound_refused', `This address cannot be used: ${problem}.`)
const longestText = 2_000

/** @throws PermanentError `outbound_refused` */
export function checkOutboundUrl(text: string, port = 443): URL {
  if (!URL.canParse(text)) throw refused('it is not a web address')
  const url = new URL(text)
  if (url.protocol !== 'https:') throw refused('it must begin with https://')
  if (url.username !== '' || url.password !== '') throw refused('it must not hold a user name or password')
  if (url.port !== '' && Number(url.port) !== port) throw refused('it must not name a port')
  return url
}

export function createOutbound(options: OutboundOptions = {}): Outbound {
  const { resolve = (host: string) => dnsLookup(host, { all: true }), isAllowed = isPublicAddress, timeoutMs = 10_000, trust } = options

  async function addressesOf(url: URL): Promise<{ address: string; family: number }[]> {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const literal = isIP(host)
    let found: { address: string; family: number }[]
    try {
      found = literal === 0 ? await resolve(host) : [{ address: host, family: literal }]
    } catch (cause) {
      throw new CodedError('outbound_failed', 'The name of this address could not be looked up.', { cause })
    }
    if (found.length === 0) throw new CodedError('outbound_failed', 'The name of this address leads nowhere.')
    // One private address among public ones is enough to refuse: which of them is used is not ours to say.
    if (!found.every(({ address }) => isAllowed(address))) throw refused('it leads into a private network')
    return found
  }

  return {
    async post(text, body) {
      const url = checkOutboundUrl(text, trust?.port)
      const addresses = await addressesOf(url)
      const pinned: LookupFunction = (_host, wanted, done) => {
        const [first] = addresses
        if (wanted.all === true) done(null, addresses)
        else if (first !== undefined) done(null, first.address, first.family)
      }
      const payload = Buffer.from(JSON.stringify(body))
      return new Promise<OutboundAnswer>((settle, reject) => {
        let underWay = false
        const fail = (cause: unknown): void => {
          clearTimeout(patience)
          if (cause instanceof CodedError) reject(cause)
          else if (underWay) reject(new CodedError('outbound_uncertain', 'The other side did not say whether it took the message.', { cause }))
          else reject(new CodedError('outbound_failed', 'The other side could not be reached.', { cause }))
        }
        const sent = request(
          url,
          {
            method: 'POST', agent: false, lookup: pinned,
            headers: { 'content-type': 'application/json; charset=utf-8', 'content-length': payload.length, 'user-agent': 'webhook/1' },
            ...(trust === undefined ? {} : { ca: trust.ca }),
          },
          (response) => {
            const parts: string[] = []
            let length = 0
            response.setEncoding('utf8')
            response.on('data', (part: string) => {
              if (length < longestText) parts.push(part)
              length += part.length
              // Its status is known; a body without end is not waited for.
              if (length > 64 * longestText) response.destroy()
            })
            const done = (): void => {
              clearTimeout(patience)
              const pause = Number(response.headers['retry-after'])
              settle({ status: response.statusCode ?? 0, retryAfterMs: Number.isFinite(pause) && pause > 0 ? pause * 1_000 : null, text: parts.join('').slice(0, longestText) })
            }
            response.on('end', done)
            response.on('close', done)
            response.on('error', done)
          },
        )
        const patience = setTimeout(() => sent.destroy(new Error('timeout')), timeoutMs)
        patience.unref()
        sent.on('socket', (socket) => socket.once('secureConnect', () => (underWay = true)))
        sent.on('error', fail)
        sent.end(payload)
      })
    },
  }
}
