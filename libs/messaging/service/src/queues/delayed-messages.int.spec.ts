import { AppendRefused, execute } from '@downbeat/event-store';
import { LogDatabase, MemoryEventStore, MemoryLog } from '@downbeat/event-store/testing';
import { instantOf } from '@downbeat/eventsourcing';
import { HEADER, MessageTooLarge } from '@downbeat/message-bus';
import { MemoryMessageBus } from '@downbeat/message-bus/testing';
import { delayedMessage, delayedStream, type DelayedCommand } from '@downbeat/messaging-domain';
import {
  ReadModelBehind,
  type Projection,
  type ReadAs,
  type ReadModels,
} from '@downbeat/projections';
import { ContextPool } from '@downbeat/service-host';
import { Logger } from '@nestjs/common';
import { DelayedMessages } from './delayed-messages';
import type { MessageToSend } from './outgoing-message';
import { identityOf } from './produced';
import { SentBefore } from './sent-before';

Logger.overrideLogger(false);

const ID = '0198c2a4-7d1e-7c3b-9a52-3f1f0a9f3c11';
const SECOND = 1_000;
const message: MessageToSend = {
  ...{ queue_name: 'later', message_id: 'd-1', message_type: 'order.placed', from: 'shop' },
  ...{ payload: {}, priority: 'normal', correlation_id: 'd-1', headers: {} },
};

let database: LogDatabase;
let pool: ContextPool;
let store: MemoryEventStore;
let bus: MemoryMessageBus;
let delayed: DelayedMessages;
let now: number;
/** The keys of what the view has. */
let inView: Set<string>;
let looksAtView: number;
/** Up to where it has got. */
let viewReached: number;

beforeAll(async () => {
  database = await LogDatabase.create('delayed_messages');
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
  inView = new Set();
  looksAtView = 0;
  viewReached = Infinity;
  const readModels = {
    ask: async (
      { name }: Projection,
      { min_position = 0 }: ReadAs,
      ask: (manager: object) => Promise<unknown>,
    ) => {
      if (min_position > viewReached) throw new ReadModelBehind(name, min_position, viewReached);
      looksAtView++;
      const query = (_: string, [key = '']: readonly string[]) =>
        Promise.resolve(inView.has(key) ? [{}] : []);
      return { position: 0, data: await ask({ query }) };
    },
  } as unknown as ReadModels;
  const sentBefore = new SentBefore(store, bus, readModels);
  delayed = new DelayedMessages(pool, store, bus, sentBefore, { now: () => now });
  await delayed.prepare();
  await pool.query('delete from delayed_message');
});

const decide = (command: DelayedCommand) =>
  execute(store, delayedMessage, delayedStream(command.data.delayed_id), command, {
    meta: { correlation_id: 'd-1', causation_id: 'd-1', actor: 'test' },
  });

/** Said, decided, and its time has come. */
async function waiting(more: Partial<MessageToSend> = {}, id = ID): Promise<void> {
  await delayed.keep(id, instantOf(now), { ...message, ...more });
  await decided(id);
}

async function decided(id = ID): Promise<void> {
  const at = instantOf(now);
  const { queue_name, message_id, from, message_type } = message;
  const facts = { delayed_id: id, queue_name, message_id, from, message_type, due_at: at };
  await decide({ type: 'DelayMessage', data: facts, at });
}

/** As it is when whoever sent it died after that, or before. */
async function released(more: Partial<MessageToSend> = {}, id = ID): Promise<void> {
  await waiting(more, id);
  await decide({ type: 'ReleaseDelayed', data: { delayed_id: id }, at: instantOf(now) });
}

const kept = async (): Promise<number> =>
  (await pool.query('select from delayed_message')).rowCount ?? 0;
const sent = (): number => bus.serviceMessages.held.size;

