import { randomUUID } from 'node:crypto';
import { NatsMessageBus, type MessageBus, type QueryOutcome } from '@downbeat/message-bus';
import { removeStreams } from '@downbeat/message-bus/testing';
import { logHints } from '@downbeat/service-host';
import { SentEvents } from '@downbeat/test-bench';
import { GatewayBench } from './testing/gateway-bench';
import { LOG_NAME } from './testing/host-settings';
import { ViewSettings } from './views/view-settings';

const services = '/api/orchestration/services';
const WATCHERS = 100;

const natsUrl = (): string => {
  const url = process.env['DOWNBEAT_TEST_NATS_URL'];
  if (!url) throw new Error('DOWNBEAT_TEST_NATS_URL names no NATS server');
  return url;
};

describe('views of two gateways on real NATS', () => {
  const prefix = `t${randomUUID().slice(0, 8)}`;
  const buses: NatsMessageBus[] = [];
  const gateways: GatewayBench<MessageBus>[] = [];
  let registry: NatsMessageBus;
  let position = 1;
  let asked = 0;
  /** Too rare to help a hint along, so that questions can be counted. */
  const NEVER_MS = 3_600_000;

  const connect = async (name: string) => {
    const bus = await NatsMessageBus.connect({ url: natsUrl(), prefix, name });
    buses.push(bus);
    return bus;
  };
  const append = () => {
    position++;
    logHints(registry, LOG_NAME).publish({ position, contexts: ['registry'] });
  };

  beforeAll(async () => {
    registry = await connect('registry');
    registry.answer('query.registry.list-services', async (): Promise<QueryOutcome> => {
      asked++;
      return { ok: true, position, data: { position } };
    });
    const settings = Object.assign(new ViewSettings(), { lookMs: NEVER_MS, freshMs: NEVER_MS });
    for (const name of ['one', 'other'])
      gateways.push(
        await GatewayBench.over<MessageBus>(await connect(name), undefined, undefined, settings),
      );
  });
  afterAll(async () => {
    for (const gateway of gateways) await gateway.stop();
    for (const bus of buses) await bus.close();
    await removeStreams(natsUrl(), prefix);
  });

  const watch = (gateway: number, lastId?: string) =>
    SentEvents.open(
      gateways[gateway]?.url(services) ?? '',
      lastId === undefined ? {} : { 'Last-Event-ID': lastId },
    );

  it('ask once each, whoever watches, and go on where another one was', async () => {
    const streams = await Promise.all(Array.from({ length: WATCHERS }, (_, no) => watch(no % 2)));
    for (const stream of streams) await stream.until((events) => events.length === 1);
    expect(asked).toBe(2);

    append();
    for (const stream of streams)
      await stream.until((events) => events.at(-1)?.data === '{"position":2}');
    expect(asked).toBe(4);

    await gateways[0]?.stop();
    const lost = streams.filter((_, no) => no % 2 === 0);
    for (const stream of lost) await stream.end();
    const resumed = await Promise.all(lost.map((stream) => watch(1, stream.events.at(-1)?.id)));
    append();
    for (const stream of resumed) {
      const [first] = await stream.until((events) => events.length > 0);
      expect(first).toMatchObject({ event: 'change', data: '{"position":3}' });
      stream.close();
    }
    for (const stream of streams) stream.close();
    // Those who came back had what there is, and the other one knew that it is as new.
    expect(asked).toBe(5);
  });
});
