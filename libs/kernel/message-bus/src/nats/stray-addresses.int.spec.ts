import { eventually } from '@downbeat/local-servers/testing';
import { headers, type NatsConnection } from 'nats';
import { HEADER } from '../headers';
import { done } from '../settlement';
import {
  accepted,
  askToRegister,
  held,
  idHeaders,
  REGISTER,
  subscribeToCommands,
} from '../testing/command-scene';
import { NatsBench } from '../testing/nats-bench';

describe('the outcome of a command at an address that is no inbox', () => {
  let bench: NatsBench;
  let client: NatsConnection;
  beforeEach(async () => {
    bench = await NatsBench.start();
    ({ client } = bench);
  });
  afterEach(() => bench.stop());

  const ask = (text: string) => askToRegister(bench, text);
  /** What arrives on a subject that the suite would have no business to answer on. */
  const listen = async (subject: string): Promise<string[]> => {
    const heard: string[] = [];
    client.subscribe(subject, { callback: (_, message) => heard.push(message.string()) });
    await client.flush();
    return heard;
  };
  const inboxless = [
    ['a stream of the suite', '$JS.API.STREAM.PURGE.none'],
    ['a command', 'command.registry.RegisterService.other'],
    ['anything', 'my.answers'],
  ] as const;

  it.each(inboxless)('is not sent when a header names %s', async (_, address) => {
    const bus = await bench.connect();
    const handled: unknown[] = [];
    await subscribeToCommands(
      bus,
      ({ body }) => (handled.push(body), Promise.resolve(done(accepted(1)))),
    );
    const heard = await listen(address);
    const asking = headers();
    asking.set(HEADER.replyTo, address);
    const answer = await client.request(bench.physical(REGISTER), '{"n":1}', {
      timeout: 30_000,
      headers: asking,
    });
    expect(answer.json()).toMatchObject({
      accepted: false,
      problem: { kind: 'invalid', errors: [{ field: 'Downbeat-Reply-To' }] },
    });
    expect(bench.deadLetters.letters.map(({ reason }) => reason)).toEqual([
      expect.stringContaining(`Downbeat-Reply-To must be an inbox`),
    ]);
    expect([handled, heard]).toEqual([[], []]);
  });

  it.each(inboxless)('is not sent when the reply subject is %s', async (_, reply) => {
    const bus = await bench.connect();
    const handled: unknown[] = [];
    await subscribeToCommands(
      bus,
      ({ body }) => (handled.push(body), Promise.resolve(done(accepted(1)))),
    );
    const heard = await listen(reply);
    for (const asking of [idHeaders('mine'), undefined]) {
      const sent = asking ? { reply, headers: asking } : { reply };
      client.publish(bench.physical(REGISTER), '{"n":1}', sent);
      await eventually(() => expect(bus.metrics.quarantined).toBe(asking ? 1 : 2));
    }
    for (const letter of bench.deadLetters.letters)
      expect(letter.reason).toContain(`reply subject must be an inbox`);
    expect(bench.deadLetters.letters[0]?.reason).toContain(reply);
    expect([handled, heard]).toEqual([[], []]);
    // The very same command with an inbox is a good one.
    expect(await ask('{"n":1}')).toMatchObject(accepted(1));
  });

  it('leaves others who ask the same with theirs', async () => {
    const bus = await bench.connect();
    const { open, handle } = held();
    await subscribeToCommands(bus, handle);
    const asked = ask('{"n":1}');
    client.publish(bench.physical(REGISTER), '{"n":1}', { reply: 'my.answers' });
    await eventually(() => expect(open).toHaveLength(1));
    open[0]?.settle(done(accepted(1)));
    expect(await asked).toMatchObject(accepted(1));
    await eventually(() => expect(open).toHaveLength(2));
    open[1]?.settle(done(accepted(2)));
  });

  it('is sent to an inbox of a client that has its own kind', async () => {
    await subscribeToCommands(await bench.connect(), () => Promise.resolve(done(accepted(1))));
    const heard = await listen('_INBOX_ann.>');
    client.publish(bench.physical(REGISTER), '{}', { reply: '_INBOX_ann.1' });
    await eventually(() => expect(heard).toHaveLength(1));
  });

  it('is not sent either when it answers a question', async () => {
    const bus = await bench.connect();
    bus.answer('query.registry.x', async () => ({ ok: true, position: 1, data: {} }));
    // What was asked over a connection is heard after what was subscribed over it.
    await bus.query('query.registry.x', {});
    const heard = await listen('my.answers');
    client.publish(bench.physical('query.registry.x'), '{}', { reply: 'my.answers' });
    await eventually(() => expect(bus.metrics.queriesTurnedAway).toBe(1));
    await client.request(bench.physical('query.registry.x'), '{}', { timeout: 30_000 });
    expect(heard).toEqual([]);
  });
});