describe('a delayed message whose time has come', () => {
  it('is sent, and forgotten', async () => {
    await waiting();
    await delayed.look();
    expect([sent(), await kept(), looksAtView]).toEqual([1, 0, 0]);
  });

  it('is not sent again when it was decided before, and is there', async () => {
    await released();
    inView.add('later/shop/d-1');
    await delayed.look();
    expect([sent(), await kept()]).toEqual([0, 0]);
  });

  it.each(['order  7', ' 7 ', 'order\u00a0\u30007', ' '])(
    'is found there whatever blanks are in its id: "%s"',
    async (message_id) => {
      let attempts = 0;
      // As it stands on the stream, and is seen there.
      bus.publishMessage = ({ subject, messageId, headers }) => {
        attempts++;
        const onStream = { ...headers, [HEADER.messageId]: messageId };
        inView.add(identityOf({ subject, sequence: 1, headers: onStream }, 'now').key);
        return Promise.resolve();
      };
      await waiting({ message_id });
      await delayed.look();
      await released({ message_id });
      await delayed.look();
      expect([attempts, await kept(), looksAtView]).toEqual([1, 0, 1]);
    },
  );

  it('is sent when it was decided before, and is not there', async () => {
    await released();
    await delayed.look();
    expect([sent(), await kept()]).toEqual([1, 0]);
  });

  it('waits until its view knows what was on the stream, however much comes meanwhile', async () => {
    await released();
    let [followedThrough, lastSequence] = [6, 7];
    const { serviceMessages } = bus;
    const progress = { streamCreated: serviceMessages.created, firstSequence: 1, consumers: [] };
    serviceMessages.progress = () =>
      Promise.resolve({ ...progress, followedThrough, lastSequence });
    await delayed.look();
    expect([sent(), await kept(), looksAtView]).toEqual([0, 1, 0]);
    [followedThrough, lastSequence] = [7, 9];
    inView.add('later/shop/d-1');
    await delayed.look();
    expect([sent(), await kept(), looksAtView]).toEqual([0, 0, 1]);
  });

  it('is late from its first attempt on, however many there are', async () => {
    await waiting();
    let attempts = 0;
    bus.publishMessage = () => {
      attempts++;
      return Promise.reject(new Error('nobody said whether it was there'));
    };
    await expect(delayed.look()).rejects.toThrow('nobody said');
    inView.add('later/shop/d-1');
    now += 40 * SECOND;
    await expect(delayed.look()).rejects.toThrow('nobody said');
    now += 40 * SECOND;
    await delayed.look();
    expect([attempts, await kept()]).toEqual([2, 0]);
  });
});

