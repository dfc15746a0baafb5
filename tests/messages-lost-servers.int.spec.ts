import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { MessageNotPublished, topic, type DownbeatService } from '@downbeat/sdk';
import { eventually } from '@downbeat/test-bench';
import { z } from 'zod';
import { MessageBench, NO_GATEWAY, PATIENT } from './support/message-bench';
import { OpenNats } from './support/open-nats';

jest.setTimeout(180_000);

const SUBSCRIBER = join(__dirname, 'support', 'message-subscriber.mjs');
const work = topic('work', z.object({ number: z.number(), isDeadly: z.boolean().optional() }));

let nats: OpenNats;
let bench: MessageBench;
let shop: DownbeatService;
const children = new Set<ChildProcess>();

beforeEach(async () => {
  nats = await OpenNats.start();
  bench = await MessageBench.start(nats);
  shop = bench.service('shop');
  await shop.start();
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  await bench.stop();
});

/** Those that could be published, with as many at once, each within its time. */
async function publishAll(
  count: number,
  { isOver = (): boolean => false, timeoutMs = 30_000 } = {},
): Promise<ReadonlySet<number>> {
  const acked = new Set<number>();
  let next = 0;
  const one = async (): Promise<void> => {
    for (let number = next++; number < count && !isOver(); number = next++)
      try {
        await shop.publish(work, { number }, { timeoutMs });
        acked.add(number);
      } catch (fault) {
        if (!(fault instanceof MessageNotPublished)) throw fault;
      }
  };
  await Promise.all(Array.from({ length: 16 }, one));
  return acked;
}

describe('a subscriber that is killed', () => {
  let handled: number[];
  let isOver: boolean;
  beforeEach(() => ([handled, isOver] = [[], false]));
  // Before the others are killed, so that none is started for one of them.
  afterEach(() => (isOver = true));

  const subscriber = (): ChildProcess => {
    const child = spawn(process.execPath, [SUBSCRIBER], {
      env: { PATH: process.env['PATH'], NATS_URL: nats.urlOf(), GATEWAY_URL: NO_GATEWAY },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let rest = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      handled.push(...lines.map(Number));
    });
    children.add(child);
    return child;
  };
  const kill = async (child: ChildProcess): Promise<void> => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    children.delete(child);
  };
  const many = (count: number) =>
    eventually(
      () => new Set(handled).size,
      (size) => expect(size).toBeGreaterThanOrEqual(count),
      90_000,
    );

  it('with -9, again and again, loses no message', async () => {
    const [first] = [subscriber(), subscriber()];
    await shop.publish(work, { number: -1 }, PATIENT);
    await eventually(
      () => bench.client.request('$JS.API.STREAM.INFO.message').then((reply) => reply.json()),
      // The probe, whoever shows queues, and the five that a service with one topic has.
      (info) => expect(info).toMatchObject({ state: { consumer_count: 7 } }),
      20_000,
    );
    const publishing = publishAll(2_000);
    await many(100);
    await kill(first);
    await many(400);
    subscriber();
    await many(800);
    await kill([...children][0] as ChildProcess);
    const acked = await publishing;
    expect(acked.size).toBe(2_000);
    // And the first one, before them.
    await many(2_001);
    for (const number of acked) expect(handled).toContain(number);
    expect(await bench.letters('crew')).toEqual([]);
  });

  it('by a message, each time, has that one set aside and no other', async () => {
    let deaths = 0;
    const start = (): void => {
      const child = subscriber();
      child.once('exit', () => {
        children.delete(child);
        deaths++;
        if (!isOver) start();
      });
    };
    start();
    await eventually(
      () => bench.client.request('$JS.API.STREAM.INFO.message').then((reply) => reply.json()),
      (info) => expect(info).toMatchObject({ state: { consumer_count: 7 } }),
      20_000,
    );
    await Promise.all(
      Array.from({ length: 60 }, (_, number) =>
        shop.publish(work, { number, ...(number === 7 ? { isDeadly: true } : {}) }, PATIENT),
      ),
    );
    const [letter, ...others] = await eventually(
      () => bench.letters('crew'),
      (letters) => expect(letters).toHaveLength(1),
      120_000,
    );
    expect(others).toEqual([]);
    expect(letter).toMatchObject({
      body: '{"number":7,"isDeadly":true}',
      reason: 'delivered 6 times without an end, at most 5 allowed',
      attempts: 6,
    });
    expect(deaths).toBe(5);
    await many(59);
  });
});

describe('when NATS loses its directory', () => {
  it('subscribers go on, and publishers were told of each message whether it was taken', async () => {
    const handled = new Set<number>();
    const crew = bench.service('crew');
    crew.subscribe(work, ({ number }) => void handled.add(number));
    await bench.started(crew, 'crew');
    const before = await publishAll(200);
    await eventually(
      () => handled.size,
      (size) => expect(size).toBe(before.size),
    );
    let isOver = false;
    const publishing = publishAll(1_000_000, { isOver: () => isOver, timeoutMs: 2_000 });
    await eventually(
      () => handled.size,
      (size) => expect(size).toBeGreaterThan(300),
    );
    await nats.own.kill();
    await nats.own.loseDirectory();
    await nats.own.run();
    await eventually(
      () => bench.eventsOf('crew', 'subscribed'),
      (events) => expect(events.at(-1)).toMatchObject({ isNewStream: true }),
      30_000,
    );
    isOver = true;
    await publishing;
    // What is published from now on is handled, all of it.
    const late = { number: -5 };
    await shop.publish(work, late, PATIENT);
    await eventually(
      () => handled.has(late.number),
      (isThere) => expect(isThere).toBe(true),
      20_000,
    );
  });

  it('loses nothing when it only restarts', async () => {
    const handled = new Set<number>();
    const crew = bench.service('crew');
    crew.subscribe(work, ({ number }) => void handled.add(number));
    await bench.started(crew, 'crew');
    const publishing = publishAll(3_000);
    await eventually(
      () => handled.size,
      (size) => expect(size).toBeGreaterThan(200),
    );
    await nats.own.kill();
    await nats.own.run();
    const acked = await publishing;
    expect(acked.size).toBeGreaterThan(2_500);
    await eventually(
      () => [...acked].filter((number) => !handled.has(number)),
      (missing) => expect(missing).toEqual([]),
      60_000,
    );
    expect(bench.eventsOf('crew', 'subscribed').at(-1)).toMatchObject({ isNewStream: false });
  });
});
