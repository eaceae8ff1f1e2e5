import { beforeEach, describe, expect, it } from '@jest/globals'
import type { InboxEvent } from '../../src/inbox/index.ts'
import { PermanentError } from '../../src/kernel/errors.ts'
import type { Claimed } from '../../src/store/index.ts'
import { isLifecycle, laneOf, webhookCatalog, webhookTypes } from '../../webhooks/catalog.ts'
import type { WebhookFeatures } from '../../webhooks/define.ts'
import { createWebhookProcessor } from '../../webhooks/process.ts'
import { readFile } from 'node:fs/promises'

const at = new Date('2026-11-02T09:00:00Z')

describe('a stored event', () => {
  let called: [string, unknown][]
  let features: WebhookFeatures

  beforeEach(() => {
    called = []
    const note = (name: string) => async (...args: unknown[]) => void called.push([name, args.length === 1 ? args[0] : args])
    features = {
      installations: { handleInstall: note('install'), handleUninstall: note('uninstall'), handleUpdate: note('update'), handlePlanChange: note('plan'), companyOf: async (locationId) => (locationId === 'hq' ? 'company1' : null) },
      accounts: { applyLocationEvent: note('location'), applyUserEvent: note('user') },
      effects: {
        observeContact: async (...args) => { called.push(['contact', args]); return [] },
        observeOpportunity: async (...args) => { called.push(['opportunity', args]); return [] },
      },
      replies: { messageSeen: note('message'), taskCompleted: note('task') },
    }
  })

  const work = (type: string, payload: object, members: Partial<InboxEvent> = {}) => {
    const data: InboxEvent = { type, companyId: 'company1', locationId: 'hq', webhookId: 'w1', occurredAt: at, payload: JSON.stringify({ type, ...payload }), ...members }
    const claimed: Claimed<InboxEvent> = { key: 'w1', lane: 'l', companyId: data.companyId, data, attempt: 1, begunBefore: false, token: 't', createdAt: at }
    return createWebhookProcessor(features)(claimed)
  }

  it('of the installation reaches installations with its own time and id', async () => {
    const noLocation = { locationId: null }
    expect(await work('INSTALL', { companyName: 'Agency', whitelabelDetails: { domain: 'app.agency.example' } }, noLocation)).toBe('done')
    await work('UNINSTALL', {}, noLocation)
    await work('UPDATE', { versionId: 'v2' }, noLocation)
    await work('PLAN_CHANGE', { newPlanId: 'plan2' }, noLocation)
    expect(called).toMatchObject([
      ['install', { companyId: 'company1', locationId: null, companyName: 'Agency', whitelabelDomain: 'app.agency.example', at, eventId: 'w1' }],
      ['uninstall', { companyId: 'company1', locationId: null }],
      ['update', { versionId: 'v2' }],
      ['plan', { newPlanId: 'plan2' }],
    ])
  })

  it('of a sub-account or a user reaches accounts', async () => {
    await work('LocationCreate', { id: 'loc9', name: 'New' }, { locationId: null })
    await work('UserCreate', { id: 'u1', firstName: 'Ada', email: 'ada@example.com', role: 'admin' }, { locationId: 'loc9' })
    await work('UserUpdate', { id: 'u2', locations: ['loc1', 'loc2'] }, { locationId: null })
    await work('UserDelete', { id: 'u1' }, { locationId: 'loc9' })
    expect(called).toMatchObject([
      ['location', { kind: 'created', locationId: 'loc9', name: 'New', email: null }],
      ['user', { kind: 'created', userId: 'u1', agencyUser: false, locationIds: ['loc9'], completeList: false, role: 'admin', phone: null }],
      ['user', { kind: 'updated', agencyUser: true, locationIds: ['loc1', 'loc2'], completeList: true }],
      ['user', { kind: 'removed', userId: 'u1' }],
    ])
  })

  it('of a contact or card is observed, for the agency that its sub-account belongs to', async () => {
    const nobody = { companyId: null }
    await work('ContactTagUpdate', { id: 'c1', tags: ['vip'] }, nobody)
    await work('ContactDelete', { id: 'c1' })
    await work('OpportunityStageUpdate', { id: 'o1', contactId: 'c1', pipelineId: 'p1', pipelineStageId: 's1', status: 'open' })
    await work('OpportunityDelete', { id: 'o1' })
    expect(called).toMatchObject([
      ['contact', ['company1', { id: 'c1', tags: ['vip'], deleted: false, at }]],
      ['contact', ['company1', { id: 'c1', deleted: true }]],
      ['opportunity', ['company1', { id: 'o1', pipelineId: 'p1', stageId: 's1', deleted: false }]],
      ['opportunity', ['company1', { id: 'o1', deleted: true }]],
    ])
    expect((called[0]![1] as [string, object])[1]).not.toHaveProperty('customFields')
    expect(await work('OpportunityUpdate', { id: 'o1' })).toBe('ignored')
    expect(await work('ContactUpdate', { id: 'c1' }, { companyId: null, locationId: 'elsewhere' })).toBe('ignored')
  })

  it('of a message is taken by its direction, not by its name', async () => {
    await work('InboundMessage', { contactId: 'c1', messageId: 'm1', direction: 'outbound' })
    await work('OutboundMessage', { contactId: 'c1', messageId: 'm2' })
    await work('TaskComplete', { id: 't1', contactId: 'c1' })
    expect(called).toMatchObject([
      ['message', { direction: 'outbound', messageId: 'm1' }],
      ['message', { direction: 'outbound', messageId: 'm2' }],
      ['task', { taskId: 't1', contactId: 'c1' }],
    ])
  })

  it('that does not have its documented form is dead at once, and says which members', async () => {
    await expect(work('ContactUpdate', { id: 5, tags: 'vip' })).rejects.toThrow(PermanentError)
    await expect(work('ContactUpdate', { id: 5, tags: 'vip' })).rejects.toThrow(/id: invalid_type; tags: invalid_type/)
    expect(called).toEqual([])
  })
})

describe('the catalog', () => {
  it('is the list of events in the app\'s manifest', async () => {
    const manifest = JSON.parse(await readFile(new URL('../../app-manifest.json', import.meta.url), 'utf8')) as { webhookEvents: string[] }
    expect([...webhookTypes].sort()).toEqual([...manifest.webhookEvents].sort())
  })

  it('names each event by its own type', () => {
    for (const [name, event] of Object.entries(webhookCatalog)) expect(event.type).toBe(name)
    expect(webhookTypes.filter(isLifecycle)).toEqual(['INSTALL', 'UNINSTALL', 'UPDATE', 'PLAN_CHANGE'])
  })

  it('puts all events of one entity into one lane, and never two sub-accounts\' into the same', () => {
    const lane = (type: string, locationId: string, id: unknown): string => laneOf({ type, companyId: 'company1', locationId, id, contactId: 'c1' })
    expect(lane('ContactUpdate', 'hq', 'c1')).toBe(lane('ContactTagUpdate', 'hq', 'c1'))
    expect(lane('ContactUpdate', 'hq', 'c1')).not.toBe(lane('ContactUpdate', 'loc1', 'c1'))
    expect(lane('ContactUpdate', 'hq', 'c1')).not.toBe(lane('OpportunityUpdate', 'hq', 'c1'))
    expect(lane('InboundMessage', 'hq', 'm1')).toBe(lane('OutboundMessage', 'hq', 'm2'))
    expect(lane('ContactUpdate', 'hq', 'x'.repeat(100_000)).length).toBeLessThanOrEqual(150)
    expect(lane('ContactUpdate', 'hq', { $ne: null })).toBe('contact:hq:')
  })
})
