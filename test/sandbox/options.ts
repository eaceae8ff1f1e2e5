import { systemClock, type Clock } from '../../src/kernel/clock.ts'
import { derivedHeaderSecret } from '../../src/marketplace/index.ts'
import type { SeedOptions } from './state/seed.ts'

/** Scopes of the app's listing unless a test narrows them. */
export const allScopes = [
  'contacts.readonly', 'contacts.write', 'opportunities.readonly', 'opportunities.write', 'pipelines.create', 'locations.readonly',
  'locations/customFields.readonly', 'locations/customFields.write', 'locations/tags.readonly', 'locations/tags.write',
  'locations/customValues.readonly', 'locations/tasks.readonly', 'users.readonly', 'conversations.readonly', 'conversations/message.readonly',
  'conversations/message.write', 'workflows.readonly', 'oauth.readonly', 'oauth.write', 'companies.readonly', 'saas/location.read',
  'saas/company.read', 'custom-menu-link.readonly', 'custom-menu-link.write', 'marketplace-installer-details.readonly',
]

export interface AppOptions {
  clientId?: string
  clientSecret?: string
  sharedSecret?: string
  /** Value of the static header that was set in the developer portal. Default: the one that is derived from the shared secret. */
  headerSecret?: string
  /** Where the product runs, without a trailing slash: webhooks, redirect, pages and widget default to paths below it. */
  appUrl?: string
  webhookUrl?: string
  redirectUri?: string
  scopes?: string[]
}

export interface WebhookOptions {
  /** False: events are logged and held; only `flushWebhooks` and `deliver` send them. Default true. */
  enabled?: boolean
  /** Wait before the first retry; doubles every time. Default 1,000. */
  retryDelayMs?: number
  /** Longest wait between retries. Default 10 minutes. */
  maxRetryDelayMs?: number
  /** Retries after the first attempt. Default 12, as the platform does. */
  maxRetries?: number
  /** Share of deliveries that are sent twice (same webhookId), 0–1. Default 0. */
  duplicateRate?: number
  /** Share of deliveries that are lost for ever, 0–1. Default 0. */
  dropRate?: number
  /** Wait before the first attempt. Default 0. */
  delayMs?: number
  /** Random additional wait up to this, which reorders events. Default 0. */
  shuffleMs?: number
  /** How long the receiver may take. Default 10,000. */
  timeoutMs?: number
  /** Deliveries under way at once. Default 16. */
  concurrency?: number
  /** Seed of all random choices here. Default 1. */
  seed?: number
}

/** Details of the events that differ between what is documented and what is seen. */
export interface WebhookFormat {
  /** Adds the sub-account's companyId to its events. Default false: live bodies name only the location. */
  companyIdOnLocationEvents?: boolean
  /** The documented TaskCreate with contactId and body. Default false: the live one lacks both. */
  taskCreateWithContact?: boolean
  /** INSTALL of a future location names company and user. Default false: it may lack both. */
  futureInstallWithCompany?: boolean
}

export interface SandboxOptions {
  /** 0 (default): any free port. */
  port?: number
  host?: string
  clock?: Clock
  seed?: SeedOptions
  app?: AppOptions
  limits?: { burstMax?: number; burstWindowMs?: number; dailyMax?: number }
  /** How long searches lag behind writes. Default 0; the platform lags 1–5 s. */
  searchLagMs?: number
  /** Added to every API answer. Default 0. */
  latencyMs?: number
  /** Life of access tokens. Default 86,399 s. */
  tokenLifeSeconds?: number
  webhooks?: WebhookOptions
  webhookFormat?: WebhookFormat
  /** False: creating pipelines answers "not authorized for this scope". Default true. */
  pipelinesV3?: boolean
  /** Whether locations allow two cards of one contact in one pipeline. Default true. */
  allowDuplicateOpportunity?: boolean
  /** Whether locations allow two contacts with one e-mail. Default false. */
  allowDuplicateContact?: boolean
  /** False: `options` of a new custom field are ignored. Default true. */
  fieldOptionsHonoured?: boolean
  /** What a write of an option that a single-option field does not have does. Default 'drop' (silently). */
  unknownOption?: 'drop' | 'store'
  /** What a write to a custom field that does not exist does. Default 'reject' (400). */
  unknownField?: 'reject' | 'drop'
  /** Status for a contact that does not exist. Default 400, as commonly reported. */
  missingContactStatus?: 400 | 404
  /** False: lists of messages name an e-mail's id instead of giving its body, as seen on the platform for long threads. Default true. */
  emailBodiesInLists?: boolean
  /** Keep everything in this file: written on change, read at start. */
  stateFile?: string
  /** Calls kept in the ledger. Default 200,000. */
  ledgerSize?: number
}

