import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '@downbeat/test-bench';
import { InstalledRegistry } from './support/installed-registry';
import { Suite } from './support/suite';

jest.setTimeout(240_000);

const WORKSPACE = join(__dirname, '..');
const run = promisify(execFile);

const page = (...path: readonly string[]): string => readFileSync(join(WORKSPACE, ...path), 'utf8');
const blocksOf = (markdown: string, language: string): readonly string[] =>
  [...markdown.matchAll(new RegExp('```' + language + '\\n([^]*?)```', 'g'))].map(
    ([, code = '']) => code,
  );
/** What a README shows between its marks. */
const printed = (markdown: string, mark: string, language: string): string =>
  blocksOf(markdown.split(`<!-- begin ${mark} -->`)[1] ?? '', language)[0] ?? '';

interface Offered {
  readonly instances: readonly { readonly url: string }[];
}

const WRONG_USES = `
import { DownbeatService, operation, topic, type StrategyName } from '@downbeat/sdk';
import { z } from 'zod';
declare const service: DownbeatService;
const greet = operation('greet', {
  input: z.object({ name: z.string() }),
  output: z.object({ text: z.string() }),
});
export const texts = async (): Promise<string> => (await service.call('greeter', greet, { name: 'a' })).text;
// @ts-expect-error: the input has a text.
void service.call('greeter', greet, { name: 7 });
// @ts-expect-error: nothing of that kind is answered.
void service.call('greeter', greet, { name: 'a' }).then(({ number }) => number);
// @ts-expect-error: the message has a number.
void service.publish(topic('low', z.object({ left: z.number() })), { left: 'none' });
// @ts-expect-error: there is no such strategy.
export const strategy: StrategyName = 'any';
`;

describe('what services install', () => {
  let folder: string;
  let registry: InstalledRegistry;
  let suite: Suite | undefined;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'downbeat-consumer-'));
    registry = await InstalledRegistry.start();
    await run(process.execPath, [join(WORKSPACE, 'tools', 'pack.mjs'), join(folder, 'packed')]);
    const packed = readdirSync(join(folder, 'packed')).map((file) => `./packed/${file}`);
    await npm('init', '-y');
    await npm('install', ...packed);
    await npm('install', '--save-dev', '@types/node');
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await suite?.stop();
    await registry?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const npm = (...args: readonly string[]) =>
    run('npm', [...args, '--no-audit', '--no-fund', `--registry=${registry.url}`], {
      cwd: folder,
      // Neither the cache nor the settings of whoever runs the test.
      env: { PATH: process.env['PATH'], HOME: folder },
    });
  /** What the compiler says against programs of the service, of which each is a file. */
  const complaintsAbout = async (programs: Readonly<Record<string, string>>): Promise<string> => {
    const sources = join(folder, 'src');
    mkdirSync(sources);
    for (const [name, code] of Object.entries(programs))
      writeFileSync(join(sources, `${name}.ts`), code);
    const compilerOptions = {
      strict: true,
      module: 'nodenext',
      target: 'es2022',
      types: ['node'],
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      noEmit: true,
      // What declarations import has to be there too.
      skipLibCheck: false,
    };
    writeFileSync(join(sources, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
    const { stdout } = await run(join(WORKSPACE, 'node_modules', '.bin', 'tsc'), [
      '-p',
      sources,
    ]).catch((failure: { readonly stdout: string }) => failure);
    return stdout;
  };

  it('is all there, and only what is needed', async () => {
    const { stdout } = await npm('ls', '--all', '--json');
    expect(JSON.parse(stdout)).not.toHaveProperty('problems');
    const files = readdirSync(join(folder, 'node_modules', '@downbeat'), {
      recursive: true,
      encoding: 'utf8',
    });
    expect(files).toContain(join('sdk', 'dist', 'index.js'));
    expect(files.filter((file) => /\.spec\.|\/src(\/|$)|\.map$|\.tsbuildinfo$/.test(file))).toEqual(
      [],
    );
    for (const name of ['sdk', 'nestjs']) {
      const manifest: unknown = JSON.parse(
        readFileSync(join(folder, 'node_modules', '@downbeat', name, 'package.json'), 'utf8'),
      );
      expect(manifest).not.toHaveProperty('private');
    }
  });

  it('compiles what our pages show, and holds users to what there is', async () => {
    const complaints = await complaintsAbout({
      warehouse: printed(page('libs', 'nestjs', 'README.md'), 'warehouse', 'ts'),
      calls: blocksOf(page('docs', 'calling-services.md'), 'ts').join('\n'),
      'wrong-uses': WRONG_USES,
    });
    expect(complaints).toBe('');
  });

  it('runs the fifteen lines of the README', async () => {
    suite = await Suite.start({ demo: false });
    const code = printed(page('libs', 'sdk', 'README.md'), 'pricing', 'js');
    children.push(
      spawn(process.execPath, ['--input-type=module', '-e', code], {
        cwd: folder,
        env: { PATH: process.env['PATH'], GATEWAY_URL: suite.gatewayUrl, NATS_URL: suite.natsUrl },
        stdio: 'inherit',
      }),
    );
    const url = await eventually(
      async () => {
        const offered = await suite?.get<Offered>('/discovery/instances?service_name=pricing');
        return offered?.instances[0]?.url;
      },
      (found) => expect(found).toMatch(/^http:/),
      60_000,
    );
    const answer = await fetch(`${url}/operations/quote`, {
      method: 'POST',
      body: '{"sku":"4711"}',
    });
    expect([answer.status, await answer.json()]).toEqual([200, { price: 40 }]);
  });
});
