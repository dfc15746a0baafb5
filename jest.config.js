const swc = {
  jsc: {
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    target: 'es2022',
    keepClassNames: true,
  },
  sourceMaps: 'inline',
  module: { type: 'commonjs' },
};

/** One file suffix says what a test needs: nothing, real servers, or the whole suite. */
const project = (displayName, testMatch, extra = {}) => ({
  displayName,
  testMatch,
  testPathIgnorePatterns: ['/node_modules/', '/dist/', ...(extra.ignore ?? [])],
  testEnvironment: '<rootDir>/jest.environment.js',
  testEnvironmentOptions: {
    customExportConditions: ['@downbeat/source', 'node', 'require', 'default'],
  },
  transform: { '^.+\\.[tj]s$': ['@swc/jest', swc] },
  // cel-js is published as ES modules only.
  transformIgnorePatterns: ['/node_modules/(?!@marcbachmann/cel-js/)'],
  modulePathIgnorePatterns: ['/dist/', '<rootDir>/.downbeat', '<rootDir>/.nx'],
  ...extra.config,
});

const servers = {
  globalSetup: '<rootDir>/jest.servers.setup.js',
  globalTeardown: '<rootDir>/jest.servers.teardown.js',
};
const BOUNDARIES = 'tools/boundaries\\.spec\\.ts$';

module.exports = {
  // More than three waits that end in vain: a test ends with its reason, not with a bare time-out.
  testTimeout: 120_000,
  projects: [
    project('unit', ['**/*.spec.ts'], {
      ignore: ['\\.int\\.spec\\.ts$', '\\.e2e\\.spec\\.ts$', BOUNDARIES],
    }),
    project('boundaries', ['<rootDir>/tools/boundaries.spec.ts']),
    project('integration', ['**/*.int.spec.ts'], { config: servers }),
    project('end-to-end', ['**/*.e2e.spec.ts'], { config: servers }),
  ],
};
