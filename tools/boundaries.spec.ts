import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { PlantedTree } from './testing/planted-tree';

/**
 * Goal: a guard that has gone silent looks like clean code, so each is seen to fire. Method: a copy
 * of this workspace, one violation per rule, the real configuration, the real programs.
 */
jest.setTimeout(180_000);

const WORKSPACE = join(__dirname, '..');

/** Rule of .dependency-cruiser.cjs, the file that breaks it, what the file says. */
const IMPORTS: readonly (readonly [rule: string, file: string, text: string])[] = [
  ['domain-is-pure', 'libs/registry/domain/src/p1.ts', `import '@nestjs/common';`],
  ['domain-is-pure', 'libs/health/domain/src/p1.ts', `import 'pg';`],
  ['domain-is-pure', 'libs/saga/domain/src/p1.ts', `import 'node:crypto';`],
  [
    'domain-is-pure',
    'libs/saga/domain/src/p2.ts',
    `export type { EventStore } from '@downbeat/event-store';`,
  ],
  [
    'domain-is-pure',
    'libs/messaging/domain/src/p1.ts',
    `import '@downbeat/eventsourcing/testing';`,
  ],
  ['domain-is-pure', 'libs/registry/domain/src/p2.ts', `import 'zod';`],
  ['domain-is-pure', 'libs/registry/domain/src/p3.ts', `import '@downbeat/health-domain';`],
  [
    'expressions-belong-to-the-saga',
    'libs/registry/service/src/p1.ts',
    `import '@marcbachmann/cel-js';`,
  ],
  ['domain-tests-need-no-servers', 'libs/registry/domain/src/p4.spec.ts', `import 'pg';`],
  ['contexts-are-apart', 'libs/registry/service/src/p2.ts', `import '@downbeat/health-service';`],
  ['contexts-are-apart', 'libs/health/service/src/p1.ts', `import '@downbeat/registry-domain';`],
  ['contexts-are-apart', 'libs/saga/service/src/p1.ts', `import '@downbeat/audit-service';`],
  [
    'audit-imports-domains-only',
    'libs/audit/service/src/p1.ts',
    `import '@downbeat/saga-service';`,
  ],
  [
    'domain-does-not-know-its-service',
    'libs/registry/domain/src/p5.ts',
    `import '@downbeat/registry-service';`,
  ],
  ['contracts-stand-alone', 'libs/contracts/src/p1.ts', `import '@downbeat/registry-domain';`],
  ['contracts-stand-alone', 'libs/contracts/src/p2.ts', `import 'node:fs';`],
  ['resilience-is-pure', 'libs/resilience/src/p1.ts', `import 'node:timers';`],
  [
    'resilience-cores-know-no-edge',
    'libs/resilience/src/breaker/p1.ts',
    `import '../edge/time-outs';`,
  ],
  ['discovery-brings-little', 'libs/discovery/src/p1.ts', `import '@downbeat/message-bus';`],
  ['eventsourcing-stands-alone', 'libs/kernel/eventsourcing/src/p1.ts', `import 'zod';`],
  [
    'kernel-knows-no-context',
    'libs/kernel/event-store/src/p1.ts',
    `import '@downbeat/registry-domain';`,
  ],
  [
    'kernel-knows-no-context',
    'libs/kernel/test-bench/src/p1.ts',
    `import '@downbeat/registry-service';`,
  ],
  [
    'kernel-does-not-speak-the-language',
    'libs/kernel/message-bus/src/p1.ts',
    `import '@downbeat/contracts';`,
  ],
  ['app-mounts-its-contexts', 'apps/registry/src/p1.ts', `import '@downbeat/health-service';`],
  ['app-mounts-its-contexts', 'apps/health/src/p1.ts', `import '@downbeat/event-store';`],
  ['app-mounts-its-contexts', 'apps/saga/src/p1.ts', `import '@downbeat/saga-domain';`],
  ['app-mounts-its-contexts', 'apps/orchestrator/src/p1.ts', `import '@downbeat/saga-service';`],
  ['apps-are-apart', 'apps/gateway/src/p1.ts', `import '../../registry/src/main';`],
  ['gateway-is-an-edge', 'apps/gateway/src/p2.ts', `import '@downbeat/registry-service';`],
  ['gateway-has-no-database', 'apps/gateway/src/p3.ts', `import '@downbeat/event-store';`],
  ['gateway-has-no-database', 'apps/gateway/src/p4.ts', `import 'typeorm';`],
  ['clients-talk-to-the-gateway-alone', 'apps/cli/src/p1.ts', `import '@downbeat/message-bus';`],
  ['sdk-is-small', 'libs/sdk/src/p1.ts', `import '@downbeat/service-host';`],
  ['sdk-is-small', 'libs/sdk/src/p2.ts', `import '@nestjs/common';`],
  ['test-kit-plays-the-rules', 'libs/sdk/src/testing/p1.ts', `import '@downbeat/saga-service';`],
  ['test-kit-plays-the-rules', 'libs/sdk/src/testing/p2.ts', `import 'jest';`],
  ['examples-see-the-sdk', 'examples/wedding/src/p1.ts', `import '@downbeat/contracts';`],
  ['nobody-needs-the-examples', 'apps/gateway/src/p5.ts', `import '@downbeat/wedding';`],
  ['bus-hides-nats', 'libs/saga/service/src/p2.ts', `import 'nats';`],
  ['stores-hide-postgres', 'libs/saga/service/src/p3.ts', `import 'pg';`],
  ['typeorm-is-for-read-models', 'libs/kernel/egress/src/p1.ts', `import 'typeorm';`],
  ['own-egress-only', 'apps/gateway/src/p6.ts', `import 'http-proxy';`],
  [
    'product-without-tests',
    'libs/registry/service/src/p3.ts',
    `import '@downbeat/event-store/testing';`,
  ],
  ['product-without-tests', 'libs/saga/service/src/p4.ts', `import '@downbeat/saga-simulator';`],
  ['product-without-development-tools', 'libs/registry/service/src/p4.ts', `import 'fast-check';`],
  ['dependency-is-declared', 'libs/registry/service/src/p5.ts', `import 'acorn';`],
  ['import-can-be-resolved', 'libs/registry/service/src/p6.ts', `import './nowhere';`],
  ['no-cycles', 'libs/registry/service/src/p7.ts', `import './p8'; export const a = 1;`],
  ['names-say-something', 'libs/registry/service/src/utils/p1.ts', `import '../p9';`],
  ['names-say-something', 'libs/registry/service/src/helpers.ts', `export const lonely = 1;`],
  ['one-door-per-package', 'libs/registry/service/src/p10.ts', `import '../../domain/src/index';`],
  ['neighbour-is-declared', 'libs/registry/service/src/p11.ts', `import '@downbeat/egress';`],
  ['neighbour-is-declared', 'libs/sdk/src/p3.spec.ts', `import '@downbeat/message-bus';`],
];

