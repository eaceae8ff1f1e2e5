import ipaddr from 'ipaddr.js'

/** Where all public IPv6 addresses lie; whatever is outside of it (mapped, translated, unique local, …) is not the public internet. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3')
/** The newer half of IPv6's documentation addresses (RFC 9637). */
const documentation = ipaddr.IPv6.parseCIDR('3fff::/20')
/** Public by their numbers, but services of the machine that we run on: Azure's wire server, Oracle's metadata, IETF protocol assignments. */
const hostServices = [ipaddr.IPv4.parseCIDR('168.63.129.16/32'), ipaddr.IPv4.parseCIDR('192.0.0.0/24')]

/**
 * True for an address on the public internet, and for nothing else: not loopback, private, link-local (with the clouds' metadata), carrier-grade NAT, multicast,
 * documentation, benchmarking or reserved; not an IPv4 address in any IPv6 dress; not anything that is no plain address.
 */
export function isPublicAddress(text: string): boolean {
  if (text.includes('%')) return false
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) {
    const address = ipaddr.IPv4.parse(text)
    return address.range() === 'unicast' && !hostServices.some((block) => address.match(block))
  }
  if (!ipaddr.IPv6.isValid(text)) return false
  const address = ipaddr.IPv6.parse(text)
  return address.match(globalUnicast) && !address.match(documentation) && address.range() === 'unicast'
}
