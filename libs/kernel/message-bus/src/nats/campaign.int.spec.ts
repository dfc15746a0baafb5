import { Fault } from '@downbeat/eventsourcing';
import type { Delivery } from '../message-bus';
import { deadLetter, done, retry, type Settlement } from '../settlement';
import { eventually } from '@downbeat/local-servers/testing';
import { NatsBench } from '../testing/nats-bench';

const PATIENCE_MS = 40_000;

class Poison extends Fault {
  override readonly name = 'Poison';
  readonly code = 'test/poison';
  readonly remedy = 'give-up';
}

/** Mulberry32: the same shuffle in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  return items
    .map((item) => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

describe('many commands at once', () => {
  let bench: NatsBench;
  beforeEach(async () => {
    bench = await NatsBench.start();
  });
  afterEach(() => bench.stop());

  const stateOf = async (stream: string) => {
    const manager = await bench.client.jetstreamManager();
    return (await manager.streams.info(`${bench.prefix}-${stream}`)).state;
  };

  it('are each processed or dead-lettered, duplicates and poison shuffled in, and none is held up', async () => {
    const random = seeded(42);
    const poison = new Set(Array.from({ length: 50 }, (_, n) => `m-${n * 16}`));
    const unique = Array.from({ length: 800 }, (_, n) => `m-${n}`);
    const duplicates = shuffled(unique, random).slice(0, 200);
    const published = shuffled([...unique, ...duplicates], random);
    expect(published).toHaveLength(1_000);

    const processed = new Map<string, number>();
    const handle = ({ id }: Delivery): Promise<Settlement> => {
      if (!poison.has(id)) {
        processed.set(id, (processed.get(id) ?? 0) + 1);
        return Promise.resolve(done());
      }
      // It is tried again while good ones are left: were they to wait for it, there would be no end.
      const isLast = processed.size === unique.length - poison.size;
      if (Number(id.slice(2)) % 3 === 0)
        return Promise.reject(isLast ? new Poison('poison\nthrows') : new Error('poison'));
      return Promise.resolve(isLast ? deadLetter('poison\nsays so') : retry('poison', 500));
    };
    const bus = await bench.connect({ backOff: { firstMs: 500, maxMs: 500 } });
    await bus.subscribe({
      durable: 'registry-commands',
      subject: 'command.registry.>',
      deliveriesMax: 1_000,
      inFlightMax: 16,
      handle,
    });
    for (const id of published)
      bench.client.publish(
        bench.physical(`command.registry.Do.s-${id}`),
        JSON.stringify({ command_id: id }),
      );
    await bench.client.flush();

    const letters = () => new Set(bench.deadLetters.letters.map((letter) => letter.message_id));
    await eventually(
      async () => expect((await stateOf('command-registry')).messages).toBe(0),
      PATIENCE_MS,
    );
    expect(letters()).toEqual(poison);
    expect(new Set(processed.keys())).toEqual(new Set(unique.filter((id) => !poison.has(id))));
    expect(new Set([...processed.keys(), ...letters()])).toEqual(new Set(published));
    for (const { reason } of bench.deadLetters.letters) expect(reason).not.toMatch(/[\r\n]/);
    expect(bus.metrics.serverGaveUp).toBe(0);
  });

  it('are taken no faster than they are handled', async () => {
    const bus = await bench.connect();
    let running = 0;
    let most = 0;
    await bus.subscribe({
      durable: 'registry-commands',
      subject: 'command.registry.>',
      inFlightMax: 8,
      handle: async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running--;
        return done();
      },
    });
    for (let n = 0; n < 500; n++)
      bench.client.publish(bench.physical(`command.registry.Do.s${n}`), '{}');
    await bench.client.flush();
    const manager = await bench.client.jetstreamManager();
    const [stream, consumer] = [
      `${bench.prefix}-command-registry`,
      `${bench.prefix}-registry-commands`,
    ];
    let taken = 0;
    await eventually(async () => {
      const info = await manager.consumers.info(stream, consumer);
      taken = Math.max(taken, info.num_ack_pending);
      expect(info.num_pending + info.num_ack_pending).toBe(0);
    }, PATIENCE_MS);
    expect(most).toBe(8);
    expect(taken).toBeLessThanOrEqual(16);
    expect(bus.metrics.done).toBe(500);
  });

  it('of a key that stands still do not hold up other keys, and keep their order', async () => {
    const bus = await bench.connect();
    const order: number[] = [];
    let others = 0;
    let isStanding = true;
    await bus.subscribe({
      durable: 'registry-commands',
      subject: 'command.registry.>',
      inFlightMax: 2,
      // Being put back to make room is no failure of the message's own.
      deliveriesMax: 1,
      handle: async ({ subject, body }) => {
        if (subject.endsWith('.other')) {
          others++;
          return done();
        }
        while (isStanding) await new Promise((resolve) => setTimeout(resolve, 10));
        order.push((body as { n: number }).n);
        return done();
      },
    });
    const publish = (id: string, n: number) =>
      bench.client.publish(bench.physical(`command.registry.Do.${id}`), JSON.stringify({ n }));
    for (let n = 0; n < 100; n++) publish('standing', n);
    publish('other', 0);
    await eventually(() => expect(others).toBe(1), PATIENCE_MS);
    expect(bus.metrics.putBack).toBeGreaterThan(50);
    isStanding = false;
    await eventually(() => expect(order).toHaveLength(100), PATIENCE_MS);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(bench.deadLetters.letters).toEqual([]);
  });

  it('that run longer than the acknowledgement wait are not given to another replica', async () => {
    const seen: number[] = [];
    for (let n = 0; n < 2; n++)
      await (
        await bench.connect({ ackWaitMs: 8_000 })
      ).subscribe({
        durable: 'registry-commands',
        subject: 'command.registry.>',
        handle: async ({ deliveries }) => {
          seen.push(deliveries);
          await new Promise((resolve) => setTimeout(resolve, 12_000));
          return done();
        },
      });
    await bench.send('command.registry.Do.long', '{}');
    expect(seen).toEqual([1]);
  });

  it('that kill their process are quarantined before the handler runs again', async () => {
    const handle = () => new Promise<Settlement>(() => undefined);
    const subscription = {
      durable: 'registry-commands',
      subject: 'command.registry.>',
      deliveriesMax: 2,
      handlerTimeoutMs: 2_000,
    };
    for (let life = 0; life < 2; life++) {
      const dying = await bench.connect({ ackWaitMs: 500 });
      await dying.subscribe({ ...subscription, handle });
      if (life === 0) bench.client.publish(bench.physical('command.registry.Do.bomb'), '{"n":1}');
      await eventually(() => expect(dying.metrics.handling).toBe(1));
      const { connection } = dying as unknown as {
        connection: { nats: { close(): Promise<void> } };
      };
      await connection.nats.close();
    }
    let runs = 0;
    const survivor = await bench.connect({ ackWaitMs: 500 });
    await survivor.subscribe({
      ...subscription,
      handle: () => {
        runs++;
        return Promise.resolve(done());
      },
    });
    await eventually(() => expect(bench.deadLetters.letters).toHaveLength(1));
    expect(runs).toBe(0);
    const [letter] = bench.deadLetters.letters;
    // The server may give it to the pull of one that died before it notices: so three times or more.
    expect(letter).toMatchObject({
      reason: expect.stringMatching(/^delivered [3-9] times without an end, at most 2 allowed$/),
      body: Buffer.from('{"n":1}'),
    });
    expect(letter?.attempts).toBeGreaterThanOrEqual(3);
  });

  it('under way when the bus closes are finished, the rest goes to others at once', async () => {
    const closing = await bench.connect({ heartbeatMs: 500 });
    const handled: string[] = [];
    const started: string[] = [];
    const record =
      (who: string, takesMs: number) =>
      async ({ subject }: Delivery) => {
        started.push(`${who} ${subject.split('.').at(-1)}`);
        await new Promise((resolve) => setTimeout(resolve, takesMs));
        handled.push(`${who} ${subject.split('.').at(-1)}`);
        return done();
      };
    const subscription = {
      durable: 'registry-commands',
      subject: 'command.registry.>',
      orderKey: () => 'one',
    };
    await closing.subscribe({ ...subscription, handle: record('first', 300) });
    for (const id of ['a', 'b', 'c'])
      bench.client.publish(bench.physical(`command.registry.Do.${id}`), '{}');
    await eventually(() => expect(started).toEqual(['first a']));
    const closed = closing.close();
    await (await bench.connect()).subscribe({ ...subscription, handle: record('second', 1) });
    await closed;
    await eventually(() => expect(handled.sort()).toEqual(['first a', 'second b', 'second c']));
    await eventually(async () => expect((await stateOf('command-registry')).messages).toBe(0));
  });
});