/** What the plants above lean on. */
const PROPS: readonly (readonly [file: string, text: string])[] = [
  ['libs/registry/service/src/p8.ts', `import './p7'; export const b = 1;`],
  ['libs/registry/service/src/p9.ts', `export const nine = 9;`],
  ['node_modules/http-proxy/package.json', `{ "name": "http-proxy", "main": "index.js" }`],
  ['node_modules/http-proxy/index.js', ``],
];

/** Rule of eslint.config.mjs, the file that breaks it, what the file says. */
const CODE: readonly (readonly [rule: string, file: string, text: string])[] = [
  [
    '@typescript-eslint/no-explicit-any',
    'libs/registry/service/src/l1.ts',
    `export const loose = (value: any) => value;`,
  ],
  [
    '@typescript-eslint/no-non-null-assertion',
    'libs/registry/service/src/l2.ts',
    `export const sure = (value?: string) => value!.length;`,
  ],
  [
    '@typescript-eslint/no-unused-vars',
    'libs/registry/service/src/l3.ts',
    `const forgotten = 1;\nexport {};`,
  ],
  [
    '@typescript-eslint/ban-ts-comment',
    'libs/registry/service/src/l4.ts',
    `// @ts-ignore\nexport const hidden = 1;`,
  ],
  [
    '@typescript-eslint/only-throw-error',
    'libs/registry/service/src/l5.ts',
    `export const fail = () => { throw 'text'; };`,
  ],
  [
    '@typescript-eslint/no-floating-promises',
    'libs/registry/service/src/l6.ts',
    `export const go = () => { Promise.resolve(1); };`,
  ],
  [
    '@typescript-eslint/no-misused-promises',
    'libs/registry/service/src/l7.ts',
    `export const go = () => { [1].forEach(async () => { await Promise.resolve(); }); };`,
  ],
  [
    '@typescript-eslint/await-thenable',
    'libs/registry/service/src/l8.ts',
    `export const go = async () => { await 1; };`,
  ],
  [
    '@typescript-eslint/switch-exhaustiveness-check',
    'libs/registry/service/src/l9.ts',
    `export const on = (kind: 'a' | 'b') => { switch (kind) { case 'a': return 1; } return 2; };`,
  ],
  [
    '@typescript-eslint/switch-exhaustiveness-check',
    'libs/registry/service/src/l10.ts',
    `export const on = (kind: 'a' | 'b') => { switch (kind) { case 'a': return 1; case 'b': return 2; default: return 3; } };`,
  ],
  ['no-restricted-syntax', 'libs/registry/service/src/l11.ts', `export default 1;`],
  [
    'no-restricted-syntax',
    'libs/registry/domain/src/l1.ts',
    `export const now = () => Date.now();`,
  ],
  ['no-restricted-syntax', 'libs/saga/domain/src/l1.ts', `export const now = () => new Date();`],
  ['no-restricted-syntax', 'libs/health/domain/src/l1.ts', `export const now = () => Date();`],
  [
    'no-restricted-syntax',
    'libs/messaging/domain/src/l1.ts',
    `export const chance = () => Math.random();`,
  ],
  ['no-restricted-syntax', 'libs/registry/domain/src/l2.ts', `export default 1;`],
  ['no-restricted-syntax', 'libs/contracts/src/l1.ts', `export const now = () => Date.now();`],
  [
    'no-restricted-syntax',
    'libs/kernel/eventsourcing/src/l1.ts',
    `export const chance = () => Math.random();`,
  ],
  [
    'no-restricted-globals',
    'libs/registry/domain/src/l3.ts',
    `export const now = () => performance.now();`,
  ],
  [
    'no-restricted-globals',
    'libs/registry/domain/src/l4.ts',
    `export const id = () => crypto.randomUUID();`,
  ],
  [
    'no-restricted-syntax',
    'libs/resilience/src/breaker/l1.ts',
    `export const now = () => Date.now();`,
  ],
  [
    'no-restricted-globals',
    'libs/resilience/src/retry/l1.ts',
    `export const soon = (go: () => void) => setTimeout(go, 1);`,
  ],
  [
    'no-restricted-syntax',
    'libs/registry/service/src/l1.spec.ts',
    `it.only('runs alone', () => undefined);`,
  ],
  [
    'no-restricted-syntax',
    'libs/registry/service/src/l2.spec.ts',
    `describe.skip('later', () => undefined);`,
  ],
  [
    'no-restricted-syntax',
    'libs/registry/service/src/l3.spec.ts',
    `it.skip.each([1])('later', () => undefined);`,
  ],
  ['no-restricted-syntax', 'libs/registry/service/src/l4.spec.ts', `test.todo('one day');`],
  ['no-restricted-syntax', 'libs/registry/domain/src/l5.spec.ts', `xit('later', () => undefined);`],
  [
    'no-restricted-syntax',
    'libs/registry/domain/src/l6.spec.ts',
    `export const now = () => Date.now();`,
  ],
  ['no-console', 'libs/registry/service/src/l12.ts', `console.log('here');\nexport {};`],
  [
    'eqeqeq',
    'libs/registry/service/src/l13.ts',
    `export const same = (a: string, b: string) => a == b;`,
  ],
  ['no-var', 'libs/registry/service/src/l14.ts', `export var old = 1;`],
  [
    'prefer-const',
    'libs/registry/service/src/l15.ts',
    `let still = 1;\nexport const copy = still;`,
  ],
  ['no-unused-vars', 'tools/l1.mjs', `const forgotten = 1;`],
];

