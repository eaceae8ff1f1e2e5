import { tmpdir } from 'node:os'
import express, { type Express } from 'express'
import { caseRoutes } from '../../src/cases/index.ts'
import { feedbackRoutes } from '../../src/feedback/index.ts'
import { createHttpServer, createStreams } from '../../src/http/index.ts'
import { createLogger } from '../../src/kernel/logger.ts'
import type { Session } from '../../src/kernel/route.ts'
import { scoreRoutes } from '../../src/scores/index.ts'
import { companyId, csm, customer, type Rig } from './rig.ts'
import { everythingPermitted } from '../support/permits.ts'

/** The rig's routes behind the product's real server; sessions by token. */
export function webOf(rig: Rig): Express {
  const sessions: Record<string, Session> = {
    'u.a.s': customer('a'),
    'u.b.s': customer('b'),
    'u.csm.s': csm,
    'u.other.s': { ...customer('a'), companyId: 'agency2' },
    'u.otheragency.s': { ...csm, companyId: 'agency2' },
  }
  const accounts = {
    get: async (company: string, location: string) => (company === companyId ? (rig.world.accounts.get(location) ?? null) : null),
  }
  return createHttpServer({
    routes: [...feedbackRoutes(rig.feedback), ...caseRoutes(rig.cases), ...scoreRoutes(rig.scores, accounts)],
    webhooks: express.Router(),
    readSession: async (token) => sessions[token] ?? null,
    permits: everythingPermitted,
    streams: createStreams({ verify: (token) => sessions[token] ?? null, readSession: async (token) => sessions[token] ?? null }),
    pages: { publicDir: tmpdir(), publicUrl: 'https://app.example.com', appId: 'app', frameAncestors: async () => [] },
    readiness: [],
    gauges: [],
    metricsToken: undefined,
    version: '0',
    logger: createLogger('silent'),
  })
}
