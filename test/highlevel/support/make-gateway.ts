import { pino } from 'pino'
import type { Connection } from 'mongoose'
import { createCryptoBox, type CryptoBox } from '../../../src/kernel/crypto-box.ts'
import { systemClock } from '../../../src/kernel/clock.ts'
import { createHighLevelGateway, type HighLevelGatewayDeps, type RunningGateway, type TokenGrant } from '../../../src/highlevel/index.ts'

const testSecret = 'a test secret that is long enough to be accepted'
export const testBox: CryptoBox = createCryptoBox(testSecret)

export interface TestGateway extends RunningGateway {
  reconnects: string[]
}

/** A gateway with short times, which counts the calls for a reconnect. */
export function makeGateway(connection: Connection, apiUrl: string, deps: Partial<HighLevelGatewayDeps> = {}): TestGateway {
  const reconnects: string[] = []
  const gateway = createHighLevelGateway({
    connection,
    clock: systemClock,
    config: { apiUrl, clientId: '0123456789abcdef01234567-abcdefgh', clientSecret: 'client-secret-value', appId: '0123456789abcdef01234567' },
    box: testBox,
    logger: pino({ level: 'silent' }),
    timeoutMs: 2_000,
    onReconnectNeeded: (companyId) => {
      reconnects.push(companyId)
      return Promise.resolve()
    },
    ...deps,
  })
  return { ...gateway, reconnects }
}

export function companyGrant(tokens: { access_token: string; refresh_token: string }, expiresInSeconds = 86_399): TokenGrant {
  return {
    accessToken: tokens.access_token, refreshToken: tokens.refresh_token, expiresInSeconds, userType: 'Company', companyId: 'company1', locationId: null, userId: null,
    scopes: [], isBulkInstallation: true, approvedLocationIds: [], installToFutureLocations: true,
  }
}

export function locationGrant(locationId: string, tokens: { access_token: string; refresh_token: string }, expiresInSeconds = 86_399): TokenGrant {
  return { ...companyGrant(tokens, expiresInSeconds), userType: 'Location', locationId, isBulkInstallation: false }
}
