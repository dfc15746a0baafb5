import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';

const WORKSPACE = join(__dirname, '..', '..');
const read = (path: string): string => readFileSync(join(WORKSPACE, path), 'utf8');

interface Service {
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
}
const { services, volumes } = parse(read('docker-compose.yml'), {
  merge: true,
  maxAliasCount: -1,
}) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: object;
};
/** By where it is mounted. */
const mountsOf = (service: string): ReadonlyMap<string, string> =>
  new Map(
    (services[service]?.volumes ?? []).map((one) => {
      const [volume = '', path = '', ...mode] = one.split(':');
      return [[path, ...mode].join(':'), volume];
    }),
  );

describe('the process that sends alerts', () => {
  const settings = [...read('.env.example').matchAll(/^#? ?((?:ALERTS|TRACES)_\w+)=/gm)].map(
    ([, name = '']) => name,
  );

  it('has settings', () => expect(settings).toContain('ALERTS_LINK_BASE'));

  it.each(settings)('is given %s, which the settings of compose name', (name) => {
    expect(services['health']?.environment?.[name]).toBe(`\${${name}:-}`);
    expect(read('deploy/example.env')).toMatch(new RegExp(`^#${name}=`, 'm'));
  });

  it('reads keys where they are given to it, and nobody else does', () => {
    const volume = mountsOf('health').get('/run/secrets:ro');
    expect(volume).toBeDefined();
    expect(Object.keys(volumes)).toContain(volume);
    expect(mountsOf('secrets').get('/secrets/alerts')).toBe(volume);
    const readers = Object.keys(services).filter((name) =>
      [...mountsOf(name).values()].includes(volume ?? ''),
    );
    expect(readers).toEqual(['secrets', 'health']);
  });
});

it('owns every folder that passwords and keys are given into', () => {
  const [, made = ''] = /for reader in ([^;]+); do/.exec(read('Dockerfile')) ?? [];
  const given = [...mountsOf('secrets').keys()].filter((path) => path.startsWith('/secrets/'));
  expect(given.map((path) => path.slice('/secrets/'.length)).sort()).toEqual(
    made.split(' ').sort(),
  );
});

describe('keys for alerts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'downbeat-keys-'));
  const file = (name: string): string => readFileSync(join(folder, 'alerts', name), 'utf8');
  const run = (program: string, said: readonly string[], input = ''): string =>
    execFileSync(process.execPath, [join(WORKSPACE, 'deploy', program), ...said], {
      env: { DOWNBEAT_SECRETS_DIR: folder },
      encoding: 'utf8',
      input,
      stdio: 'pipe',
    });
  const key = (...said: readonly string[]): string => run('alert-key.mjs', said);

  beforeAll(() => {
    const readers = [...mountsOf('secrets').keys()].filter((path) => path.startsWith('/secrets/'));
    for (const path of readers) mkdirSync(join(folder, path.slice('/secrets/'.length)));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('are made once, shown, and read where a receiver names them', () => {
    expect(key('add', 'alerts-on-call')).toBe('');
    const made = file('alerts-on-call');
    expect(made).toMatch(/^[\w-]{43}$/);
    key('add', 'alerts-on-call');
    expect(key('show', 'alerts-on-call')).toBe(`${made}\n`);
    expect(file('alerts-on-call')).toBe(made);
  });

  it('are taken as they come from somebody else', () => {
    run('alert-key.mjs', ['add', 'alerts-pager', '-'], 'their key\n');
    expect(file('alerts-pager')).toBe('their key');
    expect(key('list')).toBe('alerts-on-call\nalerts-pager\n');
  });

  it('are given again when their folder was lost, and stay when passwords change', () => {
    const made = file('alerts-on-call');
    rmSync(join(folder, 'alerts', 'alerts-on-call'));
    run('secrets.mjs', ['rotate']);
    expect(file('alerts-on-call')).toBe(made);
  });

  it('go', () => {
    key('remove', 'alerts-pager');
    expect(() => file('alerts-pager')).toThrow('ENOENT');
    expect(key('list')).toBe('alerts-on-call\n');
  });

  it.each([
    [['add', '../health/nats_url']],
    [['add', 'on-call']],
    [['add', 'alerts-on-call.new']],
    [['add', 'constructor', '-']],
    [['show', 'constructor']],
    [['remove', 'nobody']],
    [['add']],
    [[]],
  ])('are refused: %j', (said) => expect(() => key(...said)).toThrow());
});