describe('many whose time has come', () => {
  const idOf = (n: number) => `0198c2a4-7d1e-7c3b-9a52-${String(n).padStart(12, '0')}`;
  /** In this order. */
  async function many(count: number): Promise<void> {
    for (let n = 1; n <= count; n++) await waiting({ message_id: `m-${n}` }, idOf(n));
  }
  /** How often each was tried. */
  function refuse(isRefused: (n: number) => boolean): Map<number, number> {
    const attempts = new Map<number, number>();
    const { publishMessage } = bus;
    bus.publishMessage = (one) => {
      const n = Number(one.headers[HEADER.originalId]?.slice(2));
      attempts.set(n, (attempts.get(n) ?? 0) + 1);
      return isRefused(n)
        ? Promise.reject(new Error(`${n} is refused`))
        : publishMessage.call(bus, one);
    };
    return attempts;
  }

  it('are not held up by one of which the view does not know yet', async () => {
    await released();
    now++;
    await many(40);
    viewReached = 1;
    await delayed.look();
    expect([sent(), await kept(), looksAtView]).toEqual([40, 1, 0]);
    // It knows all that was there when it was asked, if not what came after that.
    viewReached = await store.head();
    await decided(idOf(41));
    await delayed.look();
    expect([sent(), await kept(), looksAtView]).toEqual([41, 0, 1]);
  });

  it('are asked about anew by whoever begins again: another one may have sent them meanwhile', async () => {
    await released();
    viewReached = 1;
    await delayed.look();
    viewReached = await store.head();
    await decided(idOf(1));
    delayed.start();
    await delayed.stop();
    await delayed.look();
    expect([sent(), await kept(), looksAtView]).toEqual([0, 1, 0]);
  });

  it('are come to when more than a round can hold wait for the view', async () => {
    viewReached = 1;
    for (let n = 1; n <= 200; n++) await released({}, idOf(n));
    now++;
    await waiting();
    for (let round = 0; round < 2; round++) await delayed.look();
    expect([sent(), await kept()]).toEqual([1, 200]);
    viewReached = Infinity;
    inView.add('later/shop/d-1');
    for (let round = 0; round < 2; round++) await delayed.look();
    expect([sent(), await kept()]).toEqual([1, 0]);
  });

  it('are not held up by one that cannot be sent', async () => {
    await many(40);
    refuse((n) => n === 1);
    await expect(delayed.look()).rejects.toThrow('1 is refused');
    expect([sent(), await kept()]).toEqual([39, 1]);
  });

  it('are not held up by one that no server takes, which is forgotten, and named', async () => {
    await many(2);
    const error = jest.spyOn(Logger.prototype, 'error').mockImplementation();
    const { publishMessage } = bus;
    bus.publishMessage = (one) =>
      one.headers[HEADER.originalId] === 'm-1'
        ? Promise.reject(new MessageTooLarge(one.subject))
        : publishMessage.call(bus, one);
    await delayed.look();
    expect([sent(), await kept()]).toEqual([1, 0]);
    expect(error).toHaveBeenCalledWith(
      expect.objectContaining({ delayed_id: idOf(1), message_id: 'm-1', queue_name: 'later' }),
      'a delayed message can never be sent: it is forgotten',
    );
    error.mockRestore();
  });

  it('wait on when it is not their own fault that they cannot be sent', async () => {
    await many(1);
    store.append = ({ stream }) => Promise.reject(new AppendRefused(stream, 'not this one'));
    await expect(delayed.look()).rejects.toThrow('not this one');
    expect([sent(), await kept()]).toEqual([0, 1]);
  });

  it('are not all tried while none gets through, and not the same ones first each time', async () => {
    await many(20);
    const attempts = refuse((n) => n <= 16);
    await expect(delayed.look()).rejects.toThrow('is refused');
    expect([sent(), attempts.size]).toEqual([0, 16]);
    await delayed.look();
    expect([sent(), attempts.size]).toEqual([4, 20]);
    await expect(delayed.look()).rejects.toThrow('is refused');
    expect([attempts.get(1), attempts.get(20), await kept()]).toEqual([2, 1, 16]);
  });
});

/** What JSON allows, and what Postgres takes as JSON but never as text. */
const UNWRITABLE = { nul: 'a\0b', half: '\ud800' };

it('waits and is sent whatever stands in it', async () => {
  await waiting({ payload: UNWRITABLE });
  await delayed.look();
  expect([...bus.serviceMessages.held.values()].map(({ body }) => String(body))).toEqual([
    JSON.stringify(UNWRITABLE),
  ]);
});

describe('the table of an earlier release', () => {
  it.each([
    ['none', 'drop column queue_name'],
    [
      'one that Postgres fills',
      `drop column queue_name,
        add column queue_name text generated always as (message ->> 'queue_name') stored`,
    ],
  ])('goes on with what waits in it, and counts anew: a column of queues, %s', async (_, ddl) => {
    await pool.query(`alter table delayed_message ${ddl}`);
    await pool.query(
      'insert into delayed_message (delayed_id, due_at, message) values ($1, $2, $3)',
      [ID, instantOf(now), JSON.stringify(message)],
    );
    await decided();
    await delayed.prepare();
    await delayed.look();
    expect([sent(), await kept()]).toEqual([1, 0]);
    await delayed.keep(ID, instantOf(now), message);
    const { rows } = await pool.query('select queue_name from delayed_message');
    expect(rows).toEqual([{ queue_name: 'later' }]);
  });

  it('is taken over whatever stands in what waits there', async () => {
    await pool.query('alter table delayed_message drop column queue_name');
    await pool.query(
      'insert into delayed_message (delayed_id, due_at, message) values ($1, $2, $3)',
      [ID, instantOf(now), JSON.stringify({ ...message, payload: UNWRITABLE })],
    );
    await delayed.prepare();
    expect(await kept()).toBe(1);
  });
});
