import { randomBytes } from 'node:crypto';
import { eventually } from '@downbeat/local-servers/testing';
import {
  AckPolicy,
  connect,
  nanos,
  StorageType,
  type JetStreamManager,
  type NatsConnection,
} from 'nats';
import { NatsLink } from './nats-link';
import { Pull } from './pull';

const INSTANCES = 600;
const PLACES = 512;
const WITHIN_MS = 30_000;

describe('more instances than a consumer has places for those that wait', () => {
  const stream = `pull-${randomBytes(4).toString('hex')}`;
  const got = new Map<number, string[]>();
  const refused: number[] = [];
  const troubled: number[] = [];
  let client: NatsConnection;
  let manager: JetStreamManager;
  let link: NatsLink;
  let pulls: readonly Pull[];

  beforeAll(async () => {
    const natsUrl = process.env['DOWNBEAT_TEST_NATS_URL'];
    if (natsUrl === undefined) throw new Error('DOWNBEAT_TEST_NATS_URL is not set');
    client = await connect({ servers: natsUrl });
    manager = await client.jetstreamManager();
    await manager.streams.add({ name: stream, subjects: [stream], storage: StorageType.Memory });
    await manager.consumers.add(stream, {
      durable_name: 'shop',
      ack_policy: AckPolicy.Explicit,
      // None comes again while this lasts.
      ack_wait: nanos(300_000),
      max_waiting: PLACES,
    });
    link = new NatsLink({ natsUrl, name: 'shop' });
    link.start();
    await eventually(() => expect(link.session()).toBeDefined(), WITHIN_MS);
    pulls = Array.from({ length: INSTANCES }, (_, instance) => instanceOf(instance));
  });
  afterAll(async () => {
    for (const pull of pulls ?? []) pull.stop();
    await link?.close();
    await manager?.streams.delete(stream);
    await client?.close();
  });

  /** It handles one message, and is busy with it from then on. */
  const instanceOf = (instance: number): Pull =>
    new Pull({
      link,
      stream,
      consumer: 'shop',
      room: () => (got.has(instance) ? 0 : 1),
      onMessage: ({ data }) => {
        got.set(instance, [...(got.get(instance) ?? []), Buffer.from(data).toString()]);
      },
      onRefused: () => void refused.push(instance),
      onTrouble: () => void troubled.push(instance),
    });

  it('are told so once, and bind anew for it never', async () => {
    for (const pull of pulls) pull.start();
    await eventually(
      () => expect(refused.length).toBeGreaterThanOrEqual(INSTANCES - PLACES),
      WITHIN_MS,
    );
    expect(troubled).toEqual([]);
    expect(new Set(refused).size).toBe(refused.length);
    expect((await manager.consumers.info(stream, 'shop')).num_waiting).toBeLessThanOrEqual(PLACES);
  });

  it('get messages all of them, each message one', async () => {
    const sent = Array.from({ length: INSTANCES }, (_, number) => String(number));
    for (const number of sent) client.publish(stream, number);
    await eventually(() => expect(got.size).toBe(INSTANCES), WITHIN_MS);
    expect([...got.values()].flat().sort()).toEqual(sent.toSorted());
    expect(troubled).toEqual([]);
  });
});
