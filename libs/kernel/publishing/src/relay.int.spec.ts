import { randomBytes } from 'node:crypto';
import { eventually } from '@downbeat/event-store/testing';
import { NatsMessageBus } from '@downbeat/message-bus';
import { removeStreams } from '@downbeat/message-bus/testing';
import { busTransport } from './event-transport';
import { react, servePublications } from './reactions';
import { PostgresReceipts } from './receipts';
import { Relay, type RelayFind } from './relay';
import { SessionLock } from './session-lock';
import { PublishedLog } from './testing/published-log';

const natsUrl = process.env['DOWNBEAT_TEST_NATS_URL'] ?? '';

describe('publications between two contexts, on real Postgres and NATS', () => {
  let log: PublishedLog;
  let prefix: string;
  let buses: NatsMessageBus[];
  let relays: Relay[];
  let finds: RelayFind[];
  let applied: number[];
  beforeEach(async () => {
    if (natsUrl === '') throw new Error('DOWNBEAT_TEST_NATS_URL is not set');
    log = await PublishedLog.create('relay');
    prefix = `pub${randomBytes(4).toString('hex')}`;
    [buses, relays, finds, applied] = [[], [], [], []];
  });
  afterEach(async () => {
    await Promise.all(relays.map((relay) => relay.stop()));
    await Promise.all(buses.map((bus) => bus.close()));
    await removeStreams(natsUrl, prefix);
    await log.stop();
  });

  const connect = async (name: string): Promise<NatsMessageBus> => {
    const bus = await NatsMessageBus.connect({
      url: natsUrl,
      prefix,
      name,
      checkMs: 200,
      heartbeatMs: 500,
    });
    buses.push(bus);
    return bus;
  };
  const startRelay = async (): Promise<Relay> => {
    const pool = log.pool();
    const [bus, publications] = [await connect('registry'), await log.replica(pool)];
    servePublications(bus, 'registry', publications);
    const relay = new Relay(
      log.store,
      publications,
      new PostgresReceipts(pool),
      busTransport(bus),
      new SessionLock(pool, 'relay'),
      {
        pollMs: 20,
        pauseMs: 50,
        reconcileMs: 100,
        onFault: () => undefined,
        onFind: ({ kind }) => finds.push(kind),
      },
    );
    relays.push(relay);
    relay.start();
    return relay;
  };
  const startReactor = async () => {
    const store = log.database.store('health');
    return react(
      await connect('health'),
      {
        consumer: 'health-tests',
        source: 'registry',
        intentFor: ({ number }) => {
          applied.push(number);
          return undefined;
        },
      },
      store,
      { onForeign: () => undefined, onHalved: () => undefined },
    );
  };
  const numbers = (last: number) => Array.from({ length: last }, (_, index) => index + 1);
  const seen = (last: number) => eventually(() => expect(applied).toEqual(numbers(last)));

  it('arrive once each and in order', async () => {
    await startRelay();
    await startReactor();
    await log.append('a', 20);
    await seen(10);
    expect(finds).toEqual([]);
  });

  it('survive the deletion of the stream while all are running', async () => {
    await startRelay();
    await startReactor();
    await log.append('a', 6);
    await seen(3);
    await removeStreams(natsUrl, prefix);
    await log.append('b', 6);
    await eventually(() => expect(finds).toContain('stream-lost'));
    await seen(6);
  });

  it('survive the deletion of the stream while nobody is running', async () => {
    const relay = await startRelay();
    await log.append('a', 6);
    await eventually(() => expect(relay.status().sent).toBe(3));
    await relay.stop();
    await removeStreams(natsUrl, prefix);
    await startRelay();
    await startReactor();
    await seen(3);
  });

  it('pass over what no relay put on the stream', async () => {
    await startRelay();
    await startReactor();
    await log.append('a', 2);
    await seen(1);
    const foreign = await connect('stranger');
    await foreign.publishEvents([
      { subject: 'event.registry.Told.x', messageId: 'x', headers: {}, body: {} },
    ]);
    await log.append('b', 2);
    await seen(2);
  });

  it('go on when the relay that held the lock loses it', async () => {
    const [one, two] = [await startRelay(), await startRelay()];
    await startReactor();
    await log.append('a', 4);
    await seen(2);
    await log.endLockHolder();
    await log.append('b', 4);
    await log.endLockHolder();
    await log.append('c', 4);
    await seen(6);
    await eventually(() => expect(Math.max(one.status().sent, two.status().sent)).toBe(6));
    expect(finds).toEqual([]);
  });
});
