import type { Connection } from 'mongoose'
import { secondMs, type Clock } from '../kernel/clock.ts'
import type { HighLevelConfig } from '../kernel/config.ts'
import type { CryptoBox } from '../kernel/crypto-box.ts'
import { PermanentError, RetryAfterError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { createBudgetGauge, createRequestBudget, type BudgetReading } from './budget.ts'
import { productionLimits, type BudgetLimits } from './budget-rules.ts'
import { createCircuit, defaultCircuit, type CircuitSettings } from './circuit.ts'
import { createCompanyApi } from './company-api.ts'
import type { Answer } from './answer.ts'
import { endpoints } from './endpoints.ts'
import { createLocationApi } from './location-api.ts'
import { createOAuthCalls, type PartialGrant } from './oauth.ts'
import { createRequestLog, type RequestLogPage } from './request-log.ts'
import { companyResource, locationIdOf, type Resource } from './resource.ts'
import { createSender, pathId, type Call, type Sender } from './sender.ts'
import { createTokenVault, type TokenVault } from './token-vault.ts'
import { createTransport } from './transport.ts'
import { fireTrigger, type TriggerCall } from './trigger-call.ts'
import type { HighLevelGateway, Priority } from './types.ts'
import { grantAnswer, parse } from './wire.ts'

/** The gateway as the composition root holds it: the seam itself, and what people who operate it need. */
export interface RunningGateway extends HighLevelGateway {
  /** The company's calls of the last seven days, newest first. */
  requestLog(query: { companyId: string; locationId?: string; page: number; pageSize: number }): Promise<RequestLogPage>
  /** How much of HighLevel's quotas the company's resources have used. */
  budgets(companyId: string): Promise<BudgetReading[]>
  /**
   * Starts a workflow by one of the app's own triggers. Never repeated here: whoever repeats it starts the workflow again.
   * @throws PermanentError `highlevel_not_found` if the trigger is in no workflow any more
   */
  fireTrigger(call: TriggerCall): Promise<void>
  /** Writes the request log's rest and closes connections. Call it after all work has ended. */
  stop(): Promise<void>
}

export interface HighLevelGatewayDeps {
  connection: Connection
  clock: Clock
  config: Pick<HighLevelConfig, 'apiUrl' | 'clientId' | 'clientSecret' | 'appId'>
  box: CryptoBox
  logger: Logger
  /** Called once when HighLevel refuses to renew a company's (or single location's) token. */
  onReconnectNeeded: (companyId: string) => Promise<void>
  limits?: BudgetLimits
  circuit?: CircuitSettings
  /** A call is cut off after this time. */
  timeoutMs?: number
  /** A renewal of tokens must end within this time; longer than `timeoutMs`. */
  tokenLeaseMs?: number
  tokenCacheMs?: number
  /** Named points for crash tests. */
  faultPoint?: (name: string) => void
}

export function createHighLevelGateway(deps: HighLevelGatewayDeps): RunningGateway {
  const { connection, clock, config, box, logger, limits = productionLimits, circuit: circuitSettings = defaultCircuit, timeoutMs = 10 * secondMs } = deps
  const transport = createTransport({ apiUrl: config.apiUrl, clientId: config.clientId, clientSecret: config.clientSecret, timeoutMs })
  const log = createRequestLog({ connection, logger })
  const budget = createRequestBudget({ connection, clock, limits })
  const circuit = createCircuit({ clock, settings: circuitSettings })

  async function sendOnce({ endpoint, outgoing }: Call, credentials: { resource: Resource; accessToken: string } | null, subject: Resource | null, priority: Priority, attempt: number): Promise<Answer> {
    const at = clock.now()
    const startedMs = performance.now()
    const answer = await transport.send(endpoint, outgoing, credentials)
    log.add({
      at,
      companyId: subject?.companyId ?? null,
      locationId: subject === null ? null : locationIdOf(subject),
      method: endpoint.method,
      path: endpoint.path,
      status: answer.status,
      failure: answer.failure,
      timeMs: Math.round(performance.now() - startedMs),
      attempt,
      priority,
    })
    return answer
  }

  const oauth = createOAuthCalls({
    clientId: config.clientId,
    clientSecret: config.clientSecret,
    send: (endpoint, outgoing, subject) => sendOnce({ endpoint, outgoing }, null, subject, 'interactive', 1),
  })
  const vault: TokenVault = createTokenVault({
    connection,
    clock,
    box,
    oauth,
    logger,
    mint,
    onReconnectNeeded: deps.onReconnectNeeded,
    faultPoint: deps.faultPoint,
    leaseMs: deps.tokenLeaseMs,
    cacheMs: deps.tokenCacheMs,
  })
  const sender: Sender = createSender({ vault, budget, circuit, sendOnce: (call, credentials, { priority, attempt }) => sendOnce(call, credentials, credentials.resource, priority, attempt) })

  /** Minting draws on the company's budget like any other of its calls. */
  async function mint(companyId: string, locationId: string, priority: Priority): Promise<PartialGrant> {
    try {
      const form = { companyId: pathId(companyId), locationId: pathId(locationId) }
      const body = await sender.send(companyResource(companyId), priority, { endpoint: endpoints.locationToken, outgoing: { via: 'plain', form } })
      return parse(grantAnswer, body, endpoints.locationToken.name)
    } catch (error) {
      if (error instanceof RetryAfterError || !(error instanceof PermanentError) || error.code === 'highlevel_scope') throw error
      throw new PermanentError('highlevel_not_installed', 'HighLevel gives no access to this location: the app is not installed there any more.', { cause: error, details: { companyId, locationId } })
    }
  }

  return {
    exchangeCode: (code, redirectUri) => oauth.exchange(code, redirectUri),
    storeTokens: (grant) => vault.store(grant),
    purgeTokens: (companyId, locationId) => vault.purge(companyId, locationId),
    location: (companyId, locationId, priority) => createLocationApi(sender, companyId, locationId, priority),
    company: (companyId, priority) => createCompanyApi(sender, config.appId, companyId, priority),
    refreshDueTokens: (limit) => vault.renewDue(limit),
    requestLog: (query) => log.list(query),
    fireTrigger: (call) => fireTrigger(sender, call),
    budgets: (companyId) => createBudgetGauge({ connection, clock, limits }).read(companyId),
    async stop() {
      await log.stop()
      transport.close()
    },
  }
}
