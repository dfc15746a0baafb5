const { existsSync, readdirSync, readFileSync } = require('node:fs');
const { join, posix } = require('node:path');

/**
 * Who may import whom (docs/adr/0007-boundaries.md). `tools/boundaries.spec.ts` plants a violation
 * for each rule, under the rule's name: a rule without one fails there.
 */

/** What an app has in its folder `testing` serves its tests; a library's is for others too. */
const TESTS = '(\\.spec\\.ts$|^apps/[^/]+/src/testing/)';
const TEST_CODE = [
  TESTS,
  '/testing/',
  '^libs/kernel/test-bench/',
  '^libs/saga/simulator/',
  '^bench/',
  '^tests/',
];
/** A folder of libs/ that is none of these is a context. */
const CONTEXT =
  '^libs/(?!kernel/|contracts/|sdk/|nestjs/|resilience/|discovery/|breakers/)([^/]+)/';
const PACKAGES = '^(apps|bench|examples|libs|tests|tools)/';

/** Which contexts an app runs. */
const MOUNTS = {
  registry: ['registry'],
  health: ['health', 'observability'],
  saga: ['saga'],
  orchestrator: ['messaging', 'audit'],
};

const forbidden = [
  {
    name: 'domain-is-pure',
    comment:
      'A domain decides without doing: it sees the kernel of event sourcing, the contracts and its own files; nothing that does I/O, no Node, no framework.',
    from: { path: '^libs/([^/]+)/domain/', pathNot: [TESTS] },
    to: {
      pathNot: [
        '^libs/$1/domain/',
        '^libs/kernel/eventsourcing/src/(?!testing/)',
        '^libs/contracts/',
        // A pure library: CEL expressions of workflow definitions. Other domains: next rule.
        'node_modules/@marcbachmann/cel-js/',
        // The moments of cron expressions; used without its timers.
        'node_modules/croner/',
        // Versions and ranges of them.
        'node_modules/semver/',
      ],
    },
  },
  {
    name: 'expressions-belong-to-the-saga',
    comment: 'CEL is the language of workflow definitions, and of nothing else.',
    from: { path: '^(apps|libs|examples)/', pathNot: ['^libs/saga/domain/'] },
    to: { path: 'node_modules/@marcbachmann/cel-js/' },
  },
  {
    name: 'domain-tests-need-no-servers',
    comment: 'Rules are tested as they are written: without I/O.',
    from: { path: '^libs/([^/]+)/domain/.*\\.spec\\.ts$' },
    to: {
      pathNot: [
        '^libs/$1/domain/',
        '^libs/kernel/eventsourcing/',
        '^libs/contracts/',
        'node_modules/(fast-check|jest|@types/jest|@jest)/',
        'node_modules/@marcbachmann/cel-js/',
      ],
    },
  },
  {
    name: 'contexts-are-apart',
    comment:
      'A context knows of another only what the contracts say. Exception: replaying a decision needs its decider, so audit/service may import domains.',
    from: { path: CONTEXT, pathNot: ['^libs/audit/service/'] },
    to: { path: CONTEXT, pathNot: ['^libs/$1/'] },
  },
  {
    name: 'audit-imports-domains-only',
    comment: 'Replay needs deciders, not how another context runs them.',
    from: { path: '^libs/audit/service/' },
    to: { path: CONTEXT, pathNot: ['^libs/audit/', '^libs/[^/]+/domain/'] },
  },
  {
    name: 'domain-does-not-know-its-service',
    comment: 'Pure and impure meet in one direction.',
    from: { path: '^libs/([^/]+)/domain/' },
    to: { path: '^libs/[^/]+/service/' },
  },
  {
    name: 'contracts-stand-alone',
    comment:
      'The language of the suite needs words (zod), versions (semver) and the types of messages, nothing else.',
    from: { path: '^libs/contracts/', pathNot: [TESTS] },
    to: {
      pathNot: [
        '^libs/contracts/',
        '^libs/kernel/eventsourcing/src/(?!testing/)',
        'node_modules/zod/',
        'node_modules/semver/',
      ],
    },
  },
  {
    name: 'eventsourcing-stands-alone',
    comment: 'The pure kernel is plain TypeScript.',
    from: { path: '^libs/kernel/eventsourcing/', pathNot: [TESTS, '/testing/'] },
    to: { pathNot: ['^libs/kernel/eventsourcing/src/(?!testing/)'] },
  },
  {
    name: 'resilience-is-pure',
    comment:
      'It is mounted in the saga, the gateway and services alike, and brings nothing with it but the map of its cache, which is bounded and used without its clock.',
    from: { path: '^libs/resilience/', pathNot: [TESTS, '/testing/'] },
    to: { pathNot: ['^libs/resilience/', 'node_modules/lru-cache/'] },
  },
  {
    name: 'resilience-cores-know-no-edge',
    comment:
      'What decides is tested with a clock that is a number: the timer and the signal wrap it.',
    from: {
      path: '^libs/resilience/src/(breaker|retry|deadline|balancing|bulkhead|caching|concurrency|hedging)/',
      pathNot: [TESTS],
    },
    to: { path: '^libs/resilience/src/edge/' },
  },
  {
    name: 'discovery-brings-little',
    comment:
      'It runs in every process that calls services: what it asks and hears comes through a port.',
    from: { path: '^libs/discovery/', pathNot: [TESTS] },
    to: { pathNot: ['^libs/discovery/', '^libs/contracts/', 'node_modules/semver/'] },
  },
  {
    name: 'breakers-bring-little',
    comment:
      'It runs in every process that calls services: what it tells and asks goes through ports.',
    from: { path: '^libs/breakers/', pathNot: [TESTS] },
    to: { pathNot: ['^libs/(breakers|contracts|resilience)/', '^libs/kernel/eventsourcing/'] },
  },
  {
    name: 'kernel-knows-no-context',
    comment: 'Mechanism is for every context alike.',
    from: { path: '^libs/kernel/' },
    to: { path: [CONTEXT, '^libs/sdk/', '^(apps|examples|tools)/'] },
  },
  {
    name: 'kernel-does-not-speak-the-language',
    comment:
      'What contexts say to one another is no business of stores and buses; only the host and the bench parse it.',
    from: { path: '^libs/kernel/', pathNot: ['^libs/kernel/(service-host|test-bench)/'] },
    to: { path: '^libs/contracts/' },
  },
  ...Object.entries(MOUNTS).map(([app, contexts]) => ({
    name: 'app-mounts-its-contexts',
    comment: 'An app is a deployment decision: the host, the services of its contexts, no logic.',
    from: { path: `^apps/${app}/`, pathNot: [TESTS] },
    to: {
      path: PACKAGES,
      pathNot: [
        `^apps/${app}/`,
        '^libs/kernel/service-host/',
        `^libs/(${contexts.join('|')})/service/`,
      ],
    },
  })),
  {
    name: 'apps-are-apart',
    comment: 'Processes speak over the bus.',
    from: { path: '^apps/([^/]+)/' },
    to: { path: '^apps/', pathNot: ['^apps/$1/'] },
  },
  {
    name: 'gateway-is-an-edge',
    comment: 'The gateway translates: it sees contracts, bus and host, and no context.',
    from: { path: '^apps/gateway/', pathNot: TEST_CODE },
    to: {
      path: PACKAGES,
      pathNot: [
        '^apps/gateway/',
        '^libs/contracts/',
        '^libs/kernel/(service-host|message-bus|eventsourcing)/',
      ],
    },
  },
  {
    name: 'gateway-has-no-database',
    comment: 'The process that the world can reach holds no database credentials.',
    from: { path: '^apps/gateway/' },
    to: {
      path: [
        '^libs/kernel/(event-store|projections|publishing|dead-letters)/',
        'node_modules/(pg|typeorm|@nestjs/typeorm)/',
      ],
    },
  },
  {
    name: 'clients-talk-to-the-gateway-alone',
    comment: 'Dashboard and command line see contracts, like any other client.',
    from: { path: '^apps/(dashboard|cli)/', pathNot: [TESTS] },
    to: { path: PACKAGES, pathNot: ['^apps/(dashboard|cli)/', '^libs/contracts/'] },
  },
  {
    name: 'sdk-is-small',
    comment:
      "A user's own service loads it: contracts, what finds and protects calls, and no server-side library.",
    from: { path: '^libs/sdk/', pathNot: [TESTS, '^libs/sdk/src/testing/'] },
    to: {
      path: [PACKAGES, 'node_modules/(@nestjs/[^/]+|pg|typeorm)/'],
      pathNot: [
        '^libs/(sdk|contracts|discovery|resilience|breakers)/',
        '^libs/kernel/nats-dial/',
        '^libs/kernel/eventsourcing/src/(?!testing/)',
      ],
    },
  },
  {
    name: 'nestjs-wraps-the-sdk',
    comment: "The Nest module is the SDK for users' own applications: it has what a user has.",
    from: { path: '^libs/nestjs/', pathNot: [TESTS] },
    to: { path: PACKAGES, pathNot: ['^libs/(nestjs|sdk)/'] },
  },
  {
    name: 'test-kit-plays-the-rules',
    comment:
      "A user's tests play a definition by the saga's own rules, which are pure; no server, no service.",
    from: { path: '^libs/sdk/src/testing/', pathNot: [TESTS] },
    to: {
      path: [PACKAGES, 'node_modules/'],
      pathNot: [
        '^libs/sdk/src/testing/',
        '^libs/contracts/',
        '^libs/kernel/eventsourcing/src/(?!testing/)',
        '^libs/saga/domain/src/(?!testing/)',
      ],
    },
  },
  {
    name: 'examples-see-the-sdk',
    comment: "An example is a user's service: it has what a user has.",
    from: { path: '^examples/', pathNot: [TESTS] },
    to: { path: PACKAGES, pathNot: ['^examples/', '^libs/sdk/'] },
  },
  {
    name: 'nobody-needs-the-examples',
    comment: 'The suite works without its demo.',
    from: { path: '^(apps|libs|tools)/' },
    to: { path: '^examples/' },
  },
  {
    name: 'bus-hides-nats',
    comment:
      'The NATS client stands behind the bus and how it dials, so that its successor changes two packages; the SDK has one file of its own for it. Tests may play an outside client.',
    from: {
      pathNot: ['^libs/kernel/(message-bus|nats-dial)/', '^libs/sdk/src/nats/', ...TEST_CODE],
    },
    to: { path: 'node_modules/(nats|@nats-io/[^/]+)/' },
  },
  {
    name: 'stores-hide-postgres',
    comment:
      'SQL has homes: the log, the read models, what is published, dead letters, the host that opens their pools, and the launcher that asks whether the server answers.',
    from: {
      pathNot: [
        '^libs/kernel/(event-store|projections|publishing|dead-letters|service-host|local-servers)/',
        ...TEST_CODE,
      ],
    },
    to: { path: 'node_modules/pg/' },
  },
  {
    name: 'typeorm-is-for-read-models',
    comment: 'TypeORM reads read models and runs migrations; it holds no truth.',
    from: {
      pathNot: [
        '^libs/kernel/(event-store|projections|publishing|dead-letters|service-host)/',
        '^libs/[^/]+/service/',
        ...TEST_CODE,
      ],
    },
    to: { path: 'node_modules/(typeorm|@nestjs/typeorm)/' },
  },
  {
    name: 'own-egress-only',
    comment: 'http-proxy smuggled requests in a test: proxying is own code on undici.',
    from: {},
    to: { path: 'node_modules/(http-proxy|http-proxy-middleware|request|axios)/' },
  },
  {
    name: 'product-without-tests',
    comment: 'What ships imports no test file and no test double.',
    from: { path: '^(apps|libs|examples|tools)/', pathNot: TEST_CODE },
    to: {
      path: [TESTS, '/testing/', '^libs/kernel/test-bench/', '^libs/saga/simulator/'],
      pathNot: ['node_modules/'],
    },
  },
  {
    name: 'product-without-development-tools',
    comment: 'npm ci --omit=dev must leave a suite that runs; types are gone by then.',
    from: { path: '^(apps|libs|examples)/', pathNot: TEST_CODE },
    to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'dependency-is-declared',
    comment: 'What is imported stands in a package.json and can be found.',
    from: { path: PACKAGES },
    to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-bundled', 'unknown'] },
  },
  {
    name: 'import-can-be-resolved',
    comment: 'What cannot be resolved is not checked by any other rule.',
    from: { path: PACKAGES },
    to: { couldNotResolve: true },
  },
  {
    name: 'no-cycles',
    comment: 'Two files that need each other are one file, or three.',
    from: { path: PACKAGES },
    to: { circular: true },
  },
  // A name that says nothing collects what had no home. With imports, imported, or neither.
  ...[
    {
      from: { path: '/(utils?|common|shared|core|helpers?)(/|\\.ts$)', pathNot: ['node_modules/'] },
      to: {},
    },
    {
      from: {},
      to: {
        path: '/(utils?|common|shared|core|helpers?)(/|\\.ts$)',
        pathNot: ['node_modules/'],
      },
    },
    { from: { orphan: true, path: '/(utils?|common|shared|core|helpers?)(/|\\.ts$)' }, to: {} },
  ].map((rule) => ({
    name: 'names-say-something',
    comment: 'Code used by two contexts is language, a named mechanism, or a coincidence.',
    ...rule,
  })),
  ...workspacePackages().flatMap(({ folder, dependencies, testDependencies }) => [
    {
      name: 'one-door-per-package',
      comment: 'Across packages by name, through the package.json that says what is public.',
      from: { path: `^${folder}/` },
      to: { path: PACKAGES, pathNot: [`^${folder}/`], dependencyTypesNot: ['aliased'] },
    },
    {
      name: 'neighbour-is-declared',
      comment: 'Who depends on whom stands in package.json, where builds and people look.',
      from: { path: `^${folder}/`, pathNot: [TESTS] },
      to: { path: PACKAGES, pathNot: [folder, ...dependencies].map((own) => `^${own}/`) },
    },
    {
      name: 'neighbour-is-declared',
      comment: 'The same for tests, which may use what is declared for development.',
      from: { path: TESTS, pathNot: [`^(?!${folder}/)`] },
      to: {
        path: PACKAGES,
        pathNot: [folder, ...dependencies, ...testDependencies].map((own) => `^${own}/`),
      },
    },
  ]),
];

