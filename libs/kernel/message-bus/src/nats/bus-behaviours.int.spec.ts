import { busBehaviours } from '../testing/bus-behaviours';
import { eventually } from '@downbeat/local-servers/testing';
import { NatsBench } from '../testing/nats-bench';
import { done } from '../settlement';
import { connect } from 'nats';
import { NatsMessageBus } from './nats-message-bus';

describe('the bus on NATS', () => {
  let bench: NatsBench;
  beforeEach(async () => {
    bench = await NatsBench.start();
  });
  afterEach(() => bench.stop());

  it.each(Object.entries(busBehaviours))('%s', async (_, behave) =>
    behave(await bench.underTest()),
  );

  it('hears which connections have closed, whoever had them', async () => {
    const bus = await bench.connect();
    const heard: unknown[] = [];
    const forget = bus.onSessionClosed((session) => heard.push(session));
    // What was asked over a connection is heard after what was subscribed over it.
    bus.answer('query.registry.x', () => Promise.resolve({ ok: true, position: 0, data: null }));
    await bus.query('query.registry.x', {});
    const clients = [await connect({ servers: bench.url }), await connect({ servers: bench.url })];
    const [first, second] = clients.map(({ info }) => ({
      server_id: info?.server_id,
      client_id: info?.client_id,
      reason: 'Client Closed',
    }));
    await clients[0]?.close();
    await eventually(() => expect(heard).toContainEqual(first));
    expect(heard).not.toContainEqual(second);
    forget();
    await clients[1]?.close();
  });

  it('shares questions between replicas', async () => {
    const answered = [0, 0];
    for (const at of [0, 1]) {
      const bus = await bench.connect();
      bus.answer('query.registry.x', () => {
        answered[at] = (answered[at] ?? 0) + 1;
        return Promise.resolve({ ok: true, position: at, data: null });
      });
      // What was asked over a connection is heard after what was subscribed over it.
      await bus.query('query.registry.x', {});
    }
    const asker = await bench.connect();
    for (let n = 0; n < 40; n++) await asker.query('query.registry.x', {});
    expect(answered[0]).toBeGreaterThan(0);
    expect(answered[1]).toBeGreaterThan(0);
    expect((answered[0] ?? 0) + (answered[1] ?? 0)).toBe(42);
  });

  it('refuses a question that is no JSON, and an answer that is none', async () => {
    const bus = await bench.connect();
    bus.answer('query.registry.x', () =>
      Promise.resolve({ ok: true, position: 0, data: 'x'.repeat(2 ** 20) }),
    );
    expect(await bus.query('query.registry.x', {})).toMatchObject({
      ok: false,
      problem: { code: 'internal' },
    });
    const asked = await bench.client.request(bench.physical('query.registry.x'), '{');
    expect(asked.json()).toMatchObject({ ok: false, problem: { code: 'malformed-body' } });
    bench.client.subscribe(bench.physical('query.registry.y'), {
      callback: (_, message) => void message.respond('{"hello":1}'),
    });
    await bench.client.flush();
    await expect(bus.query('query.registry.y', {})).rejects.toMatchObject({
      why: 'not-an-outcome',
    });
  });

  it('asks services outside the suite in their own words', async () => {
    const bus = await bench.connect();
    bench.client.subscribe(bench.physical('venue.hold'), {
      callback: (_, message) => void message.respond(`held ${message.string()}`),
    });
    await bench.client.flush();
    const reply = await bus.request('venue.hold', 'room 1', { timeoutMs: 30_000 });
    expect(reply.body).toBe('held room 1');
    await expect(bus.request('venue.gone', '', { timeoutMs: 30_000 })).rejects.toMatchObject({
      why: 'nobody-answers',
    });
  });

  it('needs a place for dead letters before it consumes', async () => {
    const { url, prefix } = bench;
    const bus = await NatsMessageBus.connect({ url, prefix, name: 'test' });
    await expect(
      bus.subscribe({
        durable: 'registry-commands',
        subject: 'command.registry.>',
        handle: () => Promise.resolve(done()),
      }),
    ).rejects.toMatchObject({ code: 'message-bus/no-dead-letters' });
    await bus.close();
  });

  it('hears of a message that the server gave up', async () => {
    const advisories: string[] = [];
    const bus = await bench.connect({ onServerGaveUp: (advisory) => advisories.push(advisory) });
    await bus.subscribe({
      durable: 'registry-commands',
      subject: 'command.registry.>',
      handle: () => new Promise(() => undefined),
      handlerTimeoutMs: 1_000,
    });
    bench.client.publish(bench.physical('command.registry.Do.x'), '{}');
    await eventually(() => expect(bus.metrics.handling).toBe(1));
    const stream = `${bench.prefix}-command-registry`;
    // What the bus itself never does.
    bench.client.publish(`$JS.ACK.${stream}.${bench.prefix}-registry-commands.1.1.1.1.0`, '+TERM');
    await eventually(() => expect(bus.metrics.serverGaveUp).toBe(1));
    expect(JSON.parse(advisories[0] ?? '')).toMatchObject({ stream, stream_seq: 1 });
  });
});