/** What Node offers and the language does not. */
const OUTSIDE = {
  process: 'export const a = process.pid;',
  console: 'export const b = () => console.info(1);',
  fetch: `export const c = () => fetch('http://x');`,
  setTimeout: 'export const d = () => setTimeout(() => 1, 1);',
  crypto: 'export const e = () => crypto.randomUUID();',
  performance: 'export const f = () => performance.now();',
  Buffer: `export const g = Buffer.from('x');`,
  'node:crypto': `export { randomUUID } from 'node:crypto';`,
};

interface Violation {
  readonly rule: { readonly name: string };
  readonly from: string;
}
interface LintResult {
  readonly filePath: string;
  readonly messages: readonly { readonly ruleId: string | null; readonly message: string }[];
}

describe('the boundaries', () => {
  let tree: PlantedTree;
  let violations: readonly Violation[];
  let complaints: ReadonlyMap<string, readonly string[]>;

  beforeAll(async () => {
    tree = new PlantedTree();
    for (const [, file, text] of [...IMPORTS, ...CODE]) tree.plant(file, `${text}\n`);
    for (const [file, text] of PROPS) tree.plant(file, text);
    [violations, complaints] = await Promise.all([cruise(tree), lint(tree)]);
  });
  afterAll(() => tree.remove());

  it.each(IMPORTS)('%s is guarded in %s', (rule, file) => {
    const broken = violations.filter(({ from }) => from === file).map((found) => found.rule.name);
    expect(broken).toContain(rule);
  });

  it('has a planted violation for each rule about imports', () => {
    const { forbidden } = jest.requireActual<{
      forbidden: readonly { name: string; comment: string }[];
    }>('../.dependency-cruiser.cjs');
    const planted = new Set(IMPORTS.map(([rule]) => rule));
    expect(new Set(forbidden.map(({ name }) => name))).toEqual(planted);
    expect(forbidden.filter(({ comment }) => !comment)).toEqual([]);
  });

  it('leaves alone what is allowed', () => {
    const planted = new Set(
      [...IMPORTS, ...CODE, ...PROPS.map((prop) => ['', ...prop])].map(([, file]) => file),
    );
    const others = violations.filter(({ from }) => !planted.has(from));
    const allowed = [
      /^libs\/audit\/service\/.*replay/, // a replay imports deciders
      /^libs\/saga\/domain\/.*cel/, // workflow definitions are written in CEL
      /^libs\/kernel\/message-bus\/src\/nats\//,
    ];
    expect(others.filter(({ from }) => allowed.some((path) => path.test(from)))).toEqual([]);
  });

  it.each(CODE)('%s is guarded in %s', (rule, file) => {
    expect(complaints.get(file)).toContain(rule);
  });

  it('has a planted violation for each rule about code', async () => {
    const files = [
      'libs/registry/domain/src/l1.ts',
      'libs/registry/service/src/l1.spec.ts',
      'tools/l1.mjs',
    ];
    const configs = await Promise.all(
      files.map((file) => tree.run('eslint', ['--print-config', file])),
    );
    const rules = configs.flatMap((text) => {
      const config = JSON.parse(text) as { rules?: Record<string, readonly [number]> };
      return Object.entries(config.rules ?? {})
        .filter(([, [severity]]) => severity > 0)
        .map(([rule]) => rule);
    });
    expect([...new Set(rules)].sort()).toEqual([...new Set(CODE.map(([rule]) => rule))].sort());
  });

  describe.each(purePackages())('%s', (folder) => {
    it('compiles without anything of Node', async () => {
      const names = Object.entries(OUTSIDE);
      names.forEach(([, text], index) => tree.plant(`${folder}/src/n${index}.ts`, `${text}\n`));
      tree.plant(
        `${folder}/tsconfig.planted.json`,
        JSON.stringify({
          extends: './tsconfig.json',
          compilerOptions: { composite: false, noEmit: true, incremental: false },
          files: names.map((_, index) => `src/n${index}.ts`),
          include: [],
          references: [],
        }),
      );
      const errors = await tree.run('tsc', ['-p', `${folder}/tsconfig.planted.json`]);
      const caught = names.filter(([, __], index) =>
        errors.includes(`${folder}/src/n${index}.ts(`),
      );
      expect(caught.map(([name]) => name)).toEqual(names.map(([name]) => name));
    });
  });
});

