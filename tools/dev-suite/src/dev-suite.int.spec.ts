import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually as eventuallyIn, isAlive } from '@downbeat/local-servers/testing';
import { freePort } from '@downbeat/local-servers';
import { Client } from 'pg';
import type { RunState } from './run-file';

/** Processes start and end here: on a busy machine that takes its time. */
const eventually = (ask: () => Promise<void> | void, withinMs = 20_000) =>
  eventuallyIn(ask, withinMs);

/** A suite in a process of its own, as `npm start` runs it, over apps that do nothing. */
class FakeSuite {
  readonly lines: string[] = [];
  readonly errors: string[] = [];
  readonly exited: Promise<number | null>;
  private readonly child: ChildProcess;

  constructor(
    readonly dataDir: string,
    kind: string,
    environment: NodeJS.ProcessEnv,
  ) {
    // Nothing of the test run's own servers.
    const inherited = Object.entries(process.env).filter(
      ([key]) => !/DATABASE_URL|NATS_URL/.test(key),
    );
    const program = join(__dirname, '../dist/testing/fake-suite.js');
    this.child = spawn(process.execPath, [program, kind], {
      env: {
        ...Object.fromEntries(inherited),
        GATEWAY_PORT: '0',
        DOWNBEAT_DATA_DIR: dataDir,
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const collect = (lines: string[]) => (text: Buffer) =>
      void lines.push(...text.toString().trimEnd().split('\n'));
    this.child.stdout?.on('data', collect(this.lines));
    this.child.stderr?.on('data', collect(this.errors));
    this.exited = new Promise((resolve) => this.child.once('close', resolve));
  }

  kill = (signal: NodeJS.Signals): void => void this.child.kill(signal);

  ready = (): Promise<void> =>
    eventually(() => {
      if (this.child.exitCode !== null) throw new Error(this.errors.join('\n'));
      expect(this.lines.at(-1)).toMatch(/^ready http/);
    }, 60_000);

  run = async (): Promise<RunState> =>
    JSON.parse(await readFile(join(this.dataDir, 'run.json'), 'utf8')) as RunState;

  /** The process of that name, once it runs and answers and is not `not`. */
  async process(name: string, not = 0): Promise<{ pid: number; url: string }> {
    let found = { pid: 0, url: '' };
    await eventually(async () => {
      const status = (await this.run()).processes.find((process) => process.name === name);
      found = { pid: status?.pid ?? 0, url: status?.url ?? '' };
      expect(found).toEqual({
        pid: expect.any(Number) as number,
        url: expect.stringMatching(/./) as string,
      });
      expect([0, not]).not.toContain(found.pid);
    });
    return found;
  }

  pids = async (): Promise<number[]> =>
    (await this.run()).processes.map(({ pid }) => pid ?? 0).filter((pid) => pid > 0);
}

const environmentOf = async (url: string): Promise<Record<string, string>> =>
  (await (await fetch(url)).json()) as Record<string, string>;

async function startsOn(databaseUrl: string): Promise<number> {
  const client = new Client(databaseUrl);
  await client.connect();
  const { rowCount } = await client.query('select from start');
  await client.end();
  return rowCount ?? 0;
}

describe('the suite on one machine', () => {
  let dataDir: string;
  const suites: FakeSuite[] = [];

  const start = (kind = 'good', environment: NodeJS.ProcessEnv = {}): FakeSuite => {
    const suite = new FakeSuite(dataDir, kind, environment);
    suites.push(suite);
    return suite;
  };

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'dev-suite-'));
  });
  afterEach(async () => {
    for (const suite of suites) suite.kill('SIGKILL');
    await Promise.all(suites.splice(0).map(({ exited }) => exited));
    // The servers of a killed suite take a moment to end.
    await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  });

