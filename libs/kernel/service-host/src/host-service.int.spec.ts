import { registryContract } from '@downbeat/contracts';
import { eventually, LogDatabase } from '@downbeat/event-store/testing';
import { NatsMessageBus, type CommandOutcome } from '@downbeat/message-bus';
import { removeStreams } from '@downbeat/message-bus/testing';
import { Module, type OnApplicationBootstrap } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { randomBytes } from 'node:crypto';
import { accepted } from './entrance/carry-out';
import { commandOf } from './entrance/context-command';
import { hostService, startService, type RunningService } from './host-service';
import { ContextModule } from './runtime/context.module';
import { ContextRuntime } from './runtime/context-runtime';
import { HostLifecycle } from './runtime/host-lifecycle';

/** What the handler below waits for, and what has happened. */
const door = { isShut: false, entered: 0, left: 0, open: (): void => undefined };
const told: string[] = [];

class Heartbeat extends commandOf(registryContract.heartbeat) {}

@CommandHandler(Heartbeat)
class HeartbeatHandler implements ICommandHandler<Heartbeat> {
  async execute({ data }: Heartbeat): Promise<CommandOutcome> {
    door.entered++;
    if (door.isShut) await new Promise<void>((resolve) => (door.open = resolve));
    door.left++;
    told.push('command done');
    return accepted(1, { instance_id: data.instance_id });
  }
}

@Module({
  imports: [
    ContextModule.of({
      context: 'registry',
      projections: [],
      commands: [Heartbeat],
      contracts: { commands: [registryContract.heartbeat], queries: [] },
    }),
  ],
  providers: [HeartbeatHandler],
})
class HeartModule implements OnApplicationBootstrap {
  constructor(
    private readonly runtime: ContextRuntime,
    private readonly lifecycle: HostLifecycle,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.runtime.start();
    this.lifecycle.onStop('loop', async () => void told.push('loop stopped'));
    this.lifecycle.onClose('needed', async () => void told.push('needed closed'));
  }
}