describe('each package', () => {
  const folders = workspaceFolders();
  const folderOf = new Map(folders.map((folder) => [packageOf(folder).name, folder]));

  it.each(folders)('%s is built after what it depends on', (folder) => {
    const declared = Object.keys(packageOf(folder).dependencies ?? {}).map((name) =>
      folderOf.get(name),
    );
    const referenced = referencesOf(join(folder, 'tsconfig.json')).map((path) =>
      relative(WORKSPACE, resolve(WORKSPACE, folder, path)),
    );
    expect(referenced.sort()).toEqual(declared.sort());
  });

  it('is built', () => {
    expect(referencesOf('tsconfig.json').sort()).toEqual([...folders].sort());
  });

  it('leaves versions of third parties to the root', () => {
    const own = new Set(folderOf.keys());
    const others = folders.flatMap((folder) => {
      const { dependencies, devDependencies } = packageOf(folder);
      const names = Object.keys({ ...dependencies, ...devDependencies });
      return names.filter((name) => !own.has(name)).map((name) => `${folder}: ${name}`);
    });
    expect(others).toEqual([]);
  });
});

async function cruise(tree: PlantedTree): Promise<readonly Violation[]> {
  const folders = ['apps', 'libs', 'examples', 'tools', 'bench', 'tests'].filter((folder) =>
    existsSync(join(tree.root, folder)),
  );
  const output = await tree.run('depcruise', ['--output-type', 'json', ...folders]);
  const result = JSON.parse(output) as { summary: { violations: readonly Violation[] } };
  return result.summary.violations;
}

