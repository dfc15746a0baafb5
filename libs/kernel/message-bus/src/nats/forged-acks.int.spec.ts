import type { DeadLetter } from '../dead-letters';
import { NatsBench } from '../testing/nats-bench';
import type { NatsMessageBus } from './nats-message-bus';

const BROKEN = JSON.stringify({
  error: { code: 503, description: 'open 2.blk: no such file or directory' },
});
const letter: DeadLetter = {
  id: '0198c2a4-7d1e-7c3b-9a52-3f1f0a9f3c11',
  subject: 'message.low.paid',
  consumer: 'shop',
  message_id: 'm-1',
  reason: 'x',
  attempts: 1,
  headers: {},
  body: Buffer.from('{}'),
  correlation_id: 'm-1',
};

describe('an acknowledgement that somebody else wrote', () => {
  let bench: NatsBench;
  let bus: NatsMessageBus;
  beforeEach(async () => {
    bench = await NatsBench.start();
    bus = await bench.connect();
  });
  afterEach(() => bench.stop());

  it('is none when a consumer was told to deliver it', async () => {
    const delivered = new Promise<void>((resolve) => {
      const hear = async (reply: string): Promise<void> => {
        const token = reply.slice(reply.lastIndexOf('.') + 1);
        // As long as the address, so that what stands behind it is the token.
        const lead = bench.physical('message.low.');
        const filter = `message.low.${'a'.repeat(reply.length - token.length - lead.length)}${token}`;
        const consumer = { durable: 'shop_a_low', filter, since: new Date(0).toISOString() };
        await bus.serviceMessages.ensure([consumer]);
        await bench.client.jetstream().publish(bench.physical(filter), BROKEN);
        const next = `$JS.API.CONSUMER.MSG.NEXT.${bench.prefix}-message.${bench.prefix}-shop_a_low`;
        bench.client.publish(next, '{"batch":1}', { reply });
        resolve();
      };
      bench.client.subscribe(bench.physical('event.registry.>'), {
        callback: (_, { reply = '' }) => void hear(reply),
      });
    });
    await bench.client.flush();
    const event = {
      subject: 'event.registry.ServiceAvailable.a',
      messageId: 'registry:1',
      headers: {},
      body: {},
    };
    await expect(bus.publishEvents([event])).rejects.toMatchObject({
      code: 'message-bus/events-not-confirmed',
    });
    await delivered;
  });

  it('does not have the messages of services thrown away', async () => {
    const created = await bus.serviceMessages.ensure([]);
    const { streams } = await bench.client.jetstreamManager();
    // So that nobody but the forger answers at first.
    const elsewhere = { subjects: [bench.physical('message.elsewhere')] };
    await streams.update(`${bench.prefix}-message`, elsewhere);
    let answers = 0;
    const subject = bench.physical('message.redriven.>');
    bench.client.subscribe(subject, {
      callback: (_, message) => void (answers++ === 0 && message.respond(BROKEN)),
    });
    await bench.client.flush();
    await bus.redrive(letter, 1);
    expect(await bus.serviceMessages.ensure([])).toBe(created);
    expect([answers, bus.metrics.streamsRemade]).toEqual([2, 0]);
    const { state } = await streams.info(`${bench.prefix}-message`);
    expect(state.messages).toBe(1);
  });

  describe('does not have a stream thrown away', () => {
    const event = (number: number) => ({
      subject: 'event.registry.ServiceAvailable.a',
      messageId: `registry:${number}`,
      headers: {},
      body: {},
    });
    const evidence = (number: number) => ({
      subject: 'evidence.audit.heads',
      messageId: `heads:${number}`,
      body: { number },
    });
    const redriven = { ...letter, subject: 'command.registry.Do.a', consumer: 'registry-commands' };

    type Publish = (number: number) => Promise<unknown>;
    it.each<[string, string, Publish]>([
      ['event-registry', 'event.registry', (n) => bus.publishEvents([event(n)])],
      ['retry', 'retry', (n) => bus.redrive(redriven, n)],
      ['evidence-audit', 'evidence.audit', (n) => bus.keepEvidence(evidence(n))],
    ])('%s', async (name, lead, publish) => {
      const { streams } = await bench.client.jetstreamManager();
      await bus.ensureEventStream('registry');
      await publish(1);
      const stream = `${bench.prefix}-${name}`;
      const before = await streams.info(stream);
      // So that nobody but the forger answers at first.
      await streams.update(stream, { subjects: [bench.physical(`${lead}.elsewhere`)] });
      let answers = 0;
      bench.client.subscribe(bench.physical(`${lead}.>`), {
        callback: (_, message) => void (answers++ === 0 && message.respond(BROKEN)),
      });
      await bench.client.flush();
      await publish(2).catch(() => publish(2));
      const { created, state } = await streams.info(stream);
      expect([answers, created, state.messages]).toEqual([2, before.created, 2]);
      expect(bus.metrics.streamsRemade).toBe(0);
    });
  });
});
