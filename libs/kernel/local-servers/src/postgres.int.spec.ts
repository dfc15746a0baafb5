import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort, isPortFree, startPostgres, type RunningServer } from './index';
import { eventually } from './testing/eventually';
import { isAlive } from './testing/is-alive';

/** User time, field 14 of proc(5) stat. */
const cpuTicksOf = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[11]);

describe('PostgreSQL as a child process', () => {
  let folder: string;
  let dataDir: string;
  const started: RunningServer[] = [];

  const start = async (options: Partial<Parameters<typeof startPostgres>[0]> = {}) => {
    const server = await startPostgres({ dataDir, ...options });
    started.push(server);
    return server;
  };
  const ask = async (url: string, text: string): Promise<unknown[]> => {
    const client = new Client(url);
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'local-postgres-'));
    dataDir = join(folder, 'data');
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  });

  it('answers on loopback, in UTF-8, durable, and only with the password it keeps to itself', async () => {
    const { url, port } = await start({ databases: ['suite', 'second'] });

    expect(await ask(url, 'select current_database() as name')).toEqual([{ name: 'suite' }]);
    const settings = `select name, setting from pg_settings
      where name in ('fsync', 'listen_addresses', 'server_encoding', 'synchronous_commit') order by 1`;
    expect(await ask(url, settings)).toEqual([
      { name: 'fsync', setting: 'on' },
      { name: 'listen_addresses', setting: '127.0.0.1' },
      { name: 'server_encoding', setting: 'UTF8' },
      { name: 'synchronous_commit', setting: 'on' },
    ]);
    expect(await ask(url, `select upper('é') as upper`)).toEqual([{ upper: 'É' }]);
    expect(await ask(url.replace('/suite', '/second'), 'select 1 as one')).toHaveLength(1);

    const wrong = `postgres://postgres:wrong@127.0.0.1:${port}/suite`;
    await expect(ask(wrong, 'select 1')).rejects.toMatchObject({ code: '28P01' });
    expect((await stat(join(dataDir, 'password'))).mode & 0o777).toBe(0o600);
  });

  it('continues on its data after it was stopped', async () => {
    const first = await start();
    await ask(first.url, 'create table kept as select 7 as number');
    await first.stop();
    expect(isAlive(first.pid)).toBe(false);

    const second = await start();
    expect(await ask(second.url, 'select number from kept')).toEqual([{ number: 7 }]);
  });

  it('comes back on the same port and data after kill -9, although a query goes on for a while', async () => {
    const first = await start();
    await ask(first.url, 'create table kept as select 7 as number');
    const busy = new Client(first.url);
    busy.on('error', () => undefined);
    await busy.connect();
    const { rows } = await busy.query<{ pid: number }>('select pg_backend_pid() as pid');
    // It computes and waits for nothing, so it does not notice that its server is gone.
    const endless = busy.query('select count(*) from generate_series(1, 10000000)');
    const ended = Promise.allSettled([endless]);
    await eventually(() => expect(cpuTicksOf(rows[0]?.pid ?? 0)).toBeGreaterThan(10));

    process.kill(first.pid, 'SIGKILL');
    expect(await first.exited).toMatchObject({ signal: 'SIGKILL' });

    const second = await start({ port: first.port });
    expect(second.port).toBe(first.port);
    expect(await ask(second.url, 'select number from kept')).toEqual([{ number: 7 }]);
    await ended;
    await busy.end();
  });

  it('is not kept from starting by a lock file whose process id belongs to another program', async () => {
    await (await start()).stop();
    // Of the same user: PostgreSQL itself sees through a process of somebody else's.
    const other = await start({ dataDir: join(folder, 'other') });
    const lock = join(dataDir, 'cluster', 'postmaster.pid');
    await writeFile(lock, `${other.pid}\n/proc/self/cwd\n1\n5432\n\n127.0.0.1\n`);

    const { url } = await start();
    expect(await ask(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('starts over when the first start was cut short', async () => {
    await mkdir(join(dataDir, 'cluster.new', 'cluster'), { recursive: true });
    await writeFile(join(dataDir, 'cluster.new', 'cluster', 'PG_VERSION'), '17');

    const { url } = await start();
    expect(await ask(url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await expect(stat(join(dataDir, 'cluster.new'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('runs below a folder that is closed to everybody else', async () => {
    await chmod(folder, 0o700);
    const { url } = await start();
    expect(await ask(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('ends within its time although a client holds a transaction open', async () => {
    const server = await start();
    const client = new Client(server.url);
    client.on('error', () => undefined);
    await client.connect();
    await client.query('begin');

    const began = Date.now();
    await server.stop(1_000);
    // Without being told it has eight seconds.
    expect(Date.now() - began).toBeLessThan(7_500);
    expect(isAlive(server.pid)).toBe(false);
    await client.end();
  });

  describe('refuses in one sentence', () => {
    const occupy = async (): Promise<{ port: number; server: Server }> => {
      const port = await freePort();
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      return { port, server };
    };

    it('a port that is taken', async () => {
      const { port, server } = await occupy();
      await expect(start({ port })).rejects.toMatchObject({
        code: 'local-servers/port-in-use',
        message: `PostgreSQL cannot listen on 127.0.0.1:${port} because another process does`,
      });
      await new Promise((resolve) => server.close(resolve));
    });

    it('a disk without room', async () => {
      const freeBytesMin = Number.MAX_SAFE_INTEGER;
      await expect(start({ freeBytesMin })).rejects.toMatchObject({
        code: 'local-servers/disk-full',
        message: `PostgreSQL needs more free disk space than there is at ${dataDir}`,
      });
    });

    it('a data directory that cannot be made', async () => {
      await writeFile(dataDir, 'a file stands in the way');
      await expect(start()).rejects.toMatchObject({
        code: 'local-servers/data-dir-not-writable',
        message: `the data directory ${dataDir} cannot be written`,
      });
    });

    it('a setting that PostgreSQL does not know, with its own words', async () => {
      await expect(start({ settings: { no_such_setting: '1' } })).rejects.toMatchObject({
        code: 'local-servers/server-not-started',
        message: expect.stringContaining('no_such_setting') as string,
      });
    });

    it('a data directory whose password was changed, and leaves nothing running', async () => {
      await (await start()).stop();
      await writeFile(join(dataDir, 'password'), 'wrong\n');
      const port = await freePort();
      await expect(start({ port })).rejects.toMatchObject({
        code: 'local-servers/server-not-started',
      });
      expect(await isPortFree(port)).toBe(true);
    });

    it('data on which another server runs', async () => {
      const first = await start();
      await expect(start({ startWithinMs: 500 })).rejects.toMatchObject({
        code: 'local-servers/data-dir-in-use',
        pid: first.pid,
      });
    });
  });

  it('says each line the server says', async () => {
    const lines: string[] = [];
    await start({ log: (line) => lines.push(line) });
    await eventually(() => expect(lines.join('\n')).toContain('ready to accept connections'));
    expect(await readFile(join(dataDir, 'cluster', 'PG_VERSION'), 'utf8')).toBe('17\n');
  });
});
