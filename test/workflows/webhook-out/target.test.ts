import { describe, expect, it } from '@jest/globals'
import { isPublicAddress } from '../../../src/kernel/public-address.ts'
import { publicInternet, type WebhookNetwork } from '../../../workflows/webhook-out/network.ts'
import { post } from '../../../workflows/webhook-out/post.ts'
import { pin, targetOf } from '../../../workflows/webhook-out/target.ts'
import { startReceiver } from './receiver.ts'

describe('an address counts as public', () => {
  it.each(['1.1.1.1', '8.8.8.8', '93.184.216.34', '172.15.255.255', '172.32.0.1', '100.63.255.255', '100.128.0.1', '11.0.0.1', '2606:4700:4700::1111', '2a00:1450:4001:81b::200e'])('%s', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })
})

describe('an address does not count as public', () => {
  it.each([
    ['this host', '0.0.0.0'], ['this network', '0.1.2.3'], ['loopback', '127.0.0.1'], ['loopback, anywhere in it', '127.255.255.254'],
    ['private 10', '10.0.0.1'], ['private 172', '172.16.0.1'], ['private 172, its end', '172.31.255.255'], ['private 192.168', '192.168.1.1'],
    ['link-local', '169.254.0.1'], ['metadata of clouds', '169.254.169.254'], ['metadata of containers', '169.254.170.2'],
    ['carrier-grade NAT', '100.64.0.1'], ['metadata of Alibaba', '100.100.100.200'], ['carrier-grade NAT, its end', '100.127.255.255'],
    ['protocol assignments', '192.0.0.1'], ['metadata of Oracle', '192.0.0.192'], ['wire server of Azure', '168.63.129.16'],
    ['documentation', '192.0.2.1'], ['documentation', '198.51.100.1'], ['documentation', '203.0.113.1'], ['benchmarking', '198.18.0.1'],
    ['multicast', '224.0.0.1'], ['multicast', '239.255.255.250'], ['reserved', '240.0.0.1'], ['broadcast', '255.255.255.255'],
    ['unspecified', '::'], ['loopback', '::1'], ['IPv4 loopback, mapped', '::ffff:127.0.0.1'], ['IPv4 metadata, mapped, in hexadecimal', '::ffff:a9fe:a9fe'], ['a public IPv4 address, mapped', '::ffff:8.8.8.8'],
    ['IPv4-compatible', '::127.0.0.1'], ['IPv4-translated', '::ffff:0:127.0.0.1'], ['NAT64', '64:ff9b::7f00:1'], ['NAT64 of a public address', '64:ff9b::808:808'], ['local NAT64', '64:ff9b:1::a00:1'],
    ['6to4', '2002:7f00:1::'], ['Teredo', '2001:0:4136:e378:8000:63bf:3fff:fdd2'], ['unique local', 'fc00::1'], ['metadata of AWS', 'fd00:ec2::254'], ['link-local', 'fe80::1'], ['link-local with its zone', 'fe80::1%eth0'],
    ['site-local', 'fec0::1'], ['multicast', 'ff02::1'], ['documentation', '2001:db8::1'], ['discard', '100::1'], ['ORCHID', '2001:20::1'],
    ['octal', '0177.0.0.1'], ['a single number', '2130706433'], ['hexadecimal', '0x7f.1'], ['short', '127.1'], ['a name', 'example.com'], ['nothing', ''],
  ])('%s: %s', (_what, address) => {
    expect(isPublicAddress(address)).toBe(false)
  })
})

