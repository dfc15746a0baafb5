import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectDownbeat, type DownbeatConnection } from './connection';
import type { ConnectionEvent, ConnectionOptions } from './options';

interface Seen {
  readonly call: string;
  readonly key: string;
  readonly body: Record<string, unknown>;
}

/** Stands for the gateway: remembers what it was asked, and answers as it is told. */
class FakeGateway {
  readonly seen: Seen[] = [];
  answer: (seen: Seen, response: ServerResponse) => void = (_, response) =>
    response.writeHead(202).end('{}');
  private readonly server: Server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const seen = {
        call: `${request.method} ${request.url}`,
        key: String(request.headers['idempotency-key']),
        body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
      };
      this.seen.push(seen);
      this.answer(seen, response);
    });
  });

  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    if (!this.server.listening) return;
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  calls = (call: string): readonly Seen[] => this.seen.filter((seen) => seen.call === call);
}

const SERVICES = 'POST /api/orchestration/services';
const INSTANCES = 'POST /api/orchestration/services/billing/instances';
const HEARTBEAT = 'POST /api/orchestration/services/billing/instances/billing-1/heartbeat';
const DEREGISTER = 'DELETE /api/orchestration/services/billing/instances/billing-1';

describe('a connection to the suite', () => {
  let gateway: FakeGateway;
  let port: number;
  let connection: DownbeatConnection;
  let events: ConnectionEvent[];
  /** Called with each event; a test waits by replacing it. */
  let onEvent: (event: ConnectionEvent) => void;

  beforeEach(async () => {
    gateway = new FakeGateway();
    port = await gateway.listen();
    events = [];
    onEvent = () => undefined;
  });
  afterEach(async () => {
    await connection.stop();
    await gateway.close();
  });

  const connect = (options: Partial<ConnectionOptions> = {}): DownbeatConnection => {
    connection = connectDownbeat({
      gatewayUrl: `http://127.0.0.1:${port}/`,
      service: {
        service_name: 'billing',
        service_version: '1.4.0',
        service_type: 'api',
        deployment_environment: 'development',
        dependencies: [],
      },
      instance: { instance_id: 'billing-1', ip_address: '127.0.0.1', port: 3_000 },
      heartbeatMs: 20,
      retryDelayFirstMs: 5,
      retryDelayMaxMs: 20,
      stopTimeoutMs: 10_000,
      onEvent: (event) => {
        events.push(event);
        onEvent(event);
      },
      ...options,
    });
    return connection;
  };

  const event = (type: ConnectionEvent['type'], times = 1): Promise<void> =>
    new Promise((resolve) => {
      onEvent = () => {
        if (events.filter((one) => one.type === type).length >= times) resolve();
      };
    });

  /** Resolves when the gateway has got that many such calls. */
  const called = (call: string, times: number): Promise<void> =>
    new Promise((resolve) => {
      const { answer } = gateway;
      gateway.answer = (seen, response) => {
        answer(seen, response);
        if (gateway.calls(call).length >= times) resolve();
      };
    });

  it('registers service and instance, then says what it uses', async () => {
    const beaten = called(HEARTBEAT, 2);
    await connect({ requestsPerMinute: () => 340 }).registered;
    await beaten;
    const [service, instance] = gateway.seen;
    expect(service).toMatchObject({ call: SERVICES, body: { service_name: 'billing' } });
    expect(instance).toMatchObject({
      call: INSTANCES,
      body: {
        instance_id: 'billing-1',
        ip_address: '127.0.0.1',
        port: 3_000,
        version: '1.4.0',
        heartbeat_ttl_ms: 1_000,
        node_name: expect.stringMatching(/./),
      },
    });
    expect(gateway.calls(HEARTBEAT)[0]?.body).toEqual({
      resource_usage: {
        cpu_percent: expect.any(Number),
        memory_mb: expect.any(Number),
        requests_per_minute: 340,
      },
    });
    const keys = gateway.seen.map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('deregisters when stopped, and is silent from then on', async () => {
    await connect().registered;
    await connection.stop();
    await connection.stop();
    expect(gateway.calls(DEREGISTER)).toHaveLength(1);
    expect(gateway.seen.at(-1)?.call).toBe(DEREGISTER);
    expect(events.at(-1)).toEqual({ type: 'deregistered' });
  });

  it('goes on trying while nobody answers, and registers when the suite is up', async () => {
    await gateway.close();
    const retried = event('retrying', 5);
    connect();
    await retried;
    gateway = new FakeGateway();
    await gateway.listen(port);
    await connection.registered;
    expect(gateway.seen.slice(0, 2).map(({ call }) => call)).toEqual([SERVICES, INSTANCES]);
    const delays = events.flatMap((one) => (one.type === 'retrying' ? [one.delayMs] : []));
    expect(Math.max(...delays)).toBeLessThanOrEqual(20);
    expect(new Set(delays).size).toBeGreaterThan(1);
  });

  it('repeats a registration of unknown outcome with the same key', async () => {
    let failures = 3;
    gateway.answer = (_, response) => {
      if (failures-- > 0) response.writeHead(503).end();
      else response.writeHead(202).end('{}');
    };
    await connect().registered;
    expect(gateway.calls(SERVICES)).toHaveLength(4);
    expect(new Set(gateway.calls(SERVICES).map(({ key }) => key)).size).toBe(1);
  });

  it('waits for an answer no longer than the time-out', async () => {
    let isFirst = true;
    gateway.answer = (_, response) => {
      if (!isFirst) response.writeHead(202).end('{}');
      isFirst = false;
    };
    await connect({ requestTimeoutMs: 30 }).registered;
    expect(events[0]).toMatchObject({ type: 'retrying', reason: 'timed out after 30 ms' });
  });

  it('honours Retry-After up to its own bound', async () => {
    let isFirst = true;
    gateway.answer = (_, response) => {
      if (isFirst) response.writeHead(503, { 'retry-after': '60' }).end();
      else response.writeHead(202).end('{}');
      isFirst = false;
    };
    await connect().registered;
    expect(events[0]).toMatchObject({ type: 'retrying', delayMs: 20 });
  });

  it('registers again, with new keys, when the suite has forgotten the instance', async () => {
    let isForgotten = true;
    gateway.answer = ({ call }, response) => {
      const status = call === HEARTBEAT && isForgotten ? 404 : 202;
      if (status === 404) isForgotten = false;
      response.writeHead(status).end('{}');
    };
    const again = event('registered', 2);
    connect();
    await again;
    const keys = gateway.calls(INSTANCES).map(({ key }) => key);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(2);
  });

  it('says once that it is refused after it was registered, and goes on asking', async () => {
    const untold = { heartbeats: 1, refusals: 2 };
    gateway.answer = ({ call }, response) => {
      if (call === HEARTBEAT && untold.heartbeats-- > 0) return void response.writeHead(404).end();
      const isRefused =
        call === INSTANCES && gateway.calls(INSTANCES).length > 1 && untold.refusals-- > 0;
      response.writeHead(isRefused ? 409 : 202).end('{"code":"service-retired"}');
    };
    const again = event('registered', 2);
    connect();
    await again;
    expect(gateway.calls(INSTANCES)).toHaveLength(4);
    expect(events.filter(({ type }) => type === 'refused')).toHaveLength(1);
  });

  it('asks anew, not again, when an instance comes before its service is known', async () => {
    let isUnknown = true;
    gateway.answer = ({ call }, response) => {
      const status = call === INSTANCES && isUnknown ? 404 : 202;
      if (status === 404) isUnknown = false;
      response.writeHead(status).end('{}');
    };
    await connect().registered;
    for (const call of [SERVICES, INSTANCES])
      expect(new Set(gateway.calls(call).map(({ key }) => key)).size).toBe(2);
  });

  it('keeps beating through errors of the suite', async () => {
    gateway.answer = ({ call }, response) =>
      response.writeHead(call === HEARTBEAT ? 500 : 202).end('{}');
    const beaten = called(HEARTBEAT, 3);
    connect();
    await beaten;
    expect(gateway.calls(INSTANCES)).toHaveLength(1);
  });

  it('ends when the registration is refused, and says why', async () => {
    gateway.answer = (_, response) => response.writeHead(400).end('{"code":"invalid-input"}');
    await expect(connect().registered).rejects.toMatchObject({
      code: 'sdk/registration-refused',
      status: 400,
      problem: '{"code":"invalid-input"}',
    });
    await connection.stop();
    expect(gateway.seen).toHaveLength(1);
  });

  it('stops in bounded time when the suite hangs', async () => {
    await connect({ stopTimeoutMs: 60 }).registered;
    gateway.answer = () => undefined;
    await connection.stop();
    expect(events.at(-1)).toMatchObject({ type: 'deregistration-failed' });
  });

  it('stops before it was ever registered', async () => {
    await gateway.close();
    const retried = event('retrying');
    connect();
    await retried;
    await connection.stop();
    await expect(connection.registered).rejects.toMatchObject({ code: 'sdk/connection-stopped' });
    expect(gateway.seen).toHaveLength(0);
  });

  it('refuses an answer of endless length', async () => {
    let isFirst = true;
    gateway.answer = (_, response) => {
      response.writeHead(202).end(isFirst ? 'x'.repeat(100_000) : '{}');
      isFirst = false;
    };
    await connect().registered;
    expect(events[0]).toMatchObject({ type: 'retrying', reason: 'the answer is too long' });
  });
});
