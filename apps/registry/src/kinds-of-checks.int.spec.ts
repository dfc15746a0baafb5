import { once } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { HealthModule } from '@downbeat/health-service';
import { RegistryModule } from '@downbeat/registry-service';
import { TestBench } from '@downbeat/test-bench';
import { connect, type NatsConnection, type Subscription } from 'nats';

type Health = {
  readonly instances: readonly {
    readonly status: string;
    readonly kind?: string;
    readonly url?: string;
    readonly detail?: string;
  }[];
};

describe('instances that are not checked by a plain GET', () => {
  let bench: TestBench;
  let nats: NatsConnection;
  const servers: (Server | HttpServer)[] = [];
  beforeAll(async () => {
    bench = await TestBench.start({
      services: [
        { name: 'registry', module: RegistryModule },
        { name: 'health', module: HealthModule },
      ],
    });
    nats = await connect({ servers: bench.natsUrl });
  });
  afterAll(async () => {
    for (const server of servers) if (server.listening) server.close();
    await nats?.close();
    await bench?.stop();
  });

  const timing = { interval_ms: 100, timeout_ms: 1_000, failure_threshold: 2 };
  const register = (service: string, health_check: object) =>
    bench.accepted(`command.registry.RegisterService.${service}`, {
      service_version: '1.0.0',
      service_type: 'worker',
      deployment_environment: 'production',
      dependencies: [],
      health_check: { ...timing, ...health_check },
    });
  const start = (service: string, port: number, more = {}) =>
    bench.command(`command.registry.RegisterInstance.${service}-1`, {
      service_id: service,
      node_name: 'here',
      ip_address: '127.0.0.1',
      port,
      version: '1.0.0',
      ...more,
    });
  const becomes = (service: string, expected: object) =>
    bench.eventually(
      async () =>
        (await bench.answer<Health>('query.health.list-health', { service_name: service }))
          .instances[0],
      (instance) => expect(instance).toMatchObject(expected),
    );
  const listen = async (server: Server | HttpServer): Promise<number> => {
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };

  it('by a connection, on a port of its own', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined).end());
    const port = await listen(server);
    await register('queue', { kind: 'tcp', port });
    await start('queue', 9);
    await becomes('queue', { status: 'healthy', kind: 'tcp', url: `tcp://127.0.0.1:${port}` });
    await new Promise((closed) => server.close(closed));
    await becomes('queue', { status: 'unhealthy', detail: 'no connection: ECONNREFUSED' });
  });

  it('by what the body says', async () => {
    let status = 'UP';
    const port = await listen(
      createHttpServer((_, response) => response.writeHead(207).end(JSON.stringify({ status }))),
    );
    await register('spring', {
      expected_statuses: [207],
      expected_body: { field: 'status', values: ['UP'] },
    });
    await start('spring', port);
    await becomes('spring', { status: 'healthy', kind: 'http' });
    status = 'DOWN';
    await becomes('spring', { status: 'unhealthy', detail: 'HTTP 207, status is "DOWN"' });
  });

  it('by a reply on the subject they named', async () => {
    const subject = 'service.mailer.mailer-1.health';
    await register('mailer', { kind: 'nats' });
    expect(await start('mailer', 9)).toMatchObject({
      accepted: false,
      problem: { code: 'check-subject-missing', errors: [{ field: 'health_check_subject' }] },
    });
    const own = { health_check_subject: 'command.registry.DeregisterInstance.x' };
    expect(await start('mailer', 9, own)).toMatchObject({
      problem: { kind: 'invalid', errors: [{ field: 'health_check_subject' }] },
    });
    const listening: Subscription = nats.subscribe(`${bench.prefix}.${subject}`, {
      callback: (_, message) => message.respond('ok'),
    });
    await start('mailer', 9, { health_check_subject: subject });
    await becomes('mailer', { status: 'healthy', kind: 'nats', url: `nats:${subject}` });
    listening.unsubscribe();
    await becomes('mailer', { status: 'unhealthy', detail: `nobody listens on ${subject}` });
  });

  it('in another way when their service says so later', async () => {
    const port = await listen(createServer((socket) => socket.on('error', () => undefined).end()));
    await register('moved', {});
    await start('moved', port);
    await becomes('moved', { status: 'unhealthy', kind: 'http' });
    await bench.accepted('command.registry.UpdateService.moved', {
      health_check: { ...timing, kind: 'tcp' },
    });
    await becomes('moved', { status: 'healthy', kind: 'tcp' });
    await bench.accepted('command.registry.UpdateService.moved', { health_check: timing });
    await becomes('moved', { status: 'unhealthy', kind: 'http' });
  });
});
