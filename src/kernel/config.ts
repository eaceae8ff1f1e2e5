import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { CodedError } from './errors.ts'

/** HighLevel's published webhook key (Ed25519, SPKI). Source: the official Webhook Integration Guide. */
const publishedWebhookKey = 'MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg='

const optional = z.string().trim().min(1).optional()
const url = z.url({ protocol: /^https?$/, error: 'must be an http(s) URL, for example https://app.example.com' })

const environment = z.object({
  NODE_ENV: optional,
  PORT: z.coerce.number({ error: 'must be a port number from 0 to 65535' }).int().min(0).max(65_535).default(3_000),
  HOST: z.string().trim().min(1).default('0.0.0.0'),
  PUBLIC_URL: url.optional(),
  MONGODB_URI: z.string().regex(/^mongodb(\+srv)?:\/\//, 'must start with mongodb:// or mongodb+srv://').optional(),
  MONGODB_BINARY: optional,
  DATA_DIR: z.string().trim().min(1).default('.data'),
  HIGHLEVEL_CLIENT_ID: optional,
  HIGHLEVEL_CLIENT_SECRET: optional,
  HIGHLEVEL_APP_ID: optional,
  HIGHLEVEL_SHARED_SECRET: optional,
  HIGHLEVEL_WEBHOOK_PUBLIC_KEYS: z.string().trim().min(1).default(publishedWebhookKey),
  HIGHLEVEL_API_URL: url.default('https://services.leadconnectorhq.com'),
  HIGHLEVEL_INSTALL_URL: url.optional(),
  HIGHLEVEL_ACTION_SECRET: optional,
  APP_SECRET: z.string().optional(),
  APP_SECRET_PREVIOUS: z.string().optional(),
  SMTP_URL: z.string().regex(/^smtps?:\/\//, 'must start with smtp:// or smtps://').optional(),
  MAIL_FROM: optional,
  ROLES: z.string().default('web,worker'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  METRICS_TOKEN: optional,
})

export type Role = 'web' | 'worker'

/** HighLevel marketplace credentials and addresses. */
export interface HighLevelConfig {
  clientId: string
  clientSecret: string
  appId: string
  /** Decrypts user contexts; the first is current, a second is accepted during rotation (comma-separated in the environment). */
  sharedSecrets: string[]
  webhookPublicKeys: string[]
  apiUrl: string
  installUrl: string | undefined
  /** Values of the static header that marketplace triggers and actions send us, the current one first; empty → derived from the shared secrets. */
  actionSecrets: string[]
}

export interface Config {
  production: boolean
  port: number
  host: string
  /** Where people and HighLevel reach us, without a trailing slash. */
  publicUrl: string
  mongodbUri: string | undefined
  mongodbBinary: string | undefined
  dataDir: string
  /** undefined → no credentials were given: run against the sandbox. */
  highlevel: HighLevelConfig | undefined
  appSecret: string
  appSecretPrevious: string | undefined
  smtpUrl: string | undefined
  mailFrom: string | undefined
  roles: ReadonlySet<Role>
  logLevel: string
  metricsToken: string | undefined
}

/**
 * Reads the whole configuration once. All faults are reported together, each with its fix.
 * @param generatedSecret used when `APP_SECRET` is missing outside production (kept in the data folder by the caller)
 * @throws CodedError `config_invalid`
 */
export function readConfig(env: Record<string, string | undefined>, generatedSecret?: string): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''))
  const parsed = environment.safeParse(given)
  if (!parsed.success) throw invalid(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`))
  const values = parsed.data
  const production = values.NODE_ENV === 'production'
  const faults: string[] = []

  const credentials = ['HIGHLEVEL_CLIENT_ID', 'HIGHLEVEL_CLIENT_SECRET', 'HIGHLEVEL_SHARED_SECRET'] as const
  const missing = credentials.filter((name) => values[name] === undefined)
  const wantsSandbox = missing.length === credentials.length && !production
  if (!wantsSandbox) for (const name of missing) faults.push(`${name}: is missing; copy it from the marketplace app's settings`)
  if (production) {
    if (values.APP_SECRET === undefined) faults.push('APP_SECRET: is missing; set 32 or more random bytes, for example from: openssl rand -base64 48')
    if (values.MONGODB_URI === undefined && values.MONGODB_BINARY === undefined) faults.push('MONGODB_URI: is missing; production needs a MongoDB (the embedded store is for trying out)')
    if (values.PUBLIC_URL === undefined) faults.push('PUBLIC_URL: is missing; set the https address under which people and HighLevel reach this server')
  }
  for (const name of ['APP_SECRET', 'APP_SECRET_PREVIOUS'] as const) {
    const secret = values[name]
    if (secret !== undefined && Buffer.byteLength(secret) < 32) faults.push(`${name}: must be at least 32 bytes long`)
  }
  for (const secret of splitList(values.HIGHLEVEL_ACTION_SECRET ?? '')) {
    if (Buffer.byteLength(secret) < 16) faults.push('HIGHLEVEL_ACTION_SECRET: must be at least 16 bytes long; leave it out to derive the header from HIGHLEVEL_SHARED_SECRET')
  }
  const roles = new Set<Role>()
  for (const role of values.ROLES.split(',').map((name) => name.trim()).filter((name) => name !== '')) {
    if (role === 'web' || role === 'worker') roles.add(role)
    else faults.push(`ROLES: "${role}" is not a role; use web, worker or both separated by a comma`)
  }
  if (roles.size === 0) faults.push('ROLES: is empty; use web, worker or both separated by a comma')
  if (values.SMTP_URL !== undefined && values.MAIL_FROM === undefined) faults.push('MAIL_FROM: is missing; with SMTP_URL set, mails need a sender address')
  if (faults.length > 0) throw invalid(faults)

  const { HIGHLEVEL_CLIENT_ID: clientId, HIGHLEVEL_CLIENT_SECRET: clientSecret, HIGHLEVEL_SHARED_SECRET: sharedSecret } = values
  const highlevel =
    clientId === undefined || clientSecret === undefined || sharedSecret === undefined
      ? undefined
      : {
          clientId,
          clientSecret,
          appId: values.HIGHLEVEL_APP_ID ?? clientId.split('-')[0] ?? clientId,
          sharedSecrets: splitList(sharedSecret),
          webhookPublicKeys: splitList(values.HIGHLEVEL_WEBHOOK_PUBLIC_KEYS),
          apiUrl: trimSlash(values.HIGHLEVEL_API_URL),
          installUrl: values.HIGHLEVEL_INSTALL_URL,
          actionSecrets: splitList(values.HIGHLEVEL_ACTION_SECRET ?? ''),
        }
  return {
    production,
    port: values.PORT,
    host: values.HOST,
    publicUrl: trimSlash(values.PUBLIC_URL ?? `http://localhost:${values.PORT}`),
    mongodbUri: values.MONGODB_URI,
    mongodbBinary: values.MONGODB_BINARY,
    dataDir: values.DATA_DIR,
    highlevel,
    appSecret: values.APP_SECRET ?? generatedSecret ?? randomBytes(36).toString('base64'),
    appSecretPrevious: values.APP_SECRET_PREVIOUS,
    smtpUrl: values.SMTP_URL,
    mailFrom: values.MAIL_FROM,
    roles,
    logLevel: values.LOG_LEVEL,
    metricsToken: values.METRICS_TOKEN,
  }
}

function splitList(text: string): string[] {
  return text.split(',').map((part) => part.trim()).filter((part) => part !== '')
}

function trimSlash(text: string): string {
  return text.replace(/\/+$/, '')
}

function invalid(faults: string[]): CodedError {
  return new CodedError('config_invalid', `The configuration has ${faults.length} fault${faults.length === 1 ? '' : 's'}:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`)
}
