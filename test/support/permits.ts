import type { HttpServerOptions } from '../../src/http/server.ts'

/** For servers of a single feature, whose tests are not about roles. */
export const everythingPermitted: HttpServerOptions['permits'] = { check: async () => undefined, refusals: async () => new Map() }
