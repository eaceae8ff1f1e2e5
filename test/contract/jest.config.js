import { base } from '../../jest.base.config.js'

/** The official API files against every request of the app and every answer of the sandbox. */
export default { ...base, testMatch: ['<rootDir>/test/contract/**/*.test.ts'], testTimeout: 60_000, maxWorkers: 1 }