/** Every package of the workspace, and the folders of those it declares. */
function workspacePackages() {
  const { workspaces } = JSON.parse(readFileSync(join(__dirname, 'package.json'), 'utf8'));
  const packages = workspaces.flatMap(expand).map((folder) => ({
    folder,
    json: JSON.parse(readFileSync(join(__dirname, folder, 'package.json'), 'utf8')),
  }));
  const folderOf = new Map(packages.map(({ folder, json }) => [json.name, folder]));
  const foldersOf = (names) => Object.keys(names ?? {}).flatMap((name) => folderOf.get(name) ?? []);
  return packages.map(({ folder, json }) => ({
    folder,
    dependencies: foldersOf(json.dependencies),
    testDependencies: foldersOf(json.devDependencies),
  }));
}

function expand(pattern) {
  const isPackage = (folder) => existsSync(join(__dirname, folder, 'package.json'));
  if (!pattern.endsWith('/*')) return [pattern].filter(isPackage);
  const parent = pattern.slice(0, -2);
  if (!existsSync(join(__dirname, parent))) return [];
  return readdirSync(join(__dirname, parent))
    .map((name) => posix.join(parent, name))
    .filter(isPackage);
}

module.exports = {
  forbidden: forbidden.map((rule) => ({ severity: 'error', ...rule })),
  options: {
    doNotFollow: { path: ['node_modules'] },
    // Not the dist folders of other people's packages: what is excluded no rule sees.
    // Nor the programs of other engines: what they import is installed where it is compared, if at all.
    exclude: {
      path: [...workspacePackages().map(({ folder }) => `^${folder}/dist/`), '^bench/peers/'],
    },
    // Types count: a type of another context is knowledge of it.
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    tsConfig: { fileName: 'tsconfig.spec.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@downbeat/source', 'import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
      mainFields: ['main', 'types'],
    },
  },
};
