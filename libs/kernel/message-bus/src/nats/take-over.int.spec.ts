import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Delivery } from '../message-bus';
import { done, type Settlement } from '../settlement';
import { eventually } from '@downbeat/local-servers/testing';
import { NatsBench } from '../testing/nats-bench';

/** Another process with a connection of its own: takes one message of a consumer, and no more. */
const TAKE_ONE = `
  const [library, servers, stream, durable] = process.argv.slice(1);
  require(library).connect({ servers }).then(async (nats) => {
    const consumer = await nats.jetstream().consumers.get(stream, durable);
    const message = await consumer.next({ expires: 30_000 });
    process.stdout.write(message.subject);
    setInterval(() => undefined, 1_000);
  });
`;

const subscription = { durable: 'registry-commands', subject: 'command.registry.>' };

/** Keeps the event loop busy, as a long synchronous piece of work does. */
const standStill = (forMs: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMs);
};

/** Lets timers and sockets have their turn for a moment. */
const breath = () => new Promise((resolve) => setTimeout(resolve, 20));

describe('a command in the hands of a process', () => {
  let bench: NatsBench;
  beforeEach(async () => {
    bench = await NatsBench.start();
  });
  afterEach(() => bench.stop());

  const publish = async (id: string, n = 0): Promise<void> => {
    bench.client.publish(bench.physical(`command.registry.Do.${id}`), JSON.stringify({ n }));
    await bench.client.flush();
  };

  it('that is killed is taken over by another one within seconds', async () => {
    const first = await bench.connect();
    await first.subscribe({ ...subscription, handle: () => Promise.resolve(done()) });
    await first.close();
    await publish('x');
    const stream = `${bench.prefix}-command-registry`;
    const durable = `${bench.prefix}-registry-commands`;
    const args = ['-e', TAKE_ONE, require.resolve('nats'), bench.url, stream, durable];
    const dying = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [taken] = (await once(dying.stdout, 'data')) as [Buffer];
      expect(String(taken)).toBe(bench.physical('command.registry.Do.x'));
    } finally {
      dying.kill('SIGKILL');
    }
    const killedAt = Date.now();
    const seen: [string, number][] = [];
    await (
      await bench.connect()
    ).subscribe({
      ...subscription,
      handle: ({ subject, deliveries }) => {
        seen.push([subject, deliveries]);
        return Promise.resolve(done());
      },
    });
    await eventually(() => expect(seen).toEqual([['command.registry.Do.x', 2]]));
    expect(Date.now() - killedAt).toBeLessThan(25_000);
  });

  it('stays there while its event loop is busy for seconds', async () => {
    const seen: number[] = [];
    for (let replica = 0; replica < 2; replica++)
      await (
        await bench.connect({ ackWaitMs: 15_000 })
      ).subscribe({
        ...subscription,
        handle: async ({ deliveries }) => {
          seen.push(deliveries);
          for (let n = 0; n < 4; n++) {
            standStill(5_000);
            await breath();
          }
          return done();
        },
      });
    await bench.send('command.registry.Do.long', '{}');
    expect(seen).toEqual([1]);
  });

  it('that stood still for too long runs once at a time, and is not counted against it', async () => {
    const started: [number, number][] = [];
    const open: ((settlement: Settlement) => void)[] = [];
    const bus = await bench.connect({ ackWaitMs: 300 });
    await bus.subscribe({
      ...subscription,
      deliveriesMax: 1,
      handle: ({ body, deliveries }: Delivery) => {
        started.push([(body as { n: number }).n, deliveries]);
        return new Promise((settle) => open.push(settle));
      },
    });
    await publish('x', 1);
    await publish('x', 2);
    await eventually(() => expect(bus.metrics.deliveries).toBeGreaterThanOrEqual(2));
    const given = bus.metrics.deliveries;
    // Running or waiting: the server gives both out again.
    standStill(1_000);
    await eventually(() => expect(bus.metrics.deliveries).toBeGreaterThanOrEqual(given + 2));
    expect(started).toEqual([[1, 1]]);
    open[0]?.(done());
    await eventually(() => expect(open).toHaveLength(2));
    open[1]?.(done());
    await eventually(() => expect(bus.metrics.done).toBe(2));
    expect(started.map(([n]) => n)).toEqual([1, 2]);
    expect(bench.deadLetters.letters).toEqual([]);
  });

  it('that shuts down stays there until it has been handled', async () => {
    const options = { ackWaitMs: 8_000, heartbeatMs: 500, closeTimeoutMs: 60_000 };
    const closing = await bench.connect(options);
    let end: (settlement: Settlement) => void = () => undefined;
    await closing.subscribe({
      ...subscription,
      handle: () => new Promise((settle) => (end = settle)),
    });
    await publish('x');
    await eventually(() => expect(closing.metrics.handling).toBe(1));
    const other = await bench.connect(options);
    await other.subscribe({ ...subscription, handle: () => Promise.resolve(done()) });
    const signs: string[] = [];
    bench.client.subscribe(`$JS.ACK.${bench.prefix}-command-registry.>`, {
      callback: (_, message) => signs.push(message.string()),
    });
    await bench.client.flush();
    const closed = closing.close();
    // About every two seconds, so these span the acknowledgement wait.
    await eventually(() => expect(signs.slice(0, 5)).toEqual(Array(5).fill('+WPI')));
    end(done());
    await closed;
    expect(closing.metrics.done).toBe(1);
    expect(other.metrics.deliveries).toBe(0);
  });
});
