import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { connect, headers, JSONCodec } from 'nats';
import { Client } from 'pg';
import { eventsOf } from './support/bookings';
import { eventually } from '@downbeat/test-bench';
import { Suite, type AppName } from './support/suite';

type Line = Readonly<Record<string, unknown>>;

const traceId = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
const billing = {
  service_version: '1.0.0',
  service_type: 'api',
  deployment_environment: 'production',
  dependencies: [],
};

describe('what processes write on stdout', () => {
  let suite: Suite;
  beforeAll(async () => {
    suite = await Suite.start({
      demo: false,
      settings: { DEBUG: 'downbeat:registry,downbeat:gateway' },
    });
  });
  afterAll(() => suite.stop(), 60_000);

  /** The app anew, and what it writes from now on. */
  const linesOf = async (name: AppName): Promise<readonly Line[]> => {
    const app = suite.app(name);
    await app.stop();
    const lines: Line[] = [];
    const child: ChildProcess = app.launch();
    if (child.stdout)
      createInterface(child.stdout).on('line', (line) => lines.push(JSON.parse(line) as Line));
    await eventually(
      () =>
        fetch(`${app.url}/health/ready`).then(
          ({ status }) => status,
          () => 0,
        ),
      (status) => expect(status).toBe(200),
      30_000,
    );
    return lines;
  };

  const asOwner = async (sql: string): Promise<void> => {
    const owner = new Client(suite.databaseUrl);
    await owner.connect();
    await owner.query(sql).finally(() => owner.end());
  };

  it('DEBUG tells of each step of what is named, whatever the level, and of nothing else', async () => {
    const lines = await linesOf('registry');
    const others = await linesOf('health');
    const edge = await linesOf('gateway');
    const { body } = await suite.request('POST', '/services', {
      ...billing,
      service_name: 'debugged',
    });
    expect(body).toMatchObject({ service_id: 'debugged' });
    // The health context hears of it.
    const check = await suite.request('PUT', '/services/debugged', {
      health_check: { interval_ms: 60_000 },
    });
    expect(check.status).toBe(202);
    const told = (await eventually(
      () => lines.filter(({ context }) => String(context).startsWith('downbeat:')),
      (found) =>
        expect(found.map(({ context }) => context)).toEqual(
          expect.arrayContaining(
            ['commands', 'events', 'publications', 'read-models'].map(
              (topic) => `downbeat:registry:${topic}`,
            ),
          ),
        ),
    )) as readonly Line[];
    const settled = told.find(({ msg }) => msg === 'a command is settled');
    expect(settled).toMatchObject({
      level: 'debug',
      subject: 'command.registry.RegisterService.debugged',
      accepted: true,
      trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    const appended = told.find(
      ({ trace_id, msg }) => trace_id === settled?.['trace_id'] && msg === 'events are appended',
    );
    expect(appended).toMatchObject({
      types: ['ServiceRegistered'],
      position: settled?.['position'],
    });
    await suite.request('GET', '/services/debugged?min_position=1');
    await eventually(
      () => lines.filter(({ context }) => context === 'downbeat:registry:queries'),
      (found) =>
        expect(found).toContainEqual(
          expect.objectContaining({ subject: 'query.registry.get-service', ok: true }),
        ),
    );
    await eventually(
      () => edge.filter(({ context }) => context === 'downbeat:gateway:requests'),
      (found) =>
        expect(found.at(-1)).toMatchObject({
          level: 'debug',
          req: { method: 'GET', url: '/api/orchestration/services/debugged?min_position=1' },
          res: { statusCode: 200 },
        }),
    );
    expect(others.filter(({ level }) => level === 'debug')).toEqual([]);
  });

  it('a request that failed is found by the trace id of its problem', async () => {
    const lines = await linesOf('gateway');
    await suite.app('health').stop('SIGKILL');
    const { status, body } = await suite.request('GET', '/health/instances', undefined, {
      'x-correlation-id': 'cart-1',
    });
    await suite.app('health').start();
    expect([status, body['code']]).toEqual([503, 'message-bus/no-answer']);
    const [line] = await eventually(
      () => Promise.resolve(lines.filter((one) => one['trace_id'] === body['trace_id'])),
      (found) => expect(found).toHaveLength(1),
    );
    expect(line).toMatchObject({
      level: 'warn',
      correlation_id: 'cart-1',
      problem: 'message-bus/no-answer',
      res: { statusCode: 503 },
    });
    expect(line).not.toHaveProperty('err');
  });

  it('a message that cannot be handled yet is found by its trace and its correlation id', async () => {
    const lines = await linesOf('registry');
    await asOwner(`alter role downbeat_registry nologin;
      select pg_terminate_backend(pid) from pg_stat_activity where usename = 'downbeat_registry'`);
    const nats = await connect({ servers: suite.natsUrl });
    const sent = headers();
    sent.set('traceparent', traceparent);
    sent.set('Downbeat-Correlation-Id', 'order-1');
    nats.publish('command.registry.RegisterService.billing', JSONCodec().encode(billing), {
      headers: sent,
    });
    await nats.drain();
    const ofMessage = () => lines.filter((one) => one['trace_id'] === traceId);
    await eventually(
      () => Promise.resolve(ofMessage()),
      (found) => expect(found).not.toHaveLength(0),
      30_000,
    );
    await asOwner('alter role downbeat_registry login');
    for (const line of ofMessage()) expect(line['correlation_id']).toBe('order-1');
    await eventually(
      () => eventsOf(suite, `trace_id=${traceId}`),
      (events) => expect(events.map(({ type }) => type)).toContain('ServiceRegistered'),
      30_000,
    );
  });

  it('every event has a trace, whether somebody asked for it or not', async () => {
    const check = { interval_ms: 100, timeout_ms: 100, failure_threshold: 1, success_threshold: 1 };
    const nats = await connect({ servers: suite.natsUrl });
    const send = (subject: string, body: object) =>
      nats.request(subject, JSONCodec().encode(body), { timeout: 10_000 });
    await send('command.registry.RegisterService.silent', { ...billing, health_check: check });
    // Nothing listens there.
    await send('command.registry.RegisterInstance.silent-1', {
      service_id: 'silent',
      node_name: 'here',
      ip_address: '127.0.0.1',
      port: 1,
      version: '1.0.0',
    });
    await nats.drain();
    const events = await eventually(
      () => eventsOf(suite, ''),
      (found) => expect(found.map(({ type }) => type)).toContain('InstanceHealthObserved'),
      30_000,
    );
    for (const { type, meta } of events)
      expect([type, meta]).toEqual([
        type,
        expect.objectContaining({ traceparent: expect.stringMatching(/^00-\w{32}-\w{16}-01$/) }),
      ]);
    const traceOf = (type: string) => events.find((one) => one.type === type)?.meta['traceparent'];
    expect(traceOf('InstanceHealthObserved')).toBe(traceOf('HealthChanged'));
    expect(traceOf('HealthChanged')).not.toBe(traceOf('InstanceRegistered'));
  });
});