describe('a process that hosts a context', () => {
  const prefix = `sh${randomBytes(4).toString('hex')}`;
  const natsUrl = process.env['DOWNBEAT_TEST_NATS_URL'] ?? '';
  let database: LogDatabase;
  let bus: NatsMessageBus;
  let service: RunningService;
  const environment = (more: Record<string, string> = {}) => ({
    NATS_URL: natsUrl,
    NATS_PREFIX: prefix,
    DATABASE_URL_REGISTRY: database.urlOf('registry'),
    LOG_LEVEL: 'error',
    ...more,
  });
  const start = async (more: Record<string, string> = {}) => {
    service = await startService({ name: 'heart', module: HeartModule }, environment(more));
  };
  beforeAll(async () => {
    if (natsUrl === '') throw new Error('DOWNBEAT_TEST_NATS_URL is not set');
    database = await LogDatabase.create('host');
    bus = await NatsMessageBus.connect({ url: natsUrl, prefix, name: 'tests' });
  });
  beforeEach(() => {
    Object.assign(door, { isShut: false, entered: 0, left: 0 });
    told.length = 0;
  });
  afterEach(() => service?.stop());
  afterAll(async () => {
    await bus.close();
    await removeStreams(natsUrl, prefix);
    await database.drop();
  });

  const send = (timeoutMs = 10_000) =>
    bus.command('command.registry.Heartbeat.i-1', { service_id: 'billing' }, { timeoutMs });
  const ready = async () => (await fetch(`${service.url}/health/ready`)).status;
  const connections = async () => {
    const count = `select count(*)::int as n from pg_stat_activity
                   where datname = current_database() and usename like '%registry'`;
    const { rows } = await database.asOwner((owner) => owner.query<{ n: number }>(count));
    return rows[0]?.n;
  };

  it('is live, ready and known by its parts', async () => {
    await start();
    expect(await ready()).toBe(200);
    expect((await fetch(`${service.url}/health/live`)).status).toBe(200);
    const detailed = (await (await fetch(`${service.url}/health/detailed`)).json()) as object;
    expect(detailed).toMatchObject({
      status: 'ready',
      service: 'heart',
      checks: {
        nats: { isReady: true },
        registry: { isReady: true, details: { database: 'reachable' } },
      },
    });
    await service.stop();
  });

  it('does not start with a name in DEBUG that names nothing', async () => {
    await expect(start({ DEBUG: 'express:*,downbeat:registy' })).rejects.toThrow(
      /DEBUG.*downbeat:registy names none of downbeat:<registry\|.*saga:calls/,
    );
  });

  it('reads no body over HTTP', async () => {
    await start();
    const init = { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } };
    expect((await fetch(`${service.url}/health/live`, init)).status).toBe(404);
    await service.stop();
  });

  it('ends in order: not ready, nothing new, what is under way, bus, HTTP, pools', async () => {
    await start();
    door.isShut = true;
    const sent = send();
    await eventually(() => expect(door.entered).toBe(1));
    const stopped = service.stop();
    await eventually(async () => expect(await ready()).toBe(503));
    expect(told).toEqual(['loop stopped']);
    expect(await connections()).toBeGreaterThan(0);
    door.isShut = false;
    door.open();
    expect(await sent).toMatchObject({ accepted: true });
    await stopped;
    expect(told).toEqual(['loop stopped', 'command done', 'needed closed']);
    await eventually(async () => expect(await connections()).toBe(0));
    await expect(ready()).rejects.toThrow();
  });

  it('does not wait for ever for what does not end', async () => {
    await start({ SHUTDOWN_TIMEOUT_MS: '1000' });
    door.isShut = true;
    const sent = send(1_000).catch((fault: unknown) => fault);
    await eventually(() => expect(door.entered).toBe(1));
    const stopping = Date.now();
    await service.stop();
    // Without being told it has eight seconds.
    expect(Date.now() - stopping).toBeLessThan(7_500);
    expect(door.left).toBe(0);
    door.open();
    expect(await sent).toMatchObject({ code: 'message-bus/no-outcome' });
  });

  it('leaves nothing behind when it cannot start', async () => {
    await start();
    const port = new URL(service.url).port;
    const before = await connections();
    const second = startService(
      { name: 'heart', module: HeartModule },
      environment({ PORT: port }),
    );
    await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await eventually(async () => expect(await connections()).toBe(before));
    await service.stop();
  });

  describe('as the main of a process', () => {
    const { env } = process;
    let written: string;
    let exited: number | undefined;
    beforeEach(() => {
      [written, exited] = ['', undefined];
      jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
        written += String(text);
        return true;
      });
      jest.spyOn(process, 'exit').mockImplementation(((code?: number) => {
        exited = code;
      }) as never);
    });
    afterEach(() => {
      jest.restoreAllMocks();
      process.env = env;
    });

    it('ends with 78 and a list of all that is wrong when its settings are', async () => {
      process.env = { ...env, NATS_URL: '', DATABASE_URL_REGISTRY: '', PORT: 'x' };
      await hostService({ name: 'heart', module: HeartModule });
      expect(exited).toBe(78);
      expect(written).toMatch(/^heart: the configuration is not valid:\n/);
      for (const key of ['NATS_URL is missing', 'DATABASE_URL_REGISTRY is missing', 'PORT '])
        expect(written).toContain(key);
    });

    it('ends with 1 and one sentence when its port is taken', async () => {
      await start();
      process.env = { ...env, ...environment({ PORT: new URL(service.url).port }) };
      await hostService({ name: 'heart', module: HeartModule });
      expect(exited).toBe(1);
      expect(written).toMatch(/^heart could not start: listen EADDRINUSE: [^\n]+\n$/);
      await service.stop();
    });
  });
});