/** By file, the rules it breaks. One small program instead of the whole tree: the rules are the same. */
async function lint(tree: PlantedTree): Promise<ReadonlyMap<string, readonly string[]>> {
  const files = CODE.map(([, file]) => file);
  const config = JSON.parse(
    readFileSync(join(WORKSPACE, 'tsconfig.spec.json'), 'utf8').replace(/^\s*\/\/.*$/gm, ''),
  ) as object;
  const sources = files.filter((file) => file.endsWith('.ts'));
  tree.plant('tsconfig.spec.json', JSON.stringify({ ...config, include: [], files: sources }));
  const output = await tree.run('eslint', ['--format', 'json', ...files]);
  const results = JSON.parse(output) as readonly LintResult[];
  return new Map(
    results.map(({ filePath, messages }) => [
      relative(tree.root, filePath),
      messages.map(({ ruleId, message }) => ruleId ?? message),
    ]),
  );
}

function purePackages(): readonly string[] {
  const domains = workspaceFolders().filter((folder) => /^libs\/[^/]+\/domain$/.test(folder));
  return [...domains, 'libs/kernel/eventsourcing'];
}

function workspaceFolders(): readonly string[] {
  const { workspaces } = JSON.parse(readFileSync(join(WORKSPACE, 'package.json'), 'utf8')) as {
    workspaces: readonly string[];
  };
  return workspaces
    .flatMap((pattern) => {
      if (!pattern.endsWith('/*')) return [pattern];
      const parent = pattern.slice(0, -2);
      const names = existsSync(join(WORKSPACE, parent)) ? readdirSync(join(WORKSPACE, parent)) : [];
      return names.map((name) => join(parent, name));
    })
    .filter((folder) => existsSync(join(WORKSPACE, folder, 'package.json')));
}

function packageOf(folder: string): {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
} {
  return JSON.parse(readFileSync(join(WORKSPACE, folder, 'package.json'), 'utf8')) as ReturnType<
    typeof packageOf
  >;
}

function referencesOf(file: string): string[] {
  const config = JSON.parse(readFileSync(join(WORKSPACE, file), 'utf8')) as {
    references?: readonly { readonly path: string }[];
  };
  return (config.references ?? []).map(({ path }) => path);
}
