import { messagingContract } from '@downbeat/contracts';
import { eventually } from '@downbeat/event-store/testing';
import type { JsonObject } from '@downbeat/eventsourcing';
import { startService, type RunningService } from '@downbeat/service-host';
import { connect, headers, nanos, type JetStreamManager, type NatsConnection } from 'nats';
import { MessagingModule } from '../messaging.module';
import { QuarantineBench } from '../testing/quarantine-bench';

const { messageConsumer, MESSAGE_PRIORITIES, redrivenConsumer } = messagingContract;

let bench: QuarantineBench;
let service: RunningService;
let nats: NatsConnection;
let manager: JetStreamManager;
let stream: string;

beforeAll(async () => {
  bench = await QuarantineBench.open('messages');
  nats = await connect({ servers: bench.natsUrl });
  manager = await nats.jetstreamManager();
  stream = `${bench.prefix}-message`;
  Object.assign(process.env, {
    NATS_URL: bench.natsUrl,
    NATS_PREFIX: bench.prefix,
    DATABASE_URL_MESSAGING: bench.database.urlOf('messaging'),
    LOG_LEVEL: 'error',
    HOST: '127.0.0.1',
    PORT: '0',
  });
  service = await startService({ name: 'orchestrator', module: MessagingModule });
});
afterAll(async () => {
  await service.stop();
  await nats.close();
  await bench.close();
});

const command = (name: string, id: string, body: JsonObject) =>
  bench.bus.command(`command.messaging.${name}.${id}`, body, { timeoutMs: 60_000 });
const subscribe = async (name: string, ...topics: string[]): Promise<string> => {
  const outcome = await command('SubscribeService', name, { topics });
  if (!outcome.accepted) throw new Error(outcome.problem.message);
  return String(outcome.answer['stream_created']);
};
const publish = async (subject: string, body: string | Uint8Array, id: string): Promise<number> => {
  const values = headers();
  values.set('Downbeat-Message-Id', id);
  const options = { headers: values, msgID: `${subject} ${id}` };
  return (await nats.jetstream().publish(`${bench.prefix}.${subject}`, body, options)).seq;
};
const consumers = async (): Promise<readonly string[]> => {
  const names: string[] = [];
  for await (const { name } of manager.consumers.list(stream))
    names.push(name.slice(bench.prefix.length + 1));
  return names.filter((name) => !name.startsWith('suite_')).toSorted();
};
const consumersOf = (name: string, ...topics: string[]): readonly string[] =>
  topics
    .flatMap((topic) => [
      redrivenConsumer(name, topic),
      ...MESSAGE_PRIORITIES.map((priority) => messageConsumer(name, topic, priority)),
    ])
    .toSorted();
const read = async (durable: string, expires = 30_000): Promise<string | undefined> => {
  const consumer = await nats.jetstream().consumers.get(stream, `${bench.prefix}-${durable}`);
  const message = await consumer.next({ expires });
  message?.ack();
  return message?.string();
};
const ask = async (name: string, input: JsonObject = {}): Promise<JsonObject> => {
  const outcome = await bench.bus.query(
    `query.messaging.${name}`,
    { input },
    { timeoutMs: 30_000 },
  );
  if (!outcome.ok) throw new Error(outcome.problem.message);
  return outcome.data as JsonObject;
};
const letter = (id: string) => ask('get-dead-letter', { dead_letter_id: id });
const quarantine = (name: string, stream_created: string, stream_sequence: number) =>
  command('QuarantineMessage', name, {
    stream_created,
    stream_sequence,
    attempts: 3,
    error: 'no such warehouse',
  });

