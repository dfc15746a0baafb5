import { randomUUID } from 'node:crypto';
import { connect, JSONCodec } from 'nats';
import {
  done,
  NatsMessageBus,
  type Delivery,
  type MessageBus,
  type QueryOutcome,
} from '@downbeat/message-bus';
import { MemoryDeadLetters, removeStreams } from '@downbeat/message-bus/testing';
import { logHintSubject } from '@downbeat/service-host';
import { StreamSettings } from './stream/stream-settings';
import { GatewayBench } from './testing/gateway-bench';
import { LOG_NAME } from './testing/host-settings';
import { StreamReader } from './testing/stream-reader';
import { FakeBus } from './testing/fake-bus';
import { FakeLog } from './testing/fake-log';

const service = {
  service_name: 'billing',
  service_version: '1.4.0',
  service_type: 'api',
  deployment_environment: 'production',
  dependencies: [],
};

const natsUrl = (): string => {
  const url = process.env['DOWNBEAT_TEST_NATS_URL'];
  if (!url) throw new Error('DOWNBEAT_TEST_NATS_URL names no NATS server');
  return url;
};

describe('the gateway on real NATS', () => {
  const prefix = `t${randomUUID().slice(0, 8)}`;
  const deliveries: Delivery[] = [];
  let registry: NatsMessageBus;
  let bus: NatsMessageBus;
  let bench: GatewayBench<MessageBus>;
  let log: FakeLog;

  beforeAll(async () => {
    const url = natsUrl();
    registry = await NatsMessageBus.connect({
      url,
      prefix,
      name: 'registry',
      deadLetters: new MemoryDeadLetters(),
    });
    await registry.subscribe({
      durable: 'registry-commands',
      subject: 'command.registry.>',
      handle: async (delivery) => {
        const repeated = deliveries.some(({ id }) => id === delivery.id);
        if (!repeated) deliveries.push(delivery);
        return done({
          accepted: true,
          position: deliveries.length,
          answer: { service_id: 'billing' },
          repeated,
        });
      },
    });
    const memory = new FakeBus();
    log = new FakeLog(memory);
    registry.answer('query.audit.list-events', async (payload): Promise<QueryOutcome> =>
      memory.query('query.audit.list-events', payload as never),
    );
    bus = await NatsMessageBus.connect({ url, prefix, name: 'gateway' });
    // Polls are too rare to help a hint along.
    const settings = Object.assign(new StreamSettings(), { pollMs: 3_600_000 });
    bench = await GatewayBench.over<MessageBus>(bus, settings);
  });
  afterAll(async () => {
    await bench?.stop();
    await bus?.close();
    await registry?.close();
    await removeStreams(natsUrl(), prefix);
  });
  beforeEach(() => deliveries.splice(0));

  it('carries a command to its context and the outcome back', async () => {
    const response = await bench.send('POST', '/api/orchestration/services', service, {
      'X-Correlation-ID': 'cart-1',
    });
    expect([response.status, await response.json()]).toEqual([
      202,
      { position: 1, service_id: 'billing' },
    ]);
    expect(deliveries[0]).toMatchObject({
      subject: 'command.registry.RegisterService.billing',
      body: service,
      correlationId: 'cart-1',
      actor: 'anonymous',
    });
  });

  it('gives a repeated request the first outcome', async () => {
    const key = { 'Idempotency-Key': randomUUID() };
    const first = await bench.send('POST', '/api/orchestration/services', service, key);
    const second = await bench.send('POST', '/api/orchestration/services', service, key);
    expect(await second.json()).toEqual(await first.json());
    expect(deliveries).toHaveLength(1);
  });

  it('is unavailable for a question nobody answers', async () => {
    const response = await bench.fetch('/api/orchestration/services');
    expect(await response.json()).toMatchObject({ status: 503, code: 'message-bus/no-answer' });
  });

  it('streams what a hint tells of', async () => {
    const reader = await StreamReader.open(bench as never);
    log.append(3);
    registry.hint(logHintSubject(LOG_NAME), { position: log.head });
    expect(await reader.positions(3)).toEqual([1, 2, 3]);
    reader.close();
  });

  it('understands the same command from plain NATS, as docs/messages.md says', async () => {
    const plain = await connect({ servers: natsUrl(), timeout: 5_000 });
    const json = JSONCodec();
    const { service_name: _, ...body } = service;
    const reply = await plain.request(
      `${prefix}.command.registry.RegisterService.billing`,
      json.encode(body),
      { timeout: 20_000 },
    );
    await plain.close();
    expect(json.decode(reply.data)).toMatchObject({ accepted: true, position: 1 });
  });
});