export interface AppSettings {
  clientId: string
  clientSecret: string
  appId: string
  versionId: string
  sharedSecret: string
  headerSecret: string
  appUrl: string | undefined
  webhookUrl: string | undefined
  redirectUri: string | undefined
  scopes: string[]
}

/** Options with every default filled in; tests may change the members while the sandbox runs. */
export interface Settings {
  clock: Clock
  app: AppSettings
  limits: { burstMax: number; burstWindowMs: number; dailyMax: number }
  searchLagMs: number
  latencyMs: number
  tokenLifeSeconds: number
  webhooks: Required<WebhookOptions>
  webhookFormat: Required<WebhookFormat>
  pipelinesV3: boolean
  allowDuplicateOpportunity: boolean
  allowDuplicateContact: boolean
  fieldOptionsHonoured: boolean
  unknownOption: 'drop' | 'store'
  unknownField: 'reject' | 'drop'
  missingContactStatus: 400 | 404
  emailBodiesInLists: boolean
}

/** Fills in the defaults. `generated` gives the app's identity where the options do not. */
export function settingsOf(options: SandboxOptions, generated: Pick<AppSettings, 'clientId' | 'clientSecret' | 'sharedSecret' | 'versionId'>): Settings {
  const app = options.app ?? {}
  const clientId = app.clientId ?? generated.clientId
  const sharedSecret = app.sharedSecret ?? generated.sharedSecret
  const appUrl = app.appUrl?.replace(/\/+$/, '')
  return {
    clock: options.clock ?? systemClock,
    app: {
      clientId,
      clientSecret: app.clientSecret ?? generated.clientSecret,
      appId: clientId.split('-')[0] ?? clientId,
      versionId: generated.versionId,
      sharedSecret,
      headerSecret: app.headerSecret ?? derivedHeaderSecret(sharedSecret),
      appUrl,
      webhookUrl: app.webhookUrl ?? (appUrl === undefined ? undefined : `${appUrl}/webhooks/highlevel`),
      redirectUri: app.redirectUri ?? (appUrl === undefined ? undefined : `${appUrl}/oauth/callback`),
      scopes: app.scopes ?? allScopes,
    },
    limits: { burstMax: 100, burstWindowMs: 10_000, dailyMax: 200_000, ...options.limits },
    searchLagMs: options.searchLagMs ?? 0,
    latencyMs: options.latencyMs ?? 0,
    tokenLifeSeconds: options.tokenLifeSeconds ?? 86_399,
    webhooks: {
      enabled: true, retryDelayMs: 1_000, maxRetryDelayMs: 600_000, maxRetries: 12, duplicateRate: 0, dropRate: 0, delayMs: 0, shuffleMs: 0,
      timeoutMs: 10_000, concurrency: 16, seed: 1, ...options.webhooks,
    },
    webhookFormat: { companyIdOnLocationEvents: false, taskCreateWithContact: false, futureInstallWithCompany: false, ...options.webhookFormat },
    pipelinesV3: options.pipelinesV3 ?? true,
    allowDuplicateOpportunity: options.allowDuplicateOpportunity ?? true,
    allowDuplicateContact: options.allowDuplicateContact ?? false,
    fieldOptionsHonoured: options.fieldOptionsHonoured ?? true,
    unknownOption: options.unknownOption ?? 'drop',
    unknownField: options.unknownField ?? 'reject',
    missingContactStatus: options.missingContactStatus ?? 400,
    emailBodiesInLists: options.emailBodiesInLists ?? true,
  }
}