  it('says ready when all is, tells the truth in run.json, and leaves nothing behind', async () => {
    const suite = start();
    await suite.ready();
    const run = await suite.run();

    expect(suite.lines.slice(-2)).toEqual([
      `NATS at ${run.nats_url} (nats_url in ${join(dataDir, 'run.json')})`,
      `ready ${run.gateway_url}`,
    ]);
    expect((await stat(join(dataDir, 'run.json'))).mode & 0o777).toBe(0o600);
    expect(run.processes.map(({ name }) => name).sort()).toEqual(
      ['gateway', 'nats', 'orchestrator', 'postgres', 'registry', 'venue'].sort(),
    );
    const pids = await suite.pids();
    expect(pids.map(isAlive)).toEqual([true, true, true, true, true, true]);
    expect(await startsOn(run.database_url)).toBe(1);
    expect((await fetch(`${run.gateway_url}/health/ready`)).status).toBe(200);

    const began = Date.now();
    suite.kill('SIGTERM');
    expect(await suite.exited).toBe(0);
    expect(Date.now() - began).toBeLessThan(10_000);
    expect(pids.map(isAlive)).toEqual([false, false, false, false, false, false]);
    await expect(suite.run()).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('gives each process the database roles of its contexts, and the gateway none', async () => {
    const suite = start('good', { PGPASSWORD: 'secret' });
    await suite.ready();
    const urlsOf = async (name: string) => {
      const environment = await environmentOf((await suite.process(name)).url);
      return Object.entries(environment)
        .filter(([, value]) => /^postgres:|secret/.test(value))
        .map(([key, value]) => `${key} ${value.replace(/:[^:]*@.*/, '')}`)
        .sort();
    };

    expect(await urlsOf('gateway')).toEqual([]);
    expect(await urlsOf('venue')).toEqual([]);
    expect(await urlsOf('registry')).toEqual([
      'DATABASE_URL_REGISTRY postgres://downbeat_registry',
    ]);
    expect(await urlsOf('orchestrator')).toEqual([
      'DATABASE_URL_AUDIT postgres://downbeat_audit',
      'DATABASE_URL_MESSAGING postgres://downbeat_messaging',
    ]);
  });

  it('starts again whatever is killed, on the same addresses, with the same data', async () => {
    const suite = start();
    await suite.ready();
    const before = await suite.run();

    for (const name of ['registry', 'gateway', 'nats', 'postgres']) {
      const { pid } = await suite.process(name);
      process.kill(pid, 'SIGKILL');
      const { pid: next } = await suite.process(name, pid);
      expect(isAlive(next)).toBe(true);
    }
    const { processes: _, ...addresses } = await suite.run();
    expect(before).toMatchObject(addresses);
    await eventually(async () => expect(await startsOn(before.database_url)).toBe(1));
    expect((await fetch(`${before.gateway_url}/health/ready`)).status).toBe(200);
    expect(suite.lines.join('\n')).toMatch(/registry has ended \(SIGKILL\); it starts again in/);
    expect(suite.lines.join('\n')).toMatch(/registry is back after/);
  });

  it('goes on when run.json cannot be written, and writes it when it can', async () => {
    const suite = start();
    await suite.ready();
    const { pid } = await suite.process('registry');
    const obstacle = join(dataDir, 'run.json.new');
    await mkdir(obstacle);
    process.kill(pid, 'SIGKILL');
    await eventually(() => {
      expect(suite.lines.join('\n')).toContain('run.json cannot be written (EISDIR)');
      expect(suite.lines.join('\n')).toContain('registry is back');
    });
    await rm(obstacle, { recursive: true });
    expect(isAlive((await suite.process('registry', pid)).pid)).toBe(true);
  });

  it('refuses a second suite on the same data, and continues on it when the first is killed', async () => {
    const first = start();
    await first.ready();
    const second = start();
    expect(await second.exited).toBe(1);
    expect(second.errors).toEqual([
      expect.stringMatching(
        /^another suite \(process \d+\) runs on .*; stop it, or set DOWNBEAT_DATA_DIR$/,
      ),
    ]);
    // The refused one has not touched what belongs to the first.
    const pids = await first.pids();
    expect(pids).toHaveLength(6);

    first.kill('SIGKILL');
    await first.exited;
    const third = start();
    await third.ready();
    await eventually(() => expect(pids.filter(isAlive)).toEqual([]));
    expect(await startsOn((await third.run()).database_url)).toBe(2);
  });

  it('ends processes that do not listen, and all at once at the second signal', async () => {
    const patient = start('deaf');
    await patient.ready();
    const pids = await patient.pids();
    let began = Date.now();
    patient.kill('SIGTERM');
    await patient.exited;
    // Each has 7 s, the servers a few more.
    expect(Date.now() - began).toBeLessThan(30_000);
    await eventually(() => expect(pids.filter(isAlive)).toEqual([]));

    const hasty = start('deaf');
    await hasty.ready();
    const others = await hasty.pids();
    began = Date.now();
    hasty.kill('SIGINT');
    // npm passes on what the terminal has sent already: that is not a second wish.
    hasty.kill('SIGTERM');
    const again = setInterval(() => hasty.kill('SIGINT'), 100);
    expect(await hasty.exited).toBe(1);
    clearInterval(again);
    expect(Date.now() - began).toBeGreaterThan(900);
    // Ordered, the end of those that do not listen takes 7 s at least.
    expect(Date.now() - began).toBeLessThan(6_900);
    await eventually(() => expect(others.filter(isAlive)).toEqual([]));
  });

  it.each(['nats', 'postgres'])('stops while it is still starting, after %s', async (step) => {
    const suite = start();
    await eventually(() => expect(suite.lines.join('\n')).toContain(step));
    suite.kill('SIGTERM');
    expect(await suite.exited).toBe(0);
    expect(suite.errors).toEqual([]);
    await expect(suite.run()).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('uses the servers it is told to use', async () => {
    const natsUrl = process.env['DOWNBEAT_TEST_NATS_URL'] ?? '';
    const server = process.env['DOWNBEAT_TEST_DATABASE_URL'] ?? '';
    const admin = new Client(server);
    await admin.connect();
    const name = `dev_suite_${process.pid}`;
    await admin.query(`create database ${name}`);
    try {
      const databaseUrl = new URL(`/${name}`, server).href;
      const suite = start('good', { DATABASE_URL: databaseUrl, NATS_URL: natsUrl });
      await suite.ready();
      const run = await suite.run();
      expect(run).toMatchObject({ database_url: databaseUrl, nats_url: natsUrl });
      expect(run.processes.map(({ name }) => name)).not.toContain('postgres');
      expect(await startsOn(databaseUrl)).toBe(1);
      suite.kill('SIGTERM');
      expect(await suite.exited).toBe(0);
    } finally {
      await admin.query(`drop database ${name} with (force)`);
      await admin.end();
    }
  });

  describe('fails with one sentence', () => {
    it('when the port of the gateway is taken', async () => {
      const port = await freePort();
      const other = createServer();
      await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
      const suite = start('good', { GATEWAY_PORT: `${port}` });
      expect(await suite.exited).toBe(1);
      expect(suite.errors).toEqual([
        `the gateway cannot listen on 127.0.0.1:${port} because another process does; set GATEWAY_PORT to a free port`,
      ]);
      await new Promise((resolve) => other.close(resolve));
    });

    it('when an app is not built', async () => {
      const suite = start('missing');
      expect(await suite.exited).toBe(1);
      expect(suite.errors).toEqual([expect.stringMatching(/is missing: run npm run build$/)]);
    });

    it('when an app ends again and again, with its last words', async () => {
      const suite = start('broken');
      expect(await suite.exited).toBe(1);
      expect(suite.errors).toEqual([
        expect.stringMatching(
          /ended 3 times before it was ready \(exit code 3\): Error: the kitchen is closed \(.*\.log\)$/,
        ),
      ]);
    });

    it('when the data directory cannot be made', async () => {
      const file = join(dataDir, 'file');
      await writeFile(file, '');
      const suite = start('good', { DOWNBEAT_DATA_DIR: join(file, 'data') });
      expect(await suite.exited).toBe(1);
      expect(suite.errors).toEqual([
        `${join(file, 'data')} cannot be the data directory: it or what it is in is a file (ENOTDIR); set DOWNBEAT_DATA_DIR to another one`,
      ]);
    });

    it('when the data directory is a file', async () => {
      const file = join(dataDir, 'file');
      await writeFile(file, '');
      const suite = start('good', { DOWNBEAT_DATA_DIR: file });
      expect(await suite.exited).toBe(1);
      expect(suite.errors).toEqual([
        `${file} cannot be the data directory: it or what it is in is a file (ENOTDIR); set DOWNBEAT_DATA_DIR to another one`,
      ]);
    });

    it.each(['/proc/nope', '/proc/nope/deeper', '/proc'])(
      'when the data directory is %s, where the kernel makes no files',
      async (DOWNBEAT_DATA_DIR) => {
        const suite = start('good', { DOWNBEAT_DATA_DIR });
        expect(await suite.exited).toBe(1);
        expect(suite.errors).toEqual([
          `${DOWNBEAT_DATA_DIR} cannot be the data directory: it cannot be made and written to (ENOENT); set DOWNBEAT_DATA_DIR to another one`,
        ]);
      },
    );

    it('when no nats-server answers, and starts nothing then', async () => {
      const port = await freePort();
      const suite = start('good', { NATS_URL: `nats://u:secret@127.0.0.1:${port}` });
      expect(await suite.exited).toBe(1);
      expect(suite.errors).toEqual([
        `the nats-server of NATS_URL, 127.0.0.1:${port}, cannot be used: ECONNREFUSED; unset NATS_URL to run one of the suite's own`,
      ]);
      expect(suite.lines.join('')).toBe('');
    });

    it('when no database answers', async () => {
      const DATABASE_URL = `postgres://u:p@127.0.0.1:${await freePort()}/db`;
      const NATS_URL = process.env['DOWNBEAT_TEST_NATS_URL'];
      const suite = start('good', { DATABASE_URL, NATS_URL });
      expect(await suite.exited).toBe(1);
      expect(suite.errors).toEqual([
        expect.stringMatching(/^the database could not be migrated: connect ECONNREFUSED/),
      ]);
    });

    it('when a setting is wrong', async () => {
      const suite = start('good', { GATEWAY_PORT: '99999', NATS_URL: 'http://x' });
      expect(await suite.exited).toBe(1);
      expect(suite.errors).toHaveLength(1);
      expect(suite.errors[0]).toMatch(/GATEWAY_PORT.*NATS_URL/);
    });
  });
});
