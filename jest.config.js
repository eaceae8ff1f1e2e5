import { base } from './jest.base.config.js'

/** `npm test`: every unit, property, component and simulation test. The long suites have configurations of their own. */
export default {
  ...base,
  // The store of a worker is a process of its own: two workers keep two cores busy, where one leaves each waiting for the other.
  maxWorkers: '100%',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/e2e/', '<rootDir>/test/faults/', '<rootDir>/test/contract/', '<rootDir>/test/bench/'],
}
