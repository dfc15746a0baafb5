import { LogDatabase, MemoryEventStore, MemoryLog } from '@downbeat/event-store/testing';
import { instantOf } from '@downbeat/eventsourcing';
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

/** For in a second; the same one each time. */
const say = () =>
  handler.execute(
    new SendMessage(
      {
        ...{ queue_name: 'later', message_id: 'd-1', message_type: 'order.placed', from: 'shop' },
        ...{ message_payload: {}, delay_seconds: 1 },
      },
      instantOf(now),
      { meta: { correlation_id: 'c-1', causation_id: 'c-1', actor: 'test' } },
    ),
  );
const kept = async (): Promise<number> =>
  (await pool.query('select from delayed_message')).rowCount ?? 0;
const sent = (): number => bus.serviceMessages.held.size;

/** Happens once, right after somebody has read how a delayed message stands. */
function afterStatusIsRead(happens: () => Promise<unknown>): void {
  const statusOf = delayed.statusOf.bind(delayed);
  delayed.statusOf = async (id) => {
    delayed.statusOf = statusOf;
    const status = await statusOf(id);
    await happens();
    return status;
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

  it('is not forgotten as one that nobody decided to send, when that is decided just then', async () => {
    const append = store.append.bind(store);
    store.append = () => Promise.reject(new Error('died'));
    await expect(say()).rejects.toThrow('died');
    store.append = append;
    now += 11 * MINUTE;
    afterStatusIsRead(say);
    await delayed.look();
    expect([sent(), await kept()]).toEqual([0, 1]);
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
