import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, StringCodec } from 'nats';
import { startNats, type RunningNats } from './index';
import { isAlive } from './testing/is-alive';

describe('nats-server as a child process', () => {
  let folder: string;
  let dataDir: string;
  const started: RunningNats[] = [];

  const start = async (options: Partial<Parameters<typeof startNats>[0]> = {}) => {
    const server = await startNats({ dataDir, ...options });
    started.push(server);
    return server;
  };
  const publish = async (url: string): Promise<void> => {
    const client = await connect({ servers: url });
    const manager = await client.jetstreamManager();
    await manager.streams.add({ name: 'kept', subjects: ['kept.>'] });
    await client.jetstream().publish('kept.one', StringCodec().encode('1'));
    await client.close();
  };
  const messages = async (url: string): Promise<number> => {
    const client = await connect({ servers: url });
    const { state } = await (await client.jetstreamManager()).streams.info('kept');
    await client.close();
    return state.messages;
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'local-nats-'));
    dataDir = join(folder, 'data');
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  });

  it('has JetStream and keeps its streams over a stop', async () => {
    const first = await start();
    await publish(first.url);
    await first.stop();
    expect(isAlive(first.pid)).toBe(false);

    const second = await start();
    expect(await messages(second.url)).toBe(1);
    expect((await fetch(`${second.monitoringUrl}/varz`)).status).toBe(200);
  });

  it('waits until another one on the same store has ended', async () => {
    const first = await start();
    await publish(first.url);
    const refused = start({ startWithinMs: 300 });
    await expect(refused).rejects.toThrow(`another nats-server (process ${first.pid}) runs on`);
    const starting = start();
    await first.stop();
    expect(await messages((await starting).url)).toBe(1);
  });

  it('is not kept from starting by a process that has its old id', async () => {
    await (await start()).stop();
    await writeFile(join(dataDir, 'nats-server.pid'), `${process.pid}`);
    expect((await start()).pid).not.toBe(process.pid);
  });

  it('comes back on the same port and store after kill -9', async () => {
    const first = await start();
    await publish(first.url);
    process.kill(first.pid, 'SIGKILL');
    expect(await first.exited).toMatchObject({ signal: 'SIGKILL' });

    const second = await start({ port: first.port });
    expect(second.url).toBe(first.url);
    expect(await messages(second.url)).toBe(1);
  });

  it('listens on loopback only', async () => {
    const { monitoringUrl } = await start();
    const varz = (await (await fetch(`${monitoringUrl}/varz`)).json()) as Record<string, unknown>;
    expect(varz).toMatchObject({ host: '127.0.0.1', http_host: '127.0.0.1' });
  });

  it('refuses a port that is taken, in one sentence', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    await expect(start(port === undefined ? {} : { port })).rejects.toMatchObject({
      code: 'local-servers/port-in-use',
      message: `nats-server cannot listen on 127.0.0.1:${port} because another process does`,
    });
    await new Promise((resolve) => other.close(resolve));
  });

  it('refuses a data directory that cannot be made, and a disk without room', async () => {
    await expect(start({ freeBytesMin: Number.MAX_SAFE_INTEGER })).rejects.toMatchObject({
      code: 'local-servers/disk-full',
    });
    await rm(dataDir, { recursive: true });
    await writeFile(dataDir, 'a file stands in the way');
    await expect(start()).rejects.toMatchObject({ code: 'local-servers/data-dir-not-writable' });
  });
});
