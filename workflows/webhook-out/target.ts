import { isIP } from 'node:net'
import { CodedError, PermanentError } from '../../src/kernel/errors.ts'
import { publicInternet, type WebhookNetwork } from './network.ts'

const maxLength = 2_000
const localNames = /(^|\.)(localhost|local|localdomain|internal|intranet|lan|home\.arpa|test|example|invalid|onion)$/

/** What a URL names, as the connection needs it. */
export interface WebhookTarget {
  url: URL
  host: string
  port: number
}

/**
 * Reads the address of a webhook without asking the network.
 * @throws PermanentError `webhook_url` with the fault and the fix
 */
export function targetOf(text: string, network: WebhookNetwork = publicInternet): WebhookTarget {
  const refuse = (message: string): PermanentError => new PermanentError('webhook_url', message)
  if (text.length > maxLength) throw refuse(`The address is longer than ${maxLength} characters.`)
  if (!URL.canParse(text)) throw refuse('This is not a web address. Write it whole, for example https://hooks.example.com/barometer.')
  const url = new URL(text)
  if (url.protocol !== 'https:') throw refuse('Webhooks go out over https only: the address must begin with https://.')
  if (url.username !== '' || url.password !== '') throw refuse('The address may not hold a user name or password: webhooks are signed instead.')
  if (url.hash !== '') throw refuse('Leave out the part after #: it is never sent.')
  const port = url.port === '' ? 443 : Number(url.port)
  if (!network.ports.includes(port)) throw refuse(`Port ${port} is not open to webhooks. Use ${network.ports.join(' or ')}.`)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0) {
    if (!network.allows(host)) throw refuse(`${host} is not an address on the public internet.`)
  } else if (network === publicInternet && (!host.replace(/\.$/, '').includes('.') || localNames.test(host.replace(/\.$/, '')))) {
    throw refuse(`${host} is not a name on the public internet.`)
  }
  return { url, host, port }
}

/**
 * The address that a connection is pinned to. All addresses of the name must be public: one that is not may be the one that is used next time.
 * @throws PermanentError `webhook_url`; CodedError `webhook_unresolved` (transient) while the name cannot be looked up
 */
export async function pin({ host }: Pick<WebhookTarget, 'host'>, network: WebhookNetwork): Promise<{ address: string; family: number }> {
  const family = isIP(host)
  const found = family === 0 ? await resolved(host, network) : [{ address: host, family }]
  const [first] = found
  if (first === undefined) throw new CodedError('webhook_unresolved', `The name ${host} has no address.`)
  if (!found.every(({ address }) => network.allows(address))) throw new PermanentError('webhook_url', `The name ${host} leads to an address that is not on the public internet.`)
  return first
}

async function resolved(host: string, network: WebhookNetwork): Promise<{ address: string; family: number }[]> {
  try {
    return await network.resolve(host)
  } catch (cause) {
    throw new CodedError('webhook_unresolved', `The name ${host} cannot be looked up. Is it spelt right?`, { cause })
  }
}