describe('the address of a webhook', () => {
  it.each(['https://hooks.example.com/x', 'https://hooks.example.com:8443/x?y=1', 'https://1.1.1.1/', 'https://[2606:4700:4700::1111]/', 'https://münchen.de/hook', 'https://hooks.example.com:443/'])('may be %s', (url) => {
    expect(targetOf(url).url.protocol).toBe('https:')
  })

  it.each([
    ['http://hooks.example.com/', 'https'], ['ftp://hooks.example.com/', 'https'], ['javascript:alert(1)', 'https'], ['hooks.example.com', 'not a web address'], ['', 'not a web address'],
    ['https://user:word@hooks.example.com/', 'password'], ['https://hooks.example.com/#part', '#'], ['https://hooks.example.com:22/', 'Port 22'], ['https://hooks.example.com:3000/', 'Port 3000'],
    ['https://localhost/', 'public internet'], ['https://app.localhost/', 'public internet'], ['https://printer.local/', 'public internet'], ['https://metadata.google.internal/', 'public internet'], ['https://intranet/', 'public internet'],
    ['https://localhost./', 'public internet'],
    ['https://127.0.0.1/', 'public internet'], ['https://2130706433/', 'public internet'], ['https://0x7f000001/', 'public internet'], ['https://0177.0.0.1/', 'public internet'], ['https://127.1/', 'public internet'],
    ['https://169.254.169.254/latest/meta-data', 'public internet'], ['https://[::1]/', 'public internet'], ['https://[::ffff:10.0.0.1]/', 'public internet'], ['https://[fd00:ec2::254]/', 'public internet'], ['https://①②⑦.⓪.⓪.①/', 'public internet'],
    [`https://hooks.example.com/${'a'.repeat(2_000)}`, 'longer than'],
  ])('may not be %s', (url, why) => {
    expect(() => targetOf(url)).toThrow(why)
  })

  it('may not be a name of which any address is not public', async () => {
    const network = (...addresses: string[]): WebhookNetwork => ({ ...publicInternet, resolve: async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })) })
    await expect(pin({ host: 'hooks.example.com' }, network('1.1.1.1', '10.0.0.1'))).rejects.toMatchObject({ code: 'webhook_url' })
    await expect(pin({ host: 'hooks.example.com' }, network('1.1.1.1', '::ffff:10.0.0.1'))).rejects.toMatchObject({ code: 'webhook_url' })
    await expect(pin({ host: 'hooks.example.com' }, network())).rejects.toMatchObject({ code: 'webhook_unresolved' })
    expect(await pin({ host: 'hooks.example.com' }, network('1.1.1.1', '8.8.8.8'))).toEqual({ address: '1.1.1.1', family: 4 })
  })
})

describe('one attempt', () => {
  const headers = { 'content-type': 'application/json' }

  it('goes to the address that was looked at, though the name means another one by then', async () => {
    const receiver = await startReceiver()
    let lookups = 0
    const rebinding: WebhookNetwork = {
      ...receiver.network,
      async resolve() {
        lookups += 1
        // The second answer is what an attacker's name server would give to whoever looks again.
        return [{ address: lookups === 1 ? '127.0.0.1' : '127.0.0.2', family: 4 }]
      },
    }
    try {
      const url = `https://hooks.example.com:${receiver.port}/in`
      expect(await post(url, headers, '{}', rebinding)).toMatchObject({ status: 204 })
      expect(lookups).toBe(1)
      expect(receiver.received).toMatchObject([{ host: `hooks.example.com:${receiver.port}`, path: '/in', body: '{}' }])
      await expect(post(url, headers, '{}', rebinding)).rejects.toMatchObject({ code: 'webhook_url' })
      expect(receiver.received).toHaveLength(1)
    } finally {
      await receiver.stop()
    }
  })

  it('does not follow redirects, and ends after its time', async () => {
    const receiver = await startReceiver()
    try {
      const url = `https://hooks.example.com:${receiver.port}/in`
      receiver.answers.push({ status: 302, headers: { location: 'https://169.254.169.254/' } }, 'hang')
      expect(await post(url, headers, '{}', receiver.network)).toEqual({ status: 302, retryAfter: null })
      await expect(post(url, headers, '{}', receiver.network, 300)).rejects.toMatchObject({ code: 'webhook_unreachable' })
      expect(receiver.received).toHaveLength(2)
    } finally {
      await receiver.stop()
    }
  })

  it('is refused where the certificate is not the receiver\'s', async () => {
    const receiver = await startReceiver()
    try {
      const { ca: _ca, ...distrusting } = receiver.network
      await expect(post(`https://hooks.example.com:${receiver.port}/in`, headers, '{}', distrusting)).rejects.toMatchObject({ code: 'webhook_unreachable' })
      expect(receiver.received).toEqual([])
    } finally {
      await receiver.stop()
    }
  })
})
