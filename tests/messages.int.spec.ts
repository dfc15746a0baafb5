import {
  MessageNotPublished,
  MessageRefused,
  MessageTooLarge,
  topic,
  type DownbeatService,
  type MessageInfo,
  type MessagePriority,
} from '@downbeat/sdk';
import { eventually } from '@downbeat/test-bench';
import { z } from 'zod';
import { MessageBench, PATIENT } from './support/message-bench';
import { OpenNats } from './support/open-nats';

const PRIORITIES: readonly MessagePriority[] = ['critical', 'high', 'normal', 'low'];
/**
 * A slow one: what is at hand of each priority lasts it longer than a busy server takes to send more, since a
 * lane that is empty has no turn, whatever its weight.
 */
const HANDLER_MS = 8;
const orderSchema = z.object({ number: z.number().int(), note: z.string().optional() });

describe('messages between services', () => {
  let bench: MessageBench;
  let shop: DownbeatService;

  beforeAll(async () => {
    bench = await MessageBench.start(await OpenNats.start());
    shop = bench.service('shop');
    await shop.start();
    await eventually(
      () => bench.eventsOf('shop', 'nats-connected'),
      (events) => expect(events).toHaveLength(1),
    );
  });
  afterAll(() => bench.stop());

  const failureOf = async (publishing: Promise<unknown>): Promise<MessageNotPublished> => {
    const fault = await publishing.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!(fault instanceof MessageNotPublished)) throw new Error(`no failure: ${String(fault)}`);
    return fault;
  };

  it('reach each service that subscribes once, with what goes along', async () => {
    const placed = topic('order-placed', orderSchema);
    const seen: Record<string, [unknown, MessageInfo][]> = { shipping: [], mailing: [] };
    for (const [name, list] of Object.entries(seen))
      for (let instance = 0; instance < 2; instance++) {
        const service = bench.service(name);
        service.subscribe(placed, (message, info) => void list.push([message, info]));
        await bench.started(service, name);
      }
    const published = await shop.publish(
      placed,
      { number: 1 },
      {
        priority: 'high',
        ...PATIENT,
        messageId: 'order-1',
        correlationId: 'cart-7',
        traceparent: '00-1-2-01',
        headers: { tenant: 'north' },
      },
    );
    expect(published).toMatchObject({ messageId: 'order-1' });
    const again = await shop.publish(placed, { number: 1 }, { ...PATIENT, messageId: 'order-1' });
    expect(again).toEqual({ messageId: 'order-1', isDuplicate: true });
    await shop.publish(placed, { number: 2 }, PATIENT);
    await eventually(
      () => Object.values(seen).map((list) => list.length),
      (counts) => expect(counts).toEqual([2, 2]),
    );
    for (const list of Object.values(seen)) {
      const [[message, info] = []] = list.filter(([, { id }]) => id === 'order-1');
      expect(message).toEqual({ number: 1 });
      expect(info).toMatchObject({
        topic: 'order-placed',
        priority: 'high',
        from: 'shop',
        correlationId: 'cart-7',
        traceparent: '00-1-2-01',
        headers: { tenant: 'north', 'ce-type': 'order-placed' },
        attempt: 1,
        isRedriven: false,
      });
      expect(Math.abs(Date.now() - (info?.publishedAt.getTime() ?? 0))).toBeLessThan(60_000);
    }
  });

  it('say whether they were there already', async () => {
    const told = topic('told', orderSchema);
    const once: boolean[] = [];
    // Asked twice when the server was slow, it knows it already.
    for (let number = 0; number < 3 && !once.includes(false); number++)
      once.push((await shop.publish(told, { number }, PATIENT)).isDuplicate);
    expect(once).toContain(false);
    const messageId = 'told-twice';
    await shop.publish(told, { number: 7 }, { ...PATIENT, messageId });
    expect(await shop.publish(told, { number: 7 }, { ...PATIENT, messageId })).toEqual({
      messageId,
      isDuplicate: true,
    });
  });

  it('are refused by their sender, before anything is sent, when they cannot be taken', async () => {
    const big = topic('big', z.object({ text: z.string() }));
    const heard = new Set<string | undefined>();
    bench.client.subscribe('message.*.big', {
      callback: (_, { headers }) => void heard.add(headers?.get('Nats-Msg-Id')),
    });
    await bench.client.flush();
    const tooLarge = await failureOf(shop.publish(big, { text: 'x'.repeat(1_048_576) }));
    expect(tooLarge).toBeInstanceOf(MessageTooLarge);
    expect(tooLarge).toMatchObject({ outcome: 'not-sent', bytesMax: 1_048_320 });
    expect(tooLarge.message).toMatch(/has 10\d{5} bytes with its headers, at most 1048320/);
    const wrong = await failureOf(shop.publish(big, { text: 7 } as never));
    expect([wrong.outcome, wrong.message]).toEqual(['not-sent', expect.stringContaining('text')]);
    for (const headers of [{ 'Nats-Msg-Id': 'x' }, { a: 'b\nc' }, { 'a b': 'c' }])
      expect(await failureOf(shop.publish(big, { text: '' }, { headers }))).toMatchObject({
        outcome: 'not-sent',
      });
    // What is just small enough is taken, headers and all.
    await shop.publish(big, { text: 'x'.repeat(1_047_500) }, PATIENT);
    await eventually(
      () => heard.size,
      (count) => expect(count).toBe(1),
    );
  });

  it('are all handled, critical ones first and low ones not last of all, when 10,000 wait', async () => {
    const load = topic('load', orderSchema);
    const handled: MessageInfo[] = [];
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const worker = bench.service('worker');
    worker.subscribe(
      load,
      async (_, info) => {
        await opened;
        await new Promise((resolve) => setTimeout(resolve, HANDLER_MS));
        handled.push(info);
      },
      { inFlightMax: 4 },
    );
    await bench.started(worker, 'worker');
    const count = 10_000;
    const numbers = Array.from({ length: count }, (_, number) => number);
    const publishing = async (): Promise<void> => {
      for (let number = numbers.pop(); number !== undefined; number = numbers.pop()) {
        const priority = PRIORITIES[number % PRIORITIES.length] ?? 'normal';
        await shop.publish(load, { number }, { priority, timeoutMs: 30_000 });
      }
    };
    await Promise.all(Array.from({ length: 128 }, publishing));
    open();
    await eventually(
      () => handled.length,
      (many) => expect(many).toBe(count),
      120_000,
    );
    expect(new Set(handled.map(({ id }) => id)).size).toBe(count);
    // By weight the critical ones last until 4,687 are handled: so long some of each wait.
    const whileAllWait = handled.slice(100, 4_100);
    const share = (priority: MessagePriority): number =>
      whileAllWait.filter((info) => info.priority === priority).length / whileAllWait.length;
    const shares = PRIORITIES.map(share);
    const [critical = 0, high = 0, normal = 0, low = 0] = shares;
    expect(critical).toBeGreaterThan(0.35);
    expect(critical).toBeGreaterThan(high);
    expect(high).toBeGreaterThan(normal);
    expect(normal).toBeGreaterThan(low);
    expect(low).toBeGreaterThan(0.04);
    const lastOf = (priority: MessagePriority): number =>
      handled.findLastIndex((info) => info.priority === priority);
    const ends = PRIORITIES.map(lastOf);
    expect(ends).toEqual(ends.toSorted((one, other) => one - other));
  }, 240_000);

  it('come again when a handler fails, later each time, and are dead letters in the end', async () => {
    const flaky = topic('flaky', orderSchema);
    const attempts: Record<string, number[]> = {};
    const receiver = bench.service('receiver');
    let isFixed = false;
    receiver.subscribe(
      flaky,
      ({ number }, { attempt, isRedriven }) => {
        if (isFixed) return void (attempts[number] ??= []).push(isRedriven ? -1 : attempt);
        (attempts[number] ??= []).push(attempt);
        if (number === 1 && attempt === 3) return;
        if (number === 2) throw new MessageRefused('no such\nwarehouse');
        throw new Error('try again');
      },
      { deliveriesMax: 4, retryDelayFirstMs: 5, retryDelayMaxMs: 20 },
    );
    await bench.started(receiver, 'receiver');
    for (const number of [1, 2, 3])
      await shop.publish(
        flaky,
        { number },
        { ...PATIENT, messageId: `flaky-${number}`, headers: { a: 'b' } },
      );
    bench.client.publish('message.normal.flaky', '{"number":"four"}');
    bench.client.publish('message.normal.flaky', Buffer.from([0xff, 0xfe]));
    const letters = await eventually(
      () => bench.letters('receiver'),
      (all) => expect(all).toHaveLength(4),
    );
    const letterOf = (id: string) => letters.find(({ message_id }) => message_id === id);
    expect(letterOf('flaky-1')).toBeUndefined();
    expect(letterOf('flaky-2')).toMatchObject({
      service_name: 'receiver',
      topic: 'flaky',
      subject: 'message.normal.flaky',
      reason: 'no such warehouse',
      attempts: 1,
      status: 'quarantined',
      body: '{"number":2}',
      headers: { a: 'b', 'Downbeat-Message-Id': 'flaky-2' },
    });
    expect(letterOf('flaky-3')).toMatchObject({
      reason: 'gave up after 4 deliveries: try again',
      attempts: 4,
    });
    expect(letters.map(({ reason }) => reason)).toEqual(
      expect.arrayContaining([
        expect.stringContaining('number'),
        expect.stringContaining('not UTF-8'),
      ]),
    );
    expect(attempts).toEqual({ 1: [1, 2, 3], 2: [1], 3: [1, 2, 3, 4] });

    isFixed = true;
    const id = letterOf('flaky-2')?.id ?? '';
    expect(await bench.command('RedriveDeadLetter', id)).toMatchObject({ accepted: true });
    await eventually(
      () => bench.letters('receiver'),
      (all) =>
        expect(all.find((one) => one.id === id)).toMatchObject({
          status: 'redriven',
          attempts: 1,
        }),
    );
    expect(attempts[2]).toEqual([1, -1]);
  });

  it('go to an instance that has their topic when they are sent again, whichever others there are', async () => {
    const [old, recent] = [topic('old', orderSchema), topic('recent', orderSchema)];
    const [before, after] = [bench.service('mixed'), bench.service('mixed')];
    const attempts: number[] = [];
    before.subscribe(old, () => undefined);
    after.subscribe(recent, (_, { attempt, isRedriven }) => {
      if (!isRedriven) throw new MessageRefused('not yet');
      attempts.push(attempt);
    });
    await bench.started(after, 'mixed');
    for (const number of [1, 2, 3]) await shop.publish(recent, { number }, PATIENT);
    const letters = await eventually(
      () => bench.letters('mixed'),
      (all) => expect(all).toHaveLength(3),
    );
    await after.stop();
    await bench.started(before, 'mixed');
    for (const { id } of letters)
      expect(await bench.command('RedriveDeadLetter', id)).toMatchObject({ accepted: true });
    // This one is served by the instance that lacks the others' topic: it pulls.
    await shop.publish(old, { number: 4 }, PATIENT);
    const again = bench.service('mixed');
    again.subscribe(recent, (_, { attempt }) => void attempts.push(attempt));
    await bench.started(again, 'mixed');
    await eventually(
      () => attempts,
      (all) => expect(all).toEqual([1, 1, 1]),
    );
  });

  it('are handled while others fail and hang whenever they come again', async () => {
    const mixed = topic('mixed-luck', z.object({ number: z.number(), isBad: z.boolean() }));
    const [good, bad] = [new Set<number>(), new Set<number>()];
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const steady = bench.service('steady');
    steady.subscribe(
      mixed,
      async ({ number, isBad }, { attempt }) => {
        if (!isBad) return void good.add(number);
        bad.add(number);
        if (attempt > 1) await released;
        else throw new Error('not yet');
      },
      { inFlightMax: 4, retryDelayFirstMs: 50, retryDelayMaxMs: 100 },
    );
    await bench.started(steady, 'steady');
    const send = (count: number, isBad: boolean): Promise<unknown> =>
      Promise.all(
        Array.from({ length: count }, (_, number) =>
          shop.publish(mixed, { number, isBad }, PATIENT),
        ),
      );
    await send(80, true);
    await eventually(
      () => bad.size,
      (size) => expect(size).toBe(80),
    );
    await send(200, false);
    await eventually(
      () => good.size,
      (size) => expect(size).toBe(200),
      20_000,
    );
    release();
  });

  it('stay where they are while nobody can take them as dead letters, and are one then', async () => {
    const poison = topic('poison', orderSchema);
    let runs = 0;
    const fragile = bench.service('fragile');
    fragile.subscribe(poison, () => {
      runs++;
      throw new MessageRefused('never');
    });
    await bench.started(fragile, 'fragile');
    await bench.stopMessaging();
    await shop.publish(poison, { number: 1 }, PATIENT);
    await eventually(
      () => bench.eventsOf('fragile', 'dead-letter-waits'),
      (events) => expect(events.length).toBeGreaterThan(0),
      20_000,
    );
    await bench.startMessaging();
    await eventually(
      () => bench.letters('fragile'),
      (all) => expect(all).toHaveLength(1),
      30_000,
    );
    await eventually(
      () => bench.eventsOf('fragile', 'message-dead-lettered'),
      (events) => expect(events.length).toBe(1),
      30_000,
    );
    expect(runs).toBeGreaterThanOrEqual(2);
    expect(await bench.letters('fragile')).toHaveLength(1);
  });

  it('are said to all that listen now, and to nobody later, when they are broadcasts', async () => {
    const notice = topic('notice', z.object({ text: z.string() }));
    const heard: string[] = [];
    const ends = ['one', 'other'].map((name) => {
      const service = bench.service('listener');
      const end = service.onBroadcast(notice, ({ text }, { from }) => {
        heard.push(`${name} ${from} ${text}`);
        if (text === 'bad') throw new Error('mine');
      });
      return { service, end };
    });
    shop.broadcast(notice, { text: 'nobody is there' });
    for (const { service } of ends) await service.start();
    await eventually(
      () => {
        shop.broadcast(notice, { text: 'there?' });
        return heard;
      },
      (all) => expect(new Set(all)).toEqual(new Set(['one shop there?', 'other shop there?'])),
    );
    heard.length = 0;
    bench.client.publish('broadcast.notice', '{"text":7}');
    await bench.client.flush();
    shop.broadcast(notice, { text: 'bad' });
    await eventually(
      () => heard,
      (all) => expect(all).toEqual(expect.arrayContaining(['one shop bad', 'other shop bad'])),
    );
    ends[1]?.end();
    shop.broadcast(notice, { text: 'last' });
    await eventually(
      () => heard,
      (all) => expect(all).toContain('one shop last'),
    );
    expect(heard.filter((one) => one.startsWith('other'))).not.toContain('other shop last');
    await eventually(
      () => [
        bench.eventsOf('listener', 'broadcast-not-understood').length,
        bench.eventsOf('listener', 'defect').length,
      ],
      (counts) => expect(counts).toEqual([2, 2]),
    );
    expect(() => shop.broadcast(notice, { text: 'x'.repeat(1_048_576) })).toThrow(MessageTooLarge);
  });
});
