import { eventually } from '@downbeat/local-servers/testing';
import { headers, nanos, type NatsConnection } from 'nats';
import type { CommandOutcome } from '../command-outcome';
import { HEADER } from '../headers';
import { deadLetter, done, retry } from '../settlement';
import {
  accepted,
  askToRegister,
  held,
  idHeaders,
  REGISTER,
  subscribeToCommands,
} from '../testing/command-scene';
import { NatsBench } from '../testing/nats-bench';
import type { NatsMessageBus } from './nats-message-bus';

const refused = (code: string): CommandOutcome => ({
  accepted: false,
  problem: { code, message: `${code} it is`, kind: 'conflict' },
});

describe('the outcome of a command', () => {
  let bench: NatsBench;
  let client: NatsConnection;
  beforeEach(async () => {
    bench = await NatsBench.start();
    ({ client } = bench);
  });
  afterEach(() => bench.stop());

  const ask = (text: string) => askToRegister(bench, text);

  it('believes nobody who says that a command was a dead letter', async () => {
    await subscribeToCommands(await bench.connect(), ({ headers: seen }) =>
      Promise.resolve(seen[HEADER.deadLetter] === undefined ? done(accepted(1)) : retry('no')),
    );
    const forged = headers();
    forged.set(HEADER.deadLetter, '0198c2a4-7d1e-7c3b-9a52-3f1f0a9f3c11');
    const answer = await client.request(bench.physical(REGISTER), '{}', {
      timeout: 30_000,
      headers: forged,
    });
    expect(answer.json()).toMatchObject({ accepted: true });
    expect(bench.deadLetters.resolved).toEqual([]);
  });

  it('answers a bare request when it is settled, and not before', async () => {
    const { open, handle } = held();
    await subscribeToCommands(await bench.connect(), handle);
    let answer: unknown;
    const asked = ask('{"name":"billing"}').then((got) => (answer = got));
    await eventually(() => expect(open).toHaveLength(1));
    await client.flush();
    expect(answer).toBeUndefined();

    open[0]?.settle(done(accepted(12)));
    expect(await asked).toEqual({
      ...accepted(12),
      stream: `${bench.prefix}-command-registry`,
      seq: 1,
      duplicate: false,
    });
  });

  it('is a PubAck to a client that publishes to JetStream', async () => {
    const { open, handle } = held();
    await subscribeToCommands(await bench.connect(), handle);
    const published = client.jetstream().publish(bench.physical(REGISTER), '{}', { msgID: 'one' });
    await eventually(() => expect(open).toHaveLength(1));
    expect(open[0]?.delivery.id).toBe('one');
    open[0]?.settle(done(accepted(12, true)));
    expect(await published).toMatchObject({
      stream: `${bench.prefix}-command-registry`,
      seq: 1,
      duplicate: true,
    });
  });

  it('that may pass is given to nobody who asks again later, with the same id', async () => {
    const passing = { code: 'overloaded', message: 'not now', kind: 'unavailable' } as const;
    const seen = new Set<string>();
    await subscribeToCommands(await bench.connect(), ({ id }) => {
      const outcome = seen.has(id)
        ? accepted(12)
        : ({ accepted: false, problem: passing } as const);
      seen.add(id);
      return Promise.resolve(done(outcome));
    });
    const askFor = async (id: string, timeout: number) =>
      (
        await client.request(bench.physical(REGISTER), '{}', { timeout, headers: idHeaders(id) })
      ).json();
    // On a busy machine the server may still drop the second, which then has no answer at all.
    await eventually(async () => {
      const id = `id-${seen.size}`;
      expect(await askFor(id, 30_000)).toMatchObject({ accepted: false, problem: passing });
      // What is to pass is a window of the server's.
      await new Promise((resolve) => setTimeout(resolve, 300));
      const later = await askFor(id, 5_000);
      expect(later).toMatchObject({ accepted: true, repeated: false, position: 12 });
    });
  });

  it('is a PubAck error to such a client when the command was refused', async () => {
    await subscribeToCommands(await bench.connect(), () =>
      Promise.resolve(deadLetter('no', refused('name-taken'))),
    );
    await expect(client.jetstream().publish(bench.physical(REGISTER), '{}')).rejects.toMatchObject({
      code: '409',
      message: 'name-taken: name-taken it is',
    });
    expect(bench.deadLetters.letters).toHaveLength(1);
  });

  it('goes to each of two identical bare requests, one to one', async () => {
    const { open, handle } = held();
    await subscribeToCommands(await bench.connect(), handle, {
      orderKey: () => String(Math.random()),
    });
    const asked = Promise.all([ask('{"a":1}'), ask('{"a":1}')]);
    await eventually(() => expect(open).toHaveLength(2));
    open[1]?.settle(done(accepted(2)));
    open[0]?.settle(done(accepted(1)));
    expect((await asked).map(({ position }) => position).sort()).toEqual([1, 2]);
  });

  it('goes to both of two identical bare requests that two replicas settle', async () => {
    const { open, handle } = held();
    for (const bus of [await bench.connect(), await bench.connect()])
      await subscribeToCommands(bus, handle, { inFlightMax: 1 });
    for (let round = 0; round < 20; round++) {
      const asked = Promise.all([ask('{"a":1}'), ask('{"a":1}')]);
      await eventually(() => expect(open).toHaveLength(2));
      // In one turn, so that neither replica can have heard of the other's answer.
      for (const { settle } of open.splice(0)) settle(done(accepted(round)));
      for (const answer of await asked) expect(answer).toMatchObject(accepted(round));
    }
  });

  it('does not answer a request that another replica answered, instead of a new one', async () => {
    const busOf: string[] = [];
    for (const at of ['a', 'b'])
      await subscribeToCommands(await bench.connect(), () => {
        busOf.push(at);
        return Promise.resolve(done(accepted(busOf.length)));
      });
    for (let round = 1; round <= 30; round++)
      expect(await ask('{"same":true}')).toMatchObject({ position: round });
    expect(new Set(busOf).size).toBe(2);
  });

  it('goes to everyone who asked with the same message id, dropped repetitions included', async () => {
    const { open, handle } = held();
    for (const bus of [await bench.connect(), await bench.connect()])
      await subscribeToCommands(bus, handle);
    const asking = () =>
      client
        .request(bench.physical(REGISTER), '{}', { timeout: 30_000, headers: idHeaders('same') })
        .then((message) => message.json<CommandOutcome>());
    const asked = [asking(), asking(), asking()];
    await eventually(() => expect(open.length).toBeGreaterThan(0));
    // The stream drops repetitions for a tenth of a second only; one after that is handled.
    const settling = setInterval(() => {
      for (const { settle } of open) settle(done(accepted(5)));
    }, 10);
    try {
      const answers = await Promise.all(asked);
      for (const answer of answers) expect(answer).toMatchObject({ accepted: true, position: 5 });
    } finally {
      clearInterval(settling);
    }
  });

  it('goes to a repetition that the stream drops after the first was settled', async () => {
    const bus = await bench.connect();
    let handled = 0;
    await subscribeToCommands(bus, () => Promise.resolve(done(accepted(++handled))));
    // On a busy machine a repetition may miss the window, and is handled then.
    await eventually(async () => {
      const id = `same-${handled}`;
      const before = handled;
      const [first, second] = [
        await bus.command(REGISTER, {}, { id }),
        await bus.command(REGISTER, {}, { id }),
      ];
      expect([first, second, handled]).toEqual([
        accepted(before + 1),
        accepted(before + 1, true),
        before + 1,
      ]);
    });
  });

  it('says of everyone who asks for it again that it is repeated', async () => {
    const { open, handle } = held();
    await subscribeToCommands(await bench.connect(), handle);
    const asking = () =>
      client.request(bench.physical(REGISTER), '{}', {
        timeout: 30_000,
        headers: idHeaders('same'),
      });
    // Both wait when it is settled; the server drops the second, or the handler gets it later.
    const asked = [asking(), asking()];
    await eventually(() => expect(open.length).toBeGreaterThan(0));
    open[0]?.settle(done(accepted(5)));
    const late = asking();
    const answers = await Promise.all([...asked, late]);
    expect(answers.map((answer) => answer.json())).toMatchObject([
      { repeated: false, duplicate: false },
      { repeated: true, duplicate: true },
      { repeated: true, duplicate: true },
    ]);
    for (const { settle } of open) settle(done());
  });

  it('is not given to who sends another body with the same id: the handler is to judge', async () => {
    const bus = await bench.connect();
    const bodies: unknown[] = [];
    await subscribeToCommands(bus, ({ body }) => {
      bodies.push(body);
      return Promise.resolve(done(accepted(bodies.length)));
    });
    const [first, other] = await Promise.all([
      bus.command(REGISTER, { n: 1 }, { id: 'same' }),
      bus.command(REGISTER, { n: 2 }, { id: 'same' }),
    ]);
    expect([first, other]).toEqual([accepted(1), accepted(2)]);
    expect(bodies).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('comes for the id of another command too, a tenth of a second after that one', async () => {
    const bus = await bench.connect();
    const seen: [string, string][] = [];
    await subscribeToCommands(bus, ({ id, subject }) => {
      seen.push([id, subject]);
      return Promise.resolve(done(accepted(seen.length)));
    });
    const [one, other, third] = ['one', 'other', 'third'].map((to) => `command.registry.Do.${to}`);
    const askWithId = (subject = '', timeout = 30_000) =>
      client.request(bench.physical(subject), '{}', { timeout, headers: idHeaders('mine') });
    await askWithId(one);
    // Neither the suite's own sender nor a bare client is in the way of the other.
    await bus.command(other ?? '', {}, { id: 'mine' });
    // The server may drop this at first; who gets no reply asks again with the same id.
    await eventually(() => askWithId(third, 300));
    // It is handled again when it was, and only its reply came too late.
    const inTurn = seen.filter(([, subject], nth) => subject !== seen[nth - 1]?.[1]);
    expect(inTurn).toEqual([one, other, third].map((subject) => ['mine', subject]));
    const manager = await client.jetstreamManager();
    const { config } = await manager.streams.info(`${bench.prefix}-command-registry`);
    expect(config.duplicate_window).toBe(nanos(100));
  });

  it('reaches the asker although a replica that started later took the command over', async () => {
    const crashing = await bench.connect({ ackWaitMs: 1_000 });
    const { open, handle } = held();
    await subscribeToCommands(crashing, handle);
    const asked = (await bench.connect()).command(REGISTER, {}, { timeoutMs: 30_000 });
    await eventually(() => expect(open).toHaveLength(1));
    await crash(crashing);

    // The server may give it once more to the crashed one's pull before it notices: so two or more.
    const takenOver: number[] = [];
    await subscribeToCommands(await bench.connect({ ackWaitMs: 1_000 }), ({ deliveries }) => {
      takenOver.push(deliveries);
      return Promise.resolve(done(accepted(77)));
    });
    expect(await asked).toEqual(accepted(77));
    expect(takenOver[0]).toBeGreaterThan(1);
  });

  it('reaches bare askers when the replica that had their commands crashes', async () => {
    const { open, handle } = held();
    const more = { orderKey: () => String(Math.random()) };
    const crashing = await bench.connect({ ackWaitMs: 1_000 });
    await subscribeToCommands(crashing, handle, more);
    const survivor = await bench.connect({ ackWaitMs: 1_000 });
    await subscribeToCommands(survivor, handle, more);
    const asked = [1, 2, 3, 4].map((n) => ask(`{"n":${n}}`));
    const published = client.jetstream().publish(bench.physical(REGISTER), '{"n":5}');
    await eventually(() => expect(open).toHaveLength(5));
    const taken = crashing.metrics.handling;
    expect(taken).toBeGreaterThan(0);

    await crash(crashing);
    await eventually(() => expect(open).toHaveLength(5 + taken));
    for (const { settle } of open) settle(done(accepted(1)));
    for (const answer of await Promise.all(asked)) expect(answer).toMatchObject(accepted(1));
    expect(await published).toMatchObject({ seq: expect.any(Number) });
  });

  it('comes once the handler succeeds, when the first tries failed', async () => {
    await subscribeToCommands(await bench.connect(), ({ deliveries }) =>
      Promise.resolve(deliveries < 3 ? retry('not yet') : done(accepted(deliveries))),
    );
    expect(await ask('{}')).toMatchObject(accepted(3));
  });

  it('is not waited for any longer once the bus is closed', async () => {
    const bus = await bench.connect();
    await subscribeToCommands(await bench.connect(), () => new Promise(() => undefined));
    const asked = bus.command(REGISTER, {}, { timeoutMs: 600_000 });
    const refused = expect(asked).rejects.toMatchObject({ code: 'message-bus/no-outcome' });
    await eventually(() => expect(bus.metrics.commandsSent).toBe(1));
    await bus.close();
    await refused;
  });

  it('is a typed error when no stream takes the command', async () => {
    const bus = await bench.connect();
    await expect(bus.command('command.nobody.Do.x', {})).rejects.toMatchObject({
      code: 'message-bus/unavailable',
    });
    await expect(bus.command(REGISTER, { text: 'x'.repeat(2 ** 20 + 1) })).rejects.toMatchObject({
      code: 'message-bus/message-too-large',
    });
  });

  it('keeps commands published while nobody consumes', async () => {
    const first = await bench.connect();
    await subscribeToCommands(first, () => Promise.resolve(done()));
    await first.close();
    client.publish(bench.physical(REGISTER), '{"n":1}');
    await client.flush();

    const seen: unknown[] = [];
    await subscribeToCommands(await bench.connect(), ({ body }) => {
      seen.push(body);
      return Promise.resolve(done());
    });
    await eventually(() => expect(seen).toEqual([{ n: 1 }]));
  });

  it('carries CloudEvents attributes and what the sender says of itself', async () => {
    const bus = await bench.connect({ name: 'gateway\r\nX-Evil: 1' });
    const { open, handle } = held();
    await subscribeToCommands(bus, handle);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const asked = bus.command(REGISTER, {}, { id: 'i', actor: 'ann\r\nb: c', traceparent });
    await eventually(() => expect(open).toHaveLength(1));
    open[0]?.settle(done());
    await asked;
    expect(open[0]?.delivery).toMatchObject({ actor: 'ann b: c', traceparent });
    expect(open[0]?.delivery.headers).toMatchObject({
      'ce-specversion': '1.0',
      'ce-id': 'i',
      'ce-source': 'gateway X-Evil: 1',
      'ce-type': 'RegisterService',
      'ce-time': expect.stringMatching(/^\d{4}-.*Z$/),
      'Downbeat-Correlation-Id': 'i',
      traceparent,
    });
  });
});

/** As a killed process: no settlement, no drain. */
async function crash(bus: NatsMessageBus): Promise<void> {
  const { connection } = bus as unknown as { connection: { nats: NatsConnection } };
  await connection.nats.close();
}
