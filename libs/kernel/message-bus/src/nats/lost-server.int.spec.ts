import { Fault, type JsonObject } from '@downbeat/eventsourcing';
import { NoOutcome } from '../errors';
import type { EventBatch, OutgoingEvent } from '../events';
import { done, type Settlement } from '../settlement';
import { eventually as eventuallyIn } from '@downbeat/local-servers/testing';
import { NatsBench } from '../testing/nats-bench';
import { OwnNatsServer } from '../testing/own-nats-server';
import type { NatsMessageBus } from './nats-message-bus';
import { Streams } from './streams';

const PATIENCE_MS = 30_000;
/** Two seconds each. */
const INSISTED_MAX = 20;

/** Servers and whole streams come and go here: on a busy machine that takes its time. */
const eventually = <Result>(assertion: () => Result | Promise<Result>): Promise<Result> =>
  eventuallyIn(assertion, PATIENCE_MS);

const event = (n: number): OutgoingEvent => ({
  subject: `event.registry.ServiceAvailable.s${n}`,
  messageId: `registry:${n}`,
  headers: {},
  body: { n },
});

describe('a nats-server that is killed', () => {
  let server: OwnNatsServer;
  let bench: NatsBench;
  beforeEach(async () => {
    server = await OwnNatsServer.start();
    bench = await NatsBench.start(server.url);
  });
  afterEach(async () => {
    try {
      await bench.stop();
    } finally {
      await server.stop();
    }
  });

  const loseEverything = async (): Promise<void> => {
    await server.kill();
    await server.loseDirectory();
    await server.run();
  };

  const subscribe = (
    bus: NatsMessageBus,
    handle: (id: string) => Promise<Settlement> | Settlement,
  ) =>
    bus.subscribe({
      durable: 'registry-commands',
      subject: 'command.registry.>',
      handle: async ({ id }) => handle(id),
    });

  const send = (bus: NatsMessageBus, id: string) =>
    bus.command(`command.registry.RegisterService.${id}`, {}, { id, timeoutMs: PATIENCE_MS });

  /** As the contract says: no outcome, the same id again. */
  const insist = async (bus: NatsMessageBus, id: string, body: JsonObject): Promise<void> => {
    for (let tries = 1; ; tries++)
      try {
        await bus.command(`command.registry.Do.${id}`, body, { id, timeoutMs: 2_000 });
        return;
      } catch (fault) {
        if (!(fault instanceof NoOutcome) || tries === INSISTED_MAX) throw fault;
      }
  };

  /** Whatever happened to the stream: it is made sure of, and the same events go out again. */
  const publishAsRelay = async (bus: NatsMessageBus, events: OutgoingEvent[]): Promise<void> => {
    for (let tries = 1; ; tries++)
      try {
        await bus.publishEvents(events);
        return;
      } catch (fault) {
        if (!(fault instanceof Fault) || tries === 10) throw fault;
        await bus.ensureEventStream('registry');
      }
  };

  it('without its directory gets its streams back, and every command its outcome', async () => {
    const owner = await bench.connect({ heartbeatMs: 500 });
    const asker = await bench.connect();
    const handled = new Set<string>();
    await subscribe(owner, (id) => {
      handled.add(id);
      return done();
    });
    await send(asker, 'before');

    let sent = 0;
    let stop = false;
    const refusals: unknown[] = [];
    const outcomes: Promise<unknown>[] = [];
    const sending = (async () => {
      while (!stop) {
        outcomes.push(
          send(asker, `under-load-${++sent}`).catch((refusal: unknown) => refusals.push(refusal)),
        );
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    })();
    try {
      await eventually(() => expect(handled.size).toBeGreaterThan(50));
      await loseEverything();
      await eventually(() => expect(owner.metrics.consumersRecovered).toBeGreaterThan(0));
      const recoveredAt = sent;
      await eventually(() => expect(sent).toBeGreaterThan(recoveredAt + 50));
    } finally {
      stop = true;
      await sending;
    }

    await Promise.all(outcomes);
    // While disconnected for longer than a command waits, it is refused and said not to be sent.
    for (const reason of refusals)
      expect(reason).toMatchObject({ code: 'message-bus/unavailable' });
    expect(handled.size).toBeGreaterThanOrEqual(1 + sent - refusals.length);
    expect(owner.status()).toBe('connected');
    expect(owner.metrics.streamsCreated).toBeGreaterThan(2);
    await send(asker, 'after');
    expect(handled).toContain('after');
  });

  it('does not lose a new message to the acknowledgement of a lost one', async () => {
    const owner = await bench.connect({ heartbeatMs: 500 });
    const handled: string[] = [];
    let letGo: (settlement: Settlement) => void = () => undefined;
    await owner.subscribe({
      durable: 'registry-commands',
      subject: 'command.registry.>',
      // While the old one is being handled, the new one waits on the stream.
      inFlightMax: 1,
      handle: ({ id }) => {
        handled.push(id);
        return id === 'old'
          ? new Promise<Settlement>((resolve) => (letGo = resolve))
          : Promise.resolve(done());
      },
    });
    const publish = async (id: string): Promise<void> => {
      const subject = bench.physical(`command.registry.RegisterService.${id}`);
      bench.client.publish(subject, JSON.stringify({ command_id: id }));
      await bench.client.flush();
    };
    await publish('old');
    await eventually(() => expect(handled).toEqual(['old']));
    const manager = await bench.client.jetstreamManager();
    await loseEverything();
    const stream = `${bench.prefix}-command-registry`;
    await eventually(() => manager.consumers.info(stream, `${bench.prefix}-registry-commands`));
    await publish('new');
    const { state } = await manager.streams.info(stream);
    expect([state.messages, state.last_seq]).toEqual([1, 1]);

    letGo(done());
    await eventually(() => expect(handled).toEqual(['old', 'new']));
  });

  it('tells consumers of events that the stream is a new one', async () => {
    const bus = await bench.connect({ heartbeatMs: 500 });
    const batches: EventBatch[] = [];
    const applied = new Set<string>();
    await bus.consumeEvents({
      source: 'registry',
      durable: 'saga-services',
      handle: (batch) => {
        batches.push(batch);
        for (const { messageId } of batch.events) applied.add(messageId);
        return Promise.resolve();
      },
    });
    await bus.publishEvents([event(1), event(2)]);
    await eventually(() => expect(applied.size).toBe(2));
    const before = await bus.ensureEventStream('registry');

    await loseEverything();
    await eventually(() => expect(batches.some(({ streamIsNew }) => streamIsNew)).toBe(true));
    const after = await bus.eventStreamState('registry');
    expect(after?.created).not.toBe(before.created);
    expect(after?.lastSequence).toBe(0);
    await bus.publishEvents([event(3)]);
    await eventually(() => expect(applied).toContain('registry:3'));
    expect(batches.filter(({ streamIsNew }) => streamIsNew)).toHaveLength(1);
  });

  it('leaves no publisher waiting, and takes everything when asked again', async () => {
    const bus = await bench.connect();
    await bus.ensureEventStream('registry');
    let reconnects = 0;
    bus.onReconnect(() => reconnects++);
    let published = 0;
    let back: Promise<void> | undefined;
    const publishing = (async () => {
      for (let n = 0; n < 60; n++) {
        const events = Array.from({ length: 20 }, (_, at) => event(n * 20 + at + 1));
        for (;;) {
          try {
            await bus.publishEvents(events);
            published += events.length;
            break;
          } catch (fault) {
            if (!(fault instanceof Fault)) throw fault;
          }
        }
        if (n === 20) {
          await server.kill();
          back = new Promise((resolve) => setTimeout(resolve, 300)).then(() => server.run());
        }
      }
    })();
    await publishing;
    await back;
    expect(published).toBe(1_200);
    expect((await bus.eventStreamState('registry'))?.lastSequence).toBe(1_200);
    await eventually(() => expect(reconnects).toBeGreaterThan(0));
    expect(bus.metrics.reconnects).toBe(reconnects);
  });

  it.each([1, 2])(
    'has its directory deleted while it runs, with %i replicas, and loses nothing',
    async (replicas) => {
      const handled = new Set<string>();
      const owners: NatsMessageBus[] = [];
      for (let n = 0; n < replicas; n++) {
        const owner = await bench.connect({ heartbeatMs: 500 });
        owners.push(owner);
        await subscribe(owner, (id) => {
          handled.add(id);
          return done();
        });
      }
      const applied = new Set<number>();
      await owners[0]?.consumeEvents({
        source: 'registry',
        durable: 'saga-services',
        handle: ({ events }) => {
          for (const { body } of events) applied.add((body as { n: number }).n);
          return Promise.resolve();
        },
      });
      const asker = await bench.connect();
      await asker.ensureEventStream('registry');
      await server.loseDirectory();
      // More than fits the open file, so that the server needs a new one and finds no place for it.
      const filler = 'x'.repeat(20_000);
      const outcomes: Promise<unknown>[] = [];
      const remade = () =>
        [...owners, asker].reduce((sum, { metrics }) => sum + metrics.streamsRemade, 0);
      let sent = 0;
      const giveUpAt = Date.now() + PATIENCE_MS;
      while ((remade() < 3 || sent < 300) && Date.now() < giveUpAt) {
        const id = `under-load-${++sent}`;
        outcomes.push(insist(asker, id, { filler }));
        const events = [{ ...event(sent), body: { n: sent, filler } }];
        await publishAsRelay(asker, events);
      }
      await Promise.all(outcomes);
      expect(handled.size).toBe(sent);
      await eventually(() => expect(applied).toContain(sent));
    },
  );

  it('does not lose what is handed over to an acknowledgement that comes meanwhile', async () => {
    const owner = await bench.connect({ checkMs: 500 });
    const handled: number[] = [];
    let letGo: () => void = () => undefined;
    await owner.subscribe({
      durable: 'registry-commands',
      subject: 'command.registry.>',
      // While one is in hands no more are asked for, so the server tells nobody that the stream ends.
      inFlightMax: 1,
      handle: ({ body }) => {
        const { n } = body as { n: number };
        handled.push(n);
        if (n !== 2) return Promise.resolve(done());
        return new Promise((settle) => (letGo = () => settle(done())));
      },
    });
    const asked: Promise<unknown>[] = [];
    const ask = (n: number) => asked.push(bench.send(`command.registry.Do.${n}`, `{"n":${n}}`));
    ask(1);
    await asked[0];
    for (const n of [2, 3]) ask(n);
    await eventually(() => expect(handled).toEqual([1, 2]));
    // The consumer is there, on a stream where the second place is the third's, and nobody knows yet.
    const { ensureWithConsumer } = Streams.prototype;
    const spy = jest
      .spyOn(Streams.prototype, 'ensureWithConsumer')
      .mockImplementation(async function (this: Streams, ...sought) {
        const made = await ensureWithConsumer.apply(this, sought);
        const isCommands = made.config.name.endsWith('command-registry');
        if (isCommands && owner.metrics.streamsRemade > 0 && owner.metrics.done === 1) {
          letGo();
          for (let turn = 0; owner.metrics.done === 1 && turn < 1_000; turn++)
            await new Promise((resolve) => setImmediate(resolve));
        }
        return made;
      });
    try {
      await server.loseDirectory();
      await eventually(() => expect(handled).toEqual([1, 2, 2]));
      letGo();
      await eventually(() => expect(handled).toEqual([1, 2, 2, 3]));
      expect(await Promise.all(asked)).toHaveLength(3);
    } finally {
      spy.mockRestore();
    }
  });

  it('hands over what a stream without files still has in memory, as the messages they were', async () => {
    const owner = await bench.connect({ checkMs: 500 });
    const handled: [string, number][] = [];
    const open: ((settlement: Settlement) => void)[] = [];
    await owner.subscribe({
      durable: 'registry-commands',
      subject: 'command.registry.>',
      inFlightMax: 1,
      handle: ({ id, body }) => {
        handled.push([id, (body as { n: number }).n]);
        return new Promise((settle) => open.push(settle));
      },
    });
    const asked = [1, 2, 3].map((n) =>
      bench.send(
        `command.registry.Do.${n}`,
        `{"n":${n}}`,
        n === 3 ? { 'Nats-Msg-Id': 'three' } : {},
      ),
    );
    await eventually(() => expect(open).toHaveLength(1));
    await server.loseDirectory();
    await eventually(() => expect(owner.metrics.streamsRemade).toBe(2));
    const letGo = setInterval(() => {
      for (const settle of open.splice(0)) settle(done());
    }, 10);
    try {
      expect(await Promise.all(asked)).toHaveLength(3);
    } finally {
      clearInterval(letGo);
    }
    const [first, again, second, third] = handled;
    expect(handled).toHaveLength(4);
    expect(again).toEqual(first);
    expect(second?.[0]).toBe(first?.[0].replace(/:1$/, ':2'));
    expect(third).toEqual(['three', 3]);
  });

  it('is said to be away, and refused in time', async () => {
    const bus = await bench.connect();
    await server.kill();
    await eventually(() => expect(bus.status()).toBe('disconnected'));
    await expect(bus.query('query.registry.x', {}, { timeoutMs: 100 })).rejects.toMatchObject({
      code: 'message-bus/unavailable',
    });
    await expect(send(bus, 'x')).rejects.toMatchObject({ code: 'message-bus/unavailable' });
    await expect(bus.publishEvents([event(1)])).rejects.toMatchObject({
      code: 'message-bus/unavailable',
    });
    await server.run();
    await eventually(() => expect(bus.status()).toBe('connected'));
    await expect(
      bench.connect({ url: 'nats://127.0.0.1:1', connectTimeoutMs: 200 }),
    ).rejects.toMatchObject({ code: 'message-bus/unavailable' });
  });

  it('says that no command gets here while there is no stream for them', async () => {
    const bus = await bench.connect({ heartbeatMs: 500 });
    expect(bus.takesCommands()).toBe(true);
    await subscribe(bus, () => done());
    expect(bus.takesCommands()).toBe(true);
    const manager = await bench.client.jetstreamManager();
    const stream = `${bench.prefix}-command-registry`;
    const { subjects } = (await manager.streams.info(stream)).config;
    // Another one that stands in its place keeps it from being made again.
    await eventually(async () => {
      await manager.streams.delete(stream);
      await manager.streams.add({ name: 'in-its-place', subjects });
    });
    await eventually(() => expect(bus.takesCommands()).toBe(false));
    expect(bus.status()).toBe('connected');
    await manager.streams.delete('in-its-place');
    await eventually(() => expect(bus.takesCommands()).toBe(true));
  });

  it('notices a consumer that somebody deleted', async () => {
    const bus = await bench.connect({ heartbeatMs: 500 });
    const handled: string[] = [];
    await subscribe(bus, (id) => {
      handled.push(id);
      return done();
    });
    const manager = await bench.client.jetstreamManager();
    await manager.streams.delete(`${bench.prefix}-command-registry`);
    await eventually(() => expect(bus.metrics.consumersRecovered).toBeGreaterThan(0));
    // The server may say so before the stream is quite gone; asking again with the id is the way.
    await eventually(() =>
      bus.command('command.registry.RegisterService.x', {}, { id: 'x', timeoutMs: 500 }),
    );
    expect(new Set(handled)).toEqual(new Set(['x']));
  });
});
