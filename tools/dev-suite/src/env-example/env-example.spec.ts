import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { envExample } from '@downbeat/service-host';
import { settingsReadBelow, settingsReadIn, type SettingRead } from '../testing/settings-read';
import { envSections } from './env-sections';

const WORKSPACE = join(__dirname, '../../../..');
const PRODUCT = ['apps', 'deploy', 'examples', 'libs', 'tools'];
/** What the operating system says, not whoever runs the suite. */
const SYSTEM = ['PATH'];

const committed = readFileSync(join(WORKSPACE, '.env.example'), 'utf8');
const known = new Set([
  ...SYSTEM,
  ...[...committed.matchAll(/^(?:# )?([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name),
]);
const unknown = (reads: readonly SettingRead[]) => reads.filter(({ name }) => !known.has(name));

describe('.env.example', () => {
  it('is what the schemas say', () => {
    // When this fails: npx tsc -b tools/dev-suite && node tools/dev-suite/dist/env-example/write-env-example.js
    expect(committed).toBe(envExample(envSections));
  });

  it('tells what each setting is for', () => {
    const silent = envSections.flatMap(({ settings }) =>
      Object.entries(settings.shape).filter(
        ([, schema]) => !(schema as { description?: string }).description,
      ),
    );
    expect(silent.map(([key]) => key)).toEqual([]);
  });

  it('has every setting that the product reads', () => {
    const reads = settingsReadBelow(WORKSPACE, PRODUCT);
    // Where it looks, and in how many ways: a scan that finds nothing proves nothing.
    expect(reads).toEqual(
      expect.arrayContaining([
        { file: 'libs/registry/service/src/registry-config.ts', name: 'REGISTRY_TERMINATING_MS' },
        { file: 'tools/dev-suite/src/settings.ts', name: 'GATEWAY_PORT' },
        { file: 'tools/demo.mjs', name: 'DOWNBEAT_DATA_DIR' },
        { file: 'deploy/secret-files.mjs', name: 'DOWNBEAT_SECRETS_DIR' },
        { file: 'examples/wedding/src/main.ts', name: 'GATEWAY_URL' },
      ]),
    );
    expect(unknown(reads)).toEqual([]);
  });

  it('is found to lack a setting that is read somewhere, whatever the way', () => {
    const root = mkdtempSync(join(tmpdir(), 'settings-read-'));
    try {
      const plant = (file: string, text: string): void => {
        mkdirSync(join(root, file, '..'), { recursive: true });
        writeFileSync(join(root, file), text);
      };
      plant('libs/registry/service/src/a.ts', `export const a = process.env.PLANTED_A;`);
      plant('deploy/b.mjs', `const b = process.env['PLANTED_B'] ?? 1;`);
      plant('apps/saga/src/c.ts', `export const { PLANTED_C = '0', PATH } = process.env;`);
      plant('libs/saga/service/src/d.ts', `export const d = z.object({ PLANTED_D: z.string() });`);
      plant('libs/saga/service/src/e.ts', `export const e = settings.environment['PLANTED_E'];`);
      plant('libs/saga/service/src/f.spec.ts', `export const f = process.env.PLANTED_F;`);
      plant('libs/saga/service/src/testing/g.ts', `export const g = process.env.PLANTED_G;`);
      plant('libs/saga/service/dist/h.js', `exports.h = process.env.PLANTED_H;`);
      const found = unknown(settingsReadBelow(root, ['apps', 'deploy', 'libs']));
      expect(found.map(({ name }) => name).sort()).toEqual(
        ['A', 'B', 'C', 'D', 'E'].map((letter) => `PLANTED_${letter}`),
      );
      expect(found).toContainEqual({ file: 'deploy/b.mjs', name: 'PLANTED_B' });
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe('a setting that is read', () => {
  it.each([
    ['process.env.A_B', ['A_B']],
    [`process.env['A']`, ['A']],
    ['process.env[`A`]', ['A']],
    [`environment['A'] ?? env.B`, ['A', 'B']],
    [`const { A, B: b = '1', ...rest } = process.env;`, ['A', 'B']],
    [`const url = this.settings.environment.A;`, ['A']],
    [`base.extend({ A: z.url(), b: z.url() })`, ['A']],
    [`z.object({ A: z.object({ B: 1 }) })`, ['A', 'B']],
    [`({ A: 1, env: { B: 2 } })`, []],
    [`process.env[name]`, []],
    [`// process.env.A`, []],
    [`process.environ.A`, []],
  ])('is found in %s', (text, names) => expect(settingsReadIn(text)).toEqual(names));
});
