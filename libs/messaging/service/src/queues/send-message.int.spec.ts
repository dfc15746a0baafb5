import { LogDatabase, MemoryEventStore, MemoryLog } from '@downbeat/event-store/testing';
import {
  instantOf,
  type Message,
  type StreamName,
  type StreamVersion,
} from '@downbeat/eventsourcing';
import { MemoryMessageBus } from '@downbeat/message-bus/testing';
import type { ReadModels } from '@downbeat/projections';
import { ContextPool } from '@downbeat/service-host';
import { Logger } from '@nestjs/common';
import { DelayedMessages } from './delayed-messages';
import type { QueueGauge } from './queue-gauge';
import { SendMessage, SendMessageHandler } from './send-message';
import { SentBefore } from './sent-before';

Logger.overrideLogger(false);

const MINUTE = 60_000;

let database: LogDatabase;
let pool: ContextPool;
let store: MemoryEventStore;
let bus: MemoryMessageBus;
let delayed: DelayedMessages;
let handler: SendMessageHandler;
let now: number;

beforeAll(async () => {
  database = await LogDatabase.create('send_message');
  pool = new ContextPool(database.urlOf('messaging'), 'messaging');
});
afterAll(async () => {
  await pool.close();
  await database.drop();
});

beforeEach(async () => {
  store = new MemoryEventStore(new MemoryLog(), 'messaging');
  bus = new MemoryMessageBus();
  now = Date.now();
  // Somebody has subscribed to the topic.
  const readModels = {
    ask: () => Promise.resolve({ position: 0, data: [{}] }),
  } as unknown as ReadModels;
  const gauge = { estimated: () => Promise.resolve(undefined) } as unknown as QueueGauge;
  const sentBefore = new SentBefore(store, bus, readModels);
  delayed = new DelayedMessages(pool, store, bus, sentBefore, { now: () => now });
  handler = new SendMessageHandler(store, bus, readModels, delayed, gauge);
  await delayed.prepare();
  await pool.query('delete from delayed_message');
});

/** For in a second; the same one each time, but for what is said here. */
const say = (more: Partial<SendMessage['data']> = {}, id = 'c-1') =>
  handler.execute(
    new SendMessage(
      {
        ...{ queue_name: 'later', message_id: 'd-1', message_type: 'order.placed', from: 'shop' },
        ...{ message_payload: {}, delay_seconds: 1, ...more },
      },
      instantOf(now),
      { meta: { correlation_id: id, causation_id: id, actor: 'test' } },
    ),
  );
const kept = async (): Promise<number> =>
  (await pool.query('select from delayed_message')).rowCount ?? 0;
const sent = (): number => bus.serviceMessages.held.size;
const bodies = (): readonly string[] =>
  [...bus.serviceMessages.held.values()].map(({ body }) => String(body));

/** Happens once, right after somebody has read how a delayed message stands. */
function afterStatusIsRead(happens: () => Promise<unknown>): void {
  const load = store.load.bind(store);
  store.load = async <Event extends Message>(stream: StreamName, after?: StreamVersion) => {
    const events = await load<Event>(stream, after);
    if (stream.startsWith('delayed-message-')) {
      store.load = load;
      await happens();
    }
    return events;
  };
}

