/** Shared by every suite: ESM through Node's own loader, TypeScript through swc, one store process per run. */
export const base = {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  // nock looks at a global after its file has ended; the clean-up's warning about that is noise.
  testEnvironmentOptions: { globalsCleanup: 'off' },
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'es6' } }],
  },
  // Generous: machines are shared, and no test is about how long it takes.
  testTimeout: 60_000,
  // Agenda leaves a timer behind for every job it ran; they would hold a finished run for a minute.
  forceExit: true,
  // A file whose work lives on after its end (what crashed on purpose is never stopped) must not weigh on the next ones: a worker that has grown is replaced.
  workerIdleMemoryLimit: '500MB',
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  setupFilesAfterEnv: ['<rootDir>/test/support/no-outside-network.ts'],
}
