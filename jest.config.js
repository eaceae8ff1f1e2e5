import { base } from './jest.base.config.js'

/** `npm test`: every unit, property, component and simulation test. The long suites have configurations of their own. */
export default {
  ...base,
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/e2e/', '<rootDir>/test/faults/', '<rootDir>/test/contract/', '<rootDir>/test/bench/'],
}
