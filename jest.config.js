const local = (path) => new URL(path, import.meta.url).pathname;

/** Jest in ESM mode; the one transform strips types and changes nothing else, so the source runs as written. */
export default {
  rootDir: local('.'),
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': local('test/support/strip-types.js') },
  globalSetup: local('test/support/global-setup.ts'),
  globalTeardown: local('test/support/global-teardown.ts'),
  setupFiles: [local('test/support/deny-network.ts')],
  testSequencer: local('test/support/longest-first.js'),
  // On two cores: a third file runs where two wait, for a process that starts or a connection that comes back.
  maxWorkers: 3,
  testTimeout: 30_000,
};
