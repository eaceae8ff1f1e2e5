import { lookup } from 'node:dns/promises'
import { isPublicAddress } from '../../src/kernel/public-address.ts'

/** Which network webhooks may reach. Only tests use another one than the public internet. */
export interface WebhookNetwork {
  /** All addresses of a host. */
  resolve(host: string): Promise<{ address: string; family: number }[]>
  allows(address: string): boolean
  ports: readonly number[]
  /** Authorities that are trusted besides the usual ones. */
  ca?: string
}

export const publicInternet: WebhookNetwork = {
  resolve: (host) => lookup(host, { all: true, verbatim: true }),
  allows: isPublicAddress,
  ports: [443, 8443],
}
