import type { Connection } from 'mongoose'
import type { Accounts } from '../accounts/index.ts'
import type { HighLevelGateway } from '../highlevel/index.ts'
import type { Rights, SessionResponse } from '../http/contract/session.ts'
import type { Installations } from '../installations/index.ts'
import type { Clock } from '../kernel/clock.ts'
import type { CryptoBox } from '../kernel/crypto-box.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Session } from '../kernel/route.ts'

/** Who is speaking: HighLevel's user context in, our own short session out. */
export interface Sessions {
  /**
   * Exchanges the user context that the parent window handed over.
   * @throws RequestError 401 `unauthorized`, always the same and after a similar time, whatever was wrong
   * @throws RequestError 503 `confirmation_unavailable` if the person could not be confirmed right now
   */
  exchange(encryptedData: string): Promise<SessionResponse>
  /** Checks the token alone: signature, issuer, audience, expiry. */
  verify(token: string): Session | null
  /** Checks the token and that its agency still has the app (also while it has to reconnect), its account still the agency's, its account user still there. For the server's middleware. */
  authenticate(token: string): Promise<Session | null>
}

export interface SessionsDeps {
  connection: Connection
  clock: Clock
  gateway: HighLevelGateway
  accounts: Pick<Accounts, 'get' | 'user' | 'confirmUser' | 'agencyUser' | 'companyOf' | 'isForgotten'>
  installations: Pick<Installations, 'get' | 'isLive'>
  box: CryptoBox
  /** What the person may do. */
  rights: (session: Session) => Promise<Rights>
  /** HighLevel's shared secrets, the current one first. */
  sharedSecrets: string[]
  logger: Logger
  /** No refusal is answered sooner than this. */
  refusalFloorMs?: number
}
