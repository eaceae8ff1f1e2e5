import { base } from '../../jest.base.config.js'

/** A real browser in the stand-in interface. */
export default { ...base, globalSetup: '<rootDir>/test/e2e/global-setup.ts', testMatch: ['<rootDir>/test/e2e/**/*.test.ts'], testTimeout: 120_000, maxWorkers: 1 }
