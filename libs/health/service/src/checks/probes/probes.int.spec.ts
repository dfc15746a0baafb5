import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { randomBytes } from 'node:crypto';
import { createEgress, egressPolicy, type Egress } from '@downbeat/egress';
import type { CheckRequest } from '@downbeat/health-domain';
import { NatsMessageBus } from '@downbeat/message-bus';
import { eventually } from '@downbeat/test-bench';
import { connect, headers, type NatsConnection } from 'nats';
import { GrpcServer } from '../../testing/grpc-server';
import { CheckedSubjects } from './checked-subjects';
import { GrpcProbe } from './grpc-probe';
import { NatsProbe } from './nats-probe';
import { TcpProbe } from './tcp-probe';

const WITHIN_MS = 2_000;
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const egressOf = (callsMax = 16): Egress => {
  const egress = createEgress({ policy: egressPolicy({ mode: 'development' }), callsMax });
  cleanups.push(() => egress.close());
  return egress;
};

/** A server below everything: what arrives is the test's business. */
async function listen(
  onSocket: (socket: Socket) => void,
): Promise<{ port: number; server: Server }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => socket.destroy()));
    onSocket(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((closed) => server.close(closed));
  });
  return { port: (server.address() as AddressInfo).port, server };
}

const at = (kind: CheckRequest['kind'], port: number, more: object = {}): CheckRequest => ({
  kind,
  url: `http://127.0.0.1:${port}/ignored`,
  ...more,
});

describe('a check over TCP', () => {
  it('passes where connections are taken, sends nothing and leaves', async () => {
    const received: Buffer[] = [];
    const left: Promise<unknown>[] = [];
    const { port } = await listen((socket) => {
      socket.on('data', (bytes: Buffer) => received.push(bytes));
      left.push(once(socket, 'close'));
    });
    const result = await new TcpProbe(egressOf()).run(at('tcp', port), WITHIN_MS);
    expect(result).toEqual({ isPassed: true, detail: 'connected' });
    await eventually(
      () => left.length,
      (count) => count === 1,
    );
    await Promise.all(left);
    expect(received).toEqual([]);
  });

  it('fails where nobody listens', async () => {
    const { port, server } = await listen(() => undefined);
    await new Promise((closed) => server.close(closed));
    expect(await new TcpProbe(egressOf()).run(at('tcp', port), WITHIN_MS)).toEqual({
      isPassed: false,
      detail: 'no connection: ECONNREFUSED',
    });
  });

  it('says nothing when it is we who are busy, and gives its place back', async () => {
    const { port } = await listen(() => undefined);
    const egress = egressOf(1);
    const held = await egress.connect(`http://127.0.0.1:${port}`);
    const probe = new TcpProbe(egress);
    expect(await probe.run(at('tcp', port), WITHIN_MS)).toBeUndefined();
    held.destroy();
    await once(held, 'close');
    expect(await probe.run(at('tcp', port), WITHIN_MS)).toMatchObject({ isPassed: true });
  });
});

