import { AsyncLocalStorage } from 'node:async_hooks'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { HighLevel, SessionStorage, type ISessionData } from '@gohighlevel/api-client'
import axios, { type AxiosRequestConfig, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios'
import { CodedError } from '../kernel/errors.ts'
import { failureCodeOf, readBody, type Answer } from './answer.ts'
import type { Endpoint } from './endpoints.ts'
import type { Resource } from './resource.ts'

/** Options that every typed service call of the SDK takes. */
export type SdkOptions = AxiosRequestConfig & { preferredTokenType?: 'company' | 'location' }

/** How a call goes out: through one of the SDK's typed services, or as a plain request where the SDK lacks the operation. */
export type Outgoing =
  | { via: 'sdk'; call(sdk: HighLevel, options: SdkOptions): Promise<unknown> }
  | { via: 'plain'; path?: Record<string, string>; query?: Record<string, string>; json?: unknown; form?: Record<string, string> }

/** The same, as every call of ours has them. */
interface PreparedOptions {
  headers: Record<string, string>
  preferredTokenType?: 'company' | 'location'
}

/** Sends one HTTP call and reports what came back. Never throws for an answer or for a missing one. */
export interface Transport {
  send(endpoint: Endpoint, outgoing: Outgoing, credentials: { resource: Resource; accessToken: string } | null): Promise<Answer>
  close(): void
}

/** The SDK puts a version of its own on calls that name none; this stands for "none" until the call leaves. */
const unversioned = 'none'

/** Answers larger than this are not HighLevel's. */
const maxAnswerBytes = 10 * 1024 * 1024

/** No session of ours lives in the SDK: it gets the token of the call at hand, never a refresh token, so it cannot refresh by itself. */
class CallTokens extends SessionStorage {
  readonly #current: AsyncLocalStorage<string>

  constructor(current: AsyncLocalStorage<string>) {
    super()
    this.#current = current
  }

  override setClientId(): void {
    // Nothing is kept per client.
  }

  override init(): Promise<void> {
    return Promise.resolve()
  }

  override disconnect(): Promise<void> {
    return Promise.resolve()
  }

  override createCollection(): Promise<void> {
    return Promise.resolve()
  }

  override getCollection(): Promise<null> {
    return Promise.resolve(null)
  }

  override setSession(): Promise<void> {
    return Promise.resolve()
  }

  override getSession(): Promise<ISessionData | null> {
    const accessToken = this.#current.getStore()
    return Promise.resolve(accessToken === undefined ? null : { access_token: accessToken, expire_at: Number.MAX_SAFE_INTEGER })
  }

  override deleteSession(): Promise<void> {
    return Promise.resolve()
  }

  override getAccessToken(): Promise<string | null> {
    return Promise.resolve(this.#current.getStore() ?? null)
  }

  override getRefreshToken(): Promise<string | null> {
    return Promise.resolve(null)
  }
}

/** @param timeoutMs a call is cut off after this time, whole answer included */
export function createTransport({ apiUrl, clientId, clientSecret, timeoutMs }: { apiUrl: string; clientId: string; clientSecret: string; timeoutMs: number }): Transport {
  const currentToken = new AsyncLocalStorage<string>()
  const sdk = new HighLevel({ clientId, clientSecret, sessionStorage: new CallTokens(currentToken), logLevel: 'none' })
  const agents = { httpAgent: new HttpAgent({ keepAlive: true, maxSockets: 256 }), httpsAgent: new HttpsAgent({ keepAlive: true, maxSockets: 256 }) }
  const http = axios.getAdapter('http')

  /**
   * The one place where HTTP happens. Answers of any status come back as data, so the SDK's own 401 and error handling,
   * which would refresh tokens and keep bodies in errors, never runs.
   */
  async function adapter(config: InternalAxiosRequestConfig): Promise<AxiosResponse<Answer>> {
    // The SDK wants these to choose a token; they are not part of HighLevel's API.
    config.headers.delete('locationId')
    config.headers.delete('companyId')
    if (config.headers.get('Version') === unversioned) config.headers.delete('Version')
    try {
      // The deadline is set here and not on the outer request, where the SDK would turn it into an error that holds the body.
      const response = await http({ ...config, validateStatus: () => true, signal: AbortSignal.timeout(timeoutMs) })
      const headers = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name.toLowerCase(), String(value)]))
      return { ...response, data: { status: response.status, headers, failure: null, ...readBody(response.data) } }
    } catch (error) {
      const data: Answer = { status: 0, headers: {}, body: undefined, bodyKind: 'empty', failure: failureCodeOf(error) }
      return { data, status: 0, statusText: '', headers: {}, config }
    }
  }
  Object.assign(sdk.getHttpClient().defaults, { baseURL: apiUrl, timeout: timeoutMs, adapter, maxRedirects: 0, maxContentLength: maxAnswerBytes, proxy: false, ...agents })

  function options(endpoint: Endpoint, resource: Resource | null): PreparedOptions {
    const headers: Record<string, string> = { Accept: 'application/json', Version: endpoint.version ?? unversioned }
    if (resource !== null) {
      headers['companyId'] = resource.companyId
      headers['locationId'] = resource.kind === 'location' ? resource.locationId : resource.companyId
    }
    return { headers, ...(resource === null ? {} : { preferredTokenType: resource.kind }) }
  }

  async function plain(endpoint: Endpoint, outgoing: Outgoing & { via: 'plain' }, base: PreparedOptions, accessToken: string | null): Promise<unknown> {
    const response = await sdk.getHttpClient().request<unknown>({
      ...base,
      method: endpoint.method,
      url: fill(endpoint.path, outgoing.path ?? {}),
      headers: {
        ...base.headers,
        ...(accessToken === null ? {} : { Authorization: `Bearer ${accessToken}` }),
        'Content-Type': outgoing.form === undefined ? 'application/json' : 'application/x-www-form-urlencoded',
      },
      ...(outgoing.query === undefined ? {} : { params: outgoing.query }),
      ...(outgoing.form === undefined ? {} : { data: new URLSearchParams(outgoing.form).toString() }),
      ...(outgoing.json === undefined ? {} : { data: outgoing.json }),
    })
    return response.data
  }

  return {
    async send(endpoint, outgoing, credentials) {
      const base = options(endpoint, credentials?.resource ?? null)
      const accessToken = credentials?.accessToken ?? null
      const run = () => (outgoing.via === 'sdk' ? outgoing.call(sdk, base) : plain(endpoint, outgoing, base, accessToken))
      try {
        const data = await (accessToken === null ? run() : currentToken.run(accessToken, run))
        return data as Answer
      } catch (error) {
        if (error instanceof CodedError) throw error
        // The SDK's own errors hold the request with its body: only their code goes on.
        return { status: 0, headers: {}, body: undefined, bodyKind: 'empty', failure: failureCodeOf(error) }
      }
    },
    close() {
      agents.httpAgent.destroy()
      agents.httpsAgent.destroy()
    },
  }
}

function fill(template: string, values: Record<string, string>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''))
}
