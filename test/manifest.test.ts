import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { endpoints } from '../src/highlevel/index.ts'
import { actions, headerName, samplePayloadOf, triggers } from '../src/marketplace/index.ts'
import { webhookTypes } from '../webhooks/index.ts'
import { startProduct, type Product } from './support/product.ts'

interface Manifest {
  urls: Record<'redirect' | 'webhooks', string>
  scopes: { scope: string; why: string }[]
  webhookEvents: string[]
  customPages: { name: string; url: string; why: string }[]
  customJs: { source: string; why: string }
  marketplaceTriggers: { subscriptionUrl: string; dynamicFiltersUrl: string }[]
  marketplaceActions: { executionUrl: string; dynamicFieldsUrl: string | null }[]
}

const manifest = JSON.parse(readFileSync(new URL('../app-manifest.json', import.meta.url), 'utf8')) as Manifest

/** Scope that the app needs for an event to come at all; null where it comes with the installation. Source: the developer portal's scope page; users are inferred. */
const scopeOfEvent: Record<string, string | null> = {
  INSTALL: null, UNINSTALL: null, UPDATE: null, PLAN_CHANGE: null,
  LocationCreate: 'locations.readonly', LocationUpdate: 'locations.readonly',
  UserCreate: 'users.readonly', UserUpdate: 'users.readonly', UserDelete: 'users.readonly',
  ContactCreate: 'contacts.readonly', ContactUpdate: 'contacts.readonly', ContactDelete: 'contacts.readonly', ContactTagUpdate: 'contacts.readonly', ContactDndUpdate: 'contacts.readonly',
  OpportunityCreate: 'opportunities.readonly', OpportunityUpdate: 'opportunities.readonly', OpportunityDelete: 'opportunities.readonly',
  OpportunityStageUpdate: 'opportunities.readonly', OpportunityStatusUpdate: 'opportunities.readonly',
  InboundMessage: 'conversations/message.readonly', OutboundMessage: 'conversations/message.readonly', TaskComplete: 'contacts.readonly',
}

describe('the manifest of the marketplace app', () => {
  it('subscribes to the events of the catalog and to no others', () => {
    expect([...manifest.webhookEvents].sort()).toEqual([...webhookTypes].sort())
    expect(Object.keys(scopeOfEvent).sort()).toEqual([...webhookTypes].sort())
  })

  it('asks for the scopes that endpoints and events need and for no others', () => {
    const needed = new Set([...Object.values(endpoints).map(({ scope }) => scope), ...Object.values(scopeOfEvent)].filter((scope) => scope !== null))
    expect(manifest.scopes.map(({ scope }) => scope).sort()).toEqual([...needed].sort())
  })

  it('gives a reason for every scope, page and script, each once', () => {
    const asked = manifest.scopes.map(({ scope }) => scope)
    expect(new Set(asked).size).toBe(asked.length)
    for (const { why } of [...manifest.scopes, ...manifest.customPages, manifest.customJs]) expect(why.length).toBeGreaterThan(10)
  })

  it('describes every trigger of the catalog as the code knows it: key, words, filters, sample, variables', () => {
    expect(manifest.marketplaceTriggers).toEqual(
      triggers.map((trigger) => ({
        key: trigger.key, name: trigger.name, description: trigger.description,
        subscriptionUrl: '/webhooks/highlevel/triggers', dynamicFiltersUrl: `/webhooks/highlevel/triggers/${trigger.key}/filters`, headers: [headerName],
        filters: trigger.filters, sample: samplePayloadOf(trigger), customVariables: trigger.variables.map(({ key, title }) => ({ key, title })),
      })),
    )
    expect(triggers.map(({ key }) => key)).toEqual(['feedback_received', 'happiness_level_changed', 'health_status_changed'])
  })

  it('describes every action of the catalog as the code knows it', () => {
    expect(manifest.marketplaceActions).toEqual(
      actions.map((action) => ({
        key: action.key, name: action.name, description: action.description, executionUrl: `/webhooks/highlevel/actions/${action.key}`,
        dynamicFieldsUrl: action.fields.some((field) => field.dynamic === true) ? `/webhooks/highlevel/actions/${action.key}/fields` : null, headers: [headerName],
        fields: action.fields, branchFields: action.branchFields, response: action.response,
      })),
    )
    expect(actions.map(({ key }) => key)).toEqual(['ask_for_feedback', 'set_health_status', 'branch_by_level'])
  })
})

describe('every address of the manifest', () => {
  let product: Product
  beforeAll(async () => {
    product = await startProduct({ sandbox: { seed: { accounts: 1 } } })
  })
  afterAll(() => product.stop())

  const ask = (path: string, method = 'GET') => fetch(`${product.url}${path}`, { method, redirect: 'manual' })

  it('the redirect answers, and so does the start of an installation', async () => {
    expect(manifest.urls.redirect).toBe('/oauth/callback')
    expect((await ask(manifest.urls.redirect)).status).toBe(400)
    expect((await ask('/oauth/install')).status).toBe(302)
  })

  it('the webhook address takes signed events only', async () => {
    expect((await ask(manifest.urls.webhooks, 'POST')).status).toBe(401)
  })

  it('triggers and actions take calls with the secret header only', async () => {
    const paths = [
      ...manifest.marketplaceTriggers.flatMap((trigger) => [trigger.subscriptionUrl, trigger.dynamicFiltersUrl]),
      ...manifest.marketplaceActions.flatMap((action) => [action.executionUrl, ...(action.dynamicFieldsUrl === null ? [] : [action.dynamicFieldsUrl])]),
    ]
    for (const path of paths) expect([path, (await ask(path, 'POST')).status]).toEqual([path, 401])
  })

  it('pages and script are routes of the server', async () => {
    for (const path of [...manifest.customPages.map(({ url }) => url), manifest.customJs.source]) {
      const response = await ask(path)
      // Nothing is built in this test: the route says so itself, which no unknown address does.
      expect([path, (await response.json() as { error: { code: string } }).error.code]).toEqual([path, 'not_built'])
    }
  })
})