describe('messages of services', () => {
  it('are kept from the subscription on, for each service apart', async () => {
    const created = await subscribe('shipping', 'paid');
    expect(await subscribe('shipping', 'paid')).toBe(created);
    await subscribe('mailing', 'paid');
    await publish('message.normal.paid', '{"n":1}', 'm-1');
    for (const name of ['shipping', 'mailing'])
      expect(await read(messageConsumer(name, 'paid', 'normal'))).toBe('{"n":1}');
    await eventually(async () =>
      expect(await ask('list-subscriptions', { topic: 'paid' })).toMatchObject({
        subscriptions: [{ service_name: 'mailing' }, { service_name: 'shipping' }],
      }),
    );
  });

  it('are published for those that cannot do it themselves, and once however often they say it', async () => {
    await subscribe('billing', 'order-placed');
    const said = { from: 'till', message: { order: 'grün' }, priority: 'high', message_id: 'o-1' };
    const again = { topic: 'order-placed', message_id: 'o-1' };
    for (let time = 0; time < 2; time++)
      expect(await command('PublishMessage', 'order-placed', said)).toMatchObject({
        accepted: true,
        answer: again,
      });
    const unnamed = await command('PublishMessage', 'order-placed', {
      from: 'till',
      message: 7,
      priority: 'high',
    });
    const consumer = await nats
      .jetstream()
      .consumers.get(
        stream,
        `${bench.prefix}-${messageConsumer('billing', 'order-placed', 'high')}`,
      );
    const [first, second] = [await consumer.next(), await consumer.next()];
    expect(first?.json()).toEqual({ order: 'grün' });
    expect(first?.headers?.get('Downbeat-Message-Id')).toBe('o-1');
    expect(first?.headers?.get('Downbeat-Actor')).toBe('till');
    expect(first?.headers?.get('ce-type')).toBe('order-placed');
    expect(second?.json()).toBe(7);
    expect(unnamed).toMatchObject({
      answer: { message_id: second?.headers?.get('Downbeat-Message-Id') },
    });
    for (const wrong of [
      { topic: 'order-placed.x' },
      { priority: 'urgent' },
      { message_id: 'a\nb' },
    ])
      expect(await command('PublishMessage', 'order-placed', { ...said, ...wrong })).toMatchObject({
        accepted: false,
      });
    const over = { topics: ['order-placed'], reason: 'the test is over' };
    expect(await command('UnsubscribeService', 'billing', over)).toMatchObject({ accepted: true });
  });

  describe('said again under the same id', () => {
    const topic = 'told-again';
    const said = { from: 'till', message: { order: 1 }, message_id: 'again-1' };
    const kept = async (): Promise<number> => {
      const { state } = await manager.streams.info(stream, {
        subjects_filter: `${bench.prefix}.message.normal.${topic}`,
      });
      return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
    };
    beforeAll(() => subscribe('hearer', topic));
    afterAll(() =>
      command('UnsubscribeService', 'hearer', { topics: [topic], reason: 'the test is over' }),
    );
    const say = (more = {}) => command('PublishMessage', topic, { ...said, ...more });

    it('are there once for as long as the contract says, by sender, id and content', async () => {
      const { config } = await manager.streams.info(stream);
      expect(config.duplicate_window).toBe(nanos(messagingContract.PUBLISHED_ONCE_WITHIN_MS));
      expect(messagingContract.publishMessage.summary).toContain('two minutes');
      for (let time = 0; time < 3; time++) await say();
      expect(await kept()).toBe(1);
      await say({ message: { order: 2 } });
      await say({ from: 'desk' });
      expect(await kept()).toBe(3);
    });

    it('are there once more after that, under the id that receivers know them by', async () => {
      const { config } = await manager.streams.info(stream);
      await manager.streams.update(stream, { ...config, duplicate_window: nanos(100) });
      try {
        await say();
        const before = await kept();
        await eventually(async () => {
          expect(await say()).toMatchObject({ accepted: true, answer: { message_id: 'again-1' } });
          expect(await kept()).toBeGreaterThan(before);
        });
        const newest = await manager.streams.getMessage(stream, {
          last_by_subj: `${bench.prefix}.message.normal.${topic}`,
        });
        expect(newest.header.get('Downbeat-Message-Id')).toBe('again-1');
      } finally {
        await manager.streams.update(stream, config);
      }
    });
  });

  it('have their stream and consumers again when all of it has vanished, without anyone asking', async () => {
    const before = await subscribe('shipping', 'paid', 'lost');
    await eventually(async () =>
      expect(await ask('list-subscriptions', { topic: 'lost' })).toMatchObject({
        subscriptions: [{ service_name: 'shipping' }],
      }),
    );
    await manager.streams.delete(stream);
    await eventually(async () =>
      expect(await consumers()).toEqual(
        [...consumersOf('shipping', 'lost', 'paid'), ...consumersOf('mailing', 'paid')].toSorted(),
      ),
    );
    expect(await subscribe('shipping', 'lost')).not.toBe(before);
  });

  it('are kept no more when the subscription ends', async () => {
    await subscribe('ending', 'paid', 'other');
    const ended = await command('UnsubscribeService', 'ending', { topics: ['paid'], reason: 'x' });
    expect(ended).toMatchObject({ accepted: true });
    const left = (await consumers()).filter((name) => name.startsWith('ending_'));
    expect(left).toEqual(consumersOf('ending', 'other'));
  });

  it('are kept also when the end of an earlier subscription is asked for once more', async () => {
    const [id, end] = ['end-1', { topics: ['paid'], reason: 'x' }];
    const subject = 'command.messaging.UnsubscribeService.returning';
    await subscribe('returning', 'paid');
    await bench.bus.command(subject, end, { id });
    await subscribe('returning', 'paid');
    const commandsOf = async () =>
      (await manager.streams.info(`${bench.prefix}-command-messaging`)).state;
    const { last_seq } = await commandsOf();
    await eventually(async () => {
      await bench.bus.command(subject, end, { id });
      expect((await commandsOf()).last_seq).toBeGreaterThan(last_seq);
    });
    await eventually(async () => expect((await commandsOf()).messages).toBe(0));
    const left = (await consumers()).filter((name) => name.startsWith('returning_'));
    expect(left).toEqual(consumersOf('returning', 'paid'));
  });

  describe('subscribed to by many at once', () => {
    const asked: string[] = [];
    const topics = Array.from({ length: 100 }, (_, number) => `topic-${number}`);
    beforeAll(async () => {
      nats.subscribe(`$JS.API.CONSUMER.*.${stream}.>`, {
        callback: (_, { subject }) => void asked.push(subject),
      });
      await nats.flush();
    });
    beforeEach(() => (asked.length = 0));
    const made = (): readonly string[] =>
      asked.filter((subject) => subject.includes('.CREATE.') && !subject.includes('suite_'));

    it('have their consumers made once', async () => {
      const lives = await Promise.all(
        Array.from({ length: 100 }, () => subscribe('crowded', ...topics)),
      );
      expect(new Set(lives).size).toBe(1);
      expect((await consumers()).filter((name) => name.startsWith('crowded_'))).toHaveLength(500);
      expect(new Set(made()).size).toBe(500);
      // Only what the server did not say in time is asked for once more.
      expect(made().length).toBeLessThan(1_000);
      // Those that waited were answered together, three or four at a time; each by itself it would be more.
      expect(asked.length - made().length).toBeLessThan(100);
    });

    it('have those made that are missing', async () => {
      const lost = messageConsumer('crowded', 'topic-7', 'low');
      await manager.consumers.delete(stream, `${bench.prefix}-${lost}`);
      await eventually(async () => {
        await subscribe('crowded', ...topics);
        expect(await consumers()).toContain(lost);
      });
      expect(made()).toHaveLength(1);
    });
  });

  it('become one dead letter however often their service gives up, with the exact bytes', async () => {
    const created = await subscribe('shipping', 'paid');
    const body = Buffer.from([0xff, 0x00, 0x7b]);
    const sequence = await publish('message.high.paid', body, 'm-poison');
    const [first, again] = [
      await quarantine('shipping', created, sequence),
      await quarantine('shipping', created, sequence),
    ];
    if (!first.accepted || !again.accepted) throw new Error('refused');
    expect(again.answer).toEqual(first.answer);
    const id = String(first.answer['dead_letter_id']);
    expect(await letter(id)).toMatchObject({
      service_name: 'shipping',
      topic: 'paid',
      consumer: 'shipping',
      subject: 'message.high.paid',
      message_id: 'm-poison',
      reason: 'no such warehouse',
      attempts: 3,
      body: body.toString('base64'),
    });
    const { total_count } = await ask('list-dead-letters', { consumer: 'shipping' });
    expect(total_count).toBe(1);
  });

  it('go to the service that gave up on them when they are sent again, and to no other', async () => {
    const created = await subscribe('shipping', 'paid');
    await subscribe('mailing', 'paid');
    const sequence = await publish('message.low.paid', '{"n":2}', 'm-again');
    for (const name of ['shipping', 'mailing']) await read(messageConsumer(name, 'paid', 'low'));
    const outcome = await quarantine('shipping', created, sequence);
    if (!outcome.accepted) throw new Error('refused');
    const id = String(outcome.answer['dead_letter_id']);
    expect(await command('RedriveDeadLetter', id, {})).toMatchObject({ accepted: true });
    expect(await read(redrivenConsumer('shipping', 'paid'))).toBe('{"n":2}');
    for (const [name, topic] of [
      ['mailing', 'paid'],
      ['shipping', 'lost'],
    ] as const)
      expect(await read(redrivenConsumer(name, topic), 1_000)).toBeUndefined();
    expect(await read(messageConsumer('mailing', 'paid', 'low'), 1_000)).toBeUndefined();

    const { state } = await manager.streams.info(stream);
    const place = { stream_created: created, stream_sequence: state.last_seq };
    const confirm = (name: string) => command('ConfirmRedriven', name, place);
    expect(await confirm('mailing')).toMatchObject({ problem: { code: 'message-gone' } });
    expect(await letter(id)).toMatchObject({ status: 'redriving' });
    // It fails once more: the same letter, with its attempts added.
    const { stream_created, stream_sequence } = place;
    expect(await quarantine('mailing', stream_created, stream_sequence)).toMatchObject({
      problem: { code: 'message-foreign' },
    });
    await quarantine('shipping', stream_created, stream_sequence);
    expect(await letter(id)).toMatchObject({ status: 'quarantined', attempts: 6 });
    await command('RedriveDeadLetter', id, {});
    place.stream_sequence += 1;
    expect(await confirm('shipping')).toMatchObject({ accepted: true });
    expect(await letter(id)).toMatchObject({ status: 'redriven', resolution: 'handled' });
  });

  it('cannot be given up on by a service that they are not for', async () => {
    const foreign = { problem: { code: 'message-foreign', kind: 'not-found' } };
    const created = await subscribe('shipping', 'paid');
    const sequence = await publish('message.low.paid', '{}', 'm-foreign');
    expect(await quarantine('stranger', created, sequence)).toMatchObject(foreign);
    await subscribe('stranger', 'other');
    expect(await quarantine('stranger', created, sequence)).toMatchObject(foreign);
    const odd = await publish('message.odd.paid', '{}', 'm-odd');
    expect(await quarantine('shipping', created, odd)).toMatchObject(foreign);
  });

  it('become dead letters whatever their ids are', async () => {
    const created = await subscribe('odd-ids', 'paid');
    const sequence = await publish('message.low.paid', '{}', 'm\0odd');
    const outcome = await quarantine('odd-ids', created, sequence);
    if (!outcome.accepted) throw new Error(outcome.problem.message);
    expect(await letter(String(outcome.answer['dead_letter_id']))).toMatchObject({
      message_id: 'm odd',
      correlation_id: 'm odd',
    });
  });

  it('cannot be given up on when they are gone, or of another life of the stream', async () => {
    const created = await subscribe('shipping', 'paid');
    const sequence = await publish('message.low.paid', '{}', 'm-gone');
    const gone = { problem: { code: 'message-gone', kind: 'not-found' } };
    expect(await quarantine('shipping', created, 4_711_000)).toMatchObject(gone);
    expect(await quarantine('shipping', 'another', sequence)).toMatchObject(gone);
  });
});
