import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { PlantedTree } from './testing/planted-tree';
import { CODE, IMPORTS, OUTSIDE, PROPS } from './testing/planted-violations';

/**
 * Goal: a guard that has gone silent looks like clean code, so each is seen to fire. Method: a copy
 * of this workspace, one violation per rule, the real configuration, the real programs.
 */
jest.setTimeout(180_000);

const WORKSPACE = join(__dirname, '..');

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