describe('a check over gRPC', () => {
  let grpc: GrpcServer;
  let probe: GrpcProbe;
  beforeEach(async () => {
    grpc = await GrpcServer.start();
    probe = new GrpcProbe(egressOf());
    cleanups.push(() => grpc.stop());
  });
  const ask = (more: object = {}, timeoutMs = WITHIN_MS) =>
    probe.run(at('grpc', grpc.port, more), timeoutMs);

  it('passes while the server says that it serves, and keeps no connection', async () => {
    expect(await ask()).toEqual({ isPassed: true, detail: 'gRPC SERVING' });
    grpc.says.set('', 'NOT_SERVING');
    expect(await ask()).toEqual({ isPassed: false, detail: 'gRPC NOT_SERVING' });
    await eventually(
      () => grpc.connections,
      (count) => count === 0,
    );
  });

  it('asks for one service of it', async () => {
    grpc.says.set('shop.Cart', 'NOT_SERVING');
    expect(await ask({ grpcService: 'shop.Cart' })).toMatchObject({ isPassed: false });
    expect(await ask({ grpcService: 'shop.Other' })).toEqual({
      isPassed: false,
      detail: 'gRPC status NOT_FOUND',
    });
  });

  it('fails in time when nothing is answered', async () => {
    grpc.says.set('', 'hangs');
    expect(await ask({}, 100)).toEqual({ isPassed: false, detail: 'timed out after 100 ms' });
    await eventually(
      () => grpc.connections,
      (count) => count === 0,
    );
  });

  it.each([
    ['closes', (socket: Socket) => socket.destroy()],
    ['speaks HTTP/1', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n')],
    ['says nothing', () => undefined],
    ['sends noise without an end', (socket: Socket) => socket.write(randomBytes(100_000))],
  ])('fails where somebody %s', async (_, onSocket) => {
    const { port } = await listen((socket) => void onSocket(socket));
    expect(await probe.run(at('grpc', port), 200)).toMatchObject({ isPassed: false });
  });
});

describe('a check over NATS', () => {
  const url = process.env['DOWNBEAT_TEST_NATS_URL'] ?? '';
  const prefix = `t${randomBytes(4).toString('hex')}`;
  let bus: NatsMessageBus;
  let service: NatsConnection;
  let probe: NatsProbe;
  let reply: { readonly body: string; readonly code?: string };
  beforeAll(async () => {
    bus = await NatsMessageBus.connect({ url, prefix, name: 'probe' });
    service = await connect({ servers: url });
    probe = new NatsProbe(bus, CheckedSubjects.of(undefined, 'production'));
    service.subscribe(`${prefix}.service.billing.>`, {
      callback: (_, message) => {
        if (message.subject.endsWith('.hangs')) return;
        const replied = headers();
        if (reply.code !== undefined) replied.set('Nats-Service-Error-Code', reply.code);
        message.respond(reply.body, { headers: replied });
      },
    });
    await service.flush();
  });
  afterAll(async () => {
    await bus.close();
    await service.close();
  });
  const ask = (subject: string | undefined, more: object = {}, timeoutMs = WITHIN_MS) =>
    probe.run({ ...at('nats', 1, more), subject }, timeoutMs);

  it('passes with a reply', async () => {
    reply = { body: '' };
    expect(await ask('service.billing.1')).toEqual({ isPassed: true, detail: 'replied' });
  });

  it('fails with a reply that says so', async () => {
    reply = { body: '', code: '503' };
    expect(await ask('service.billing.1')).toEqual({
      isPassed: false,
      detail: 'it replied with error 503',
    });
    reply = { body: '{"status":"DOWN"}' };
    const expectedBody = { field: 'status', values: ['UP'] };
    expect(await ask('service.billing.1', { expectedBody })).toMatchObject({ isPassed: false });
  });

  it('fails when nobody listens, and in time when nobody replies', async () => {
    expect(await ask('service.nobody.1')).toEqual({
      isPassed: false,
      detail: 'nobody listens on service.nobody.1',
    });
    expect(await ask('service.billing.hangs', {}, 100)).toEqual({
      isPassed: false,
      detail: 'no reply within 100 ms',
    });
  });

  it('asks nowhere but where it may', async () => {
    const request = jest.spyOn(bus, 'request');
    for (const subject of [
      undefined,
      'command.registry.DeregisterInstance.x',
      'query.registry.directory',
      '$JS.API.STREAM.DELETE.x',
      '_INBOX.someone',
      'event.health.x',
      'shop.billing',
      'services.billing',
      'service',
    ])
      expect(await ask(subject)).toMatchObject({ isPassed: false });
    expect(request).not.toHaveBeenCalled();
    request.mockRestore();
  });

  it('says nothing when it is we who are not connected', async () => {
    const lost = await NatsMessageBus.connect({ url, prefix, name: 'lost' });
    await lost.close();
    const blind = new NatsProbe(lost, CheckedSubjects.of('*', 'production'));
    expect(
      await blind.run({ ...at('nats', 1), subject: 'service.billing.1' }, 100),
    ).toBeUndefined();
  });
});