describe('a delayed message that is said once more', () => {
  it('waits nowhere, and is queued, when it is sent just then', async () => {
    expect(await say()).toMatchObject({ answer: { status: 'delayed' } });
    now += 2_000;
    afterStatusIsRead(() => delayed.look());
    expect(await say()).toMatchObject({ answer: { status: 'queued' } });
    expect([sent(), await kept()]).toEqual([1, 0]);
  });

  it('is sent once when whoever said it first died before it was decided', async () => {
    const append = store.append.bind(store);
    store.append = () => Promise.reject(new Error('died'));
    await expect(say()).rejects.toThrow('died');
    store.append = append;
    expect(await kept()).toBe(1);
    expect(await say()).toMatchObject({ answer: { status: 'delayed' } });
    now += 2_000;
    await delayed.look();
    expect([sent(), await kept()]).toEqual([1, 0]);
  });

  it('goes as it is said then, and when, while nothing is decided of what was said before', async () => {
    const append = store.append.bind(store);
    store.append = () => Promise.reject(new Error('died'));
    await expect(say({ message_payload: 'first', delay_seconds: 1 })).rejects.toThrow('died');
    store.append = append;
    await say({ message_payload: 'second', delay_seconds: 60 }, 'c-2');
    now += 2_000;
    await delayed.look();
    expect([bodies(), await kept()]).toEqual([[], 1]);
    now += MINUTE;
    await delayed.look();
    expect([bodies(), await kept()]).toEqual([['"second"'], 0]);
  });

  it('waits for the time that was decided, also when that happens while it is looked at', async () => {
    const append = store.append.bind(store);
    store.append = () => Promise.reject(new Error('died'));
    await expect(say({ message_payload: 'first', delay_seconds: 1 })).rejects.toThrow('died');
    store.append = append;
    now += 2_000;
    const load = store.load.bind(store);
    store.load = async (...of) => {
      store.load = load;
      await say({ message_payload: 'second', delay_seconds: 60 }, 'c-2');
      return load(...of);
    };
    await delayed.look();
    expect([bodies(), await kept()]).toEqual([[], 1]);
    now += MINUTE;
    await delayed.look();
    expect([bodies(), await kept()]).toEqual([['"second"'], 0]);
  });

  it('stays as it was decided, also when that happens just then', async () => {
    afterStatusIsRead(() => say({ message_payload: 'first', delay_seconds: 1 }));
    await say({ message_payload: 'second', delay_seconds: 60 }, 'c-2');
    await say({ message_payload: 'third', delay_seconds: 60 }, 'c-3');
    now += 2_000;
    await delayed.look();
    expect([bodies(), await kept()]).toEqual([['"first"'], 0]);
  });

  it('is as it was decided once that is said again, when its sayer died right after that', async () => {
    const append = store.append.bind(store);
    store.append = async (...said) => {
      await append(...said);
      throw new Error('died');
    };
    afterStatusIsRead(() =>
      expect(say({ message_payload: 'first', delay_seconds: 1 })).rejects.toThrow('died'),
    );
    await say({ message_payload: 'second', delay_seconds: 60 }, 'c-2');
    store.append = append;
    await say({ message_payload: 'first', delay_seconds: 1 });
    now += 2_000;
    await delayed.look();
    expect([bodies(), await kept()]).toEqual([['"first"'], 0]);
  });

  it('stays as it was decided when another one is put there right before that', async () => {
    const append = store.append.bind(store);
    store.append = async (...said) => {
      store.append = () => Promise.reject(new Error('died'));
      await expect(say({ message_payload: 'second', delay_seconds: 60 }, 'c-2')).rejects.toThrow(
        'died',
      );
      store.append = append;
      return append(...said);
    };
    await say({ message_payload: 'first', delay_seconds: 1 });
    now += 2_000;
    await delayed.look();
    expect([bodies(), await kept()]).toEqual([['"first"'], 0]);
  });

  it('is not forgotten as one that nobody decided to send, when that is decided just then', async () => {
    const append = store.append.bind(store);
    store.append = () => Promise.reject(new Error('died'));
    await expect(say()).rejects.toThrow('died');
    store.append = append;
    now += 11 * MINUTE;
    afterStatusIsRead(say);
    await delayed.look();
    expect([sent(), await kept()]).toEqual([0, 1]);
    now += 2_000;
    await delayed.look();
    expect([sent(), await kept()]).toEqual([1, 0]);
  });

  it('is forgotten when nobody says it again', async () => {
    store.append = () => Promise.reject(new Error('died'));
    await expect(say()).rejects.toThrow('died');
    now += 9 * MINUTE;
    await delayed.look();
    expect(await kept()).toBe(1);
    now += 2 * MINUTE;
    await delayed.look();
    expect([sent(), await kept()]).toEqual([0, 0]);
  });
});

describe('a message that is larger than a server takes, as it goes out', () => {
  /** Small as it is said: JSON writes 21 digits for each. */
  const message_payload = Array<number>(45_000).fill(1e20);
  const headers = Object.fromEntries(
    Array.from({ length: 60 }, (_, n) => [`x-${n}`, '\u6f22'.repeat(1_024)]),
  );

  it.each([
    ['later', 1],
    ['now', 0],
  ])('is refused before anything is kept or decided: %s', async (_, delay_seconds) => {
    expect(await say({ message_payload, headers, delay_seconds })).toMatchObject({
      accepted: false,
      problem: {
        code: 'message-too-large',
        kind: 'invalid',
        message: expect.stringMatching(
          /message_payload and headers .* 11\d{5} bytes .* at most 1048320 /,
        ) as string,
        errors: [{ field: 'message_payload' }],
      },
    });
    expect([sent(), await kept(), await store.head()]).toEqual([0, 0, 0]);
  });
});
