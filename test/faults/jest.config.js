import { base } from '../../jest.base.config.js'

/** kill -9, duplicates, reordering, a broken CRM, a store that is away: what was injected, lost, doubled. */
export default {
  ...base,
  testMatch: ['<rootDir>/test/faults/**/*.test.ts'],
  testTimeout: 300_000,
  maxWorkers: 1,
  globalSetup: '<rootDir>/test/faults/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/faults/support/global-teardown.ts',
}
