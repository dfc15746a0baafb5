import { eventually } from '@downbeat/event-store/testing';
import { QueueBench } from '../testing/queue-bench';

let bench: QueueBench;
beforeAll(async () => {
  bench = await QueueBench.start('sending');
});
afterAll(() => bench.stop());

const SOON_MS = 30_000;
/** Of a message that lives for 15 s. */
const ENDED_MS = 60_000;
const topic = (name: string, more: object = {}) =>
  bench.command('CreateQueue', name, {
    queue_type: 'topic',
    consumer_services: ['stock'],
    ...more,
  });
const said = { message_type: 'order.placed', message_payload: { order: '4711' }, from: 'shop' };
const taken = async (queue: string, ms?: number) => {
  const [one] = await bench.pull(bench.ownConsumer('stock', queue), 1, ms);
  one?.ack();
  return one;
};

describe('a message that the suite sends', () => {
  it('is on its queue with what goes along, once however often it is said', async () => {
    await topic('sent');
    const whole = {
      ...said,
      message_id: 's-1',
      correlation_id: 'cart-7',
      headers: { tenant: 'n' },
    };
    for (let time = 0; time < 2; time++)
      expect(await bench.command('SendMessage', 'sent', whole)).toMatchObject({
        ...{ message_id: 's-1', queue_name: 'sent', status: 'queued' },
      });
    const message = await taken('sent');
    expect(message?.json()).toEqual({ order: '4711' });
    expect(message?.headers?.get('tenant')).toBe('n');
    await eventually(
      async () =>
        expect(await bench.messages('sent', { correlation_id: 'cart-7' })).toMatchObject([
          {
            ...{ message_id: 's-1', message_type: 'order.placed', producer_service: 'shop' },
            ...{ status: 'consumed', correlation_id: 'cart-7', copies: 1 },
          },
        ]),
      SOON_MS,
    );
    await eventually(
      async () =>
        expect(
          await bench.command('SendMessage', 'sent', { ...said, message_id: 's-2' }),
        ).toMatchObject({ estimated_processing_time: expect.stringMatching(/^PT[\d.]+S$/) }),
      SOON_MS,
    );
  });

  it('is refused, and nowhere, when it may not be sent there', async () => {
    await topic('guarded', { producer_services: ['shop'], max_message_size: 40 });
    const refused = (queue: string, more: object = {}) =>
      bench.refusal('SendMessage', queue, { ...said, ...more });
    expect(await refused('nowhere')).toMatch(/^queue-unknown: there is no queue nowhere/);
    expect(await refused('guarded', { from: 'thief' })).toMatch(/^producer-not-allowed: from must/);
    const message_payload = { long: 'x'.repeat(40) };
    expect(await refused('guarded', { message_payload })).toMatch(
      /^message-too-large: .* takes 40/,
    );
    const strange = [
      [{ delay_seconds: -1 }, 'delay_seconds'],
      [{ ttl_seconds: 0 }, 'ttl_seconds'],
      [{ headers: { 'Nats-Msg-Id': 'x' } }, 'headers'],
      [{ headers: { a: 'b\nc' } }, 'headers'],
      [{ message_type: '' }, 'message_type'],
      [{ priority: 'urgent' }, 'priority'],
      [{ message_id: 'x'.repeat(200) }, 'message_id'],
    ] as const;
    for (const [more, field] of strange) expect(await refused('guarded', more)).toContain(field);
    const published = { from: 'thief', message: 1 };
    expect(await bench.refusal('PublishMessage', 'guarded', published)).toMatch(/^producer-not/);
    expect(await bench.queue('guarded')).toMatchObject({ produced_count: 0 });
  });

  it('is taken away again where somebody put it there himself who may not', async () => {
    await topic('seized', { producer_services: ['till'] });
    await bench.publish('seized', 'x-1');
    await eventually(
      async () =>
        expect(await bench.queue('seized')).toMatchObject({ failed_count: 1, message_count: 0 }),
      SOON_MS,
    );
    expect(await taken('seized', 1_000)).toBeUndefined();
    // The floor of its consumer goes past it when it acknowledges another; that nobody told of the other shows that
    // floors have been looked at.
    await bench.publish('seized', 'x-2', {}, { 'Downbeat-Actor': 'till' });
    await bench.restart(async () => {
      const settled = `${bench.bench.prefix}-message-settled`;
      await bench.manager.streams.purge(settled);
      const [other] = await bench.pull(bench.ownConsumer('stock', 'seized'), 1);
      await other?.ackAck();
      await eventually(async () => {
        const { purged } = await bench.manager.streams.purge(settled);
        expect(purged).toBeGreaterThan(0);
      }, SOON_MS);
    });
    await eventually(
      async () =>
        expect(await bench.messages('seized', { message_id: 'x-2' })).toMatchObject([
          { consumer_service: 'stock', status: 'consumed' },
        ]),
      60_000,
    );
    // It has ended: for its consumer it neither waits nor was it delivered.
    expect(await bench.messages('seized', { message_id: 'x-1' })).toMatchObject([
      { status: 'failed', error_message: expect.stringContaining('shop') },
    ]);
    expect(await bench.queue('seized')).toMatchObject({ failed_count: 1, consumed_count: 1 });
    const { position } = await bench.ask('list-queues', { queue_name: 'seized' });
    expect(await bench.queue('seized', { at: Number(position) })).toMatchObject({
      ...{ produced_count: 2, message_count: 0 },
    });
  });
});

describe('a delayed message', () => {
  it('is not there before its time, and once after it', async () => {
    await topic('later');
    const delayed = { ...said, message_id: 'd-1', delay_seconds: 15 };
    for (let time = 0; time < 2; time++)
      expect(await bench.command('SendMessage', 'later', delayed)).toMatchObject({
        status: 'delayed',
      });
    await eventually(
      async () =>
        expect(await bench.ask('list-delayed-messages', { queue_name: 'later' })).toMatchObject({
          messages: [{ message_id: 'd-1', from: 'shop' }],
        }),
      SOON_MS,
    );
    expect(await bench.messages('later', { status: 'delayed' })).toMatchObject([
      { message_id: 'd-1', status: 'delayed' },
    ]);
    const message = await taken('later', 40_000);
    expect(message?.headers?.get('Downbeat-Message-Id')).toBe('d-1');
    await eventually(async () => expect(await keptFor('later')).toBe(0), SOON_MS);
    // Said once more after it was sent, it waits nowhere to be sent once more, whatever stands in it.
    for (const message_payload of [delayed.message_payload, { order: 'another' }])
      expect(
        await bench.command('SendMessage', 'later', { ...delayed, message_payload }),
      ).toMatchObject({ status: 'queued', delayed_id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(await keptFor('later')).toBe(0);
    await eventually(
      async () =>
        expect(await bench.queue('later')).toMatchObject({
          ...{ produced_count: 1, delayed_count: 0, consumed_count: 1 },
        }),
      SOON_MS,
    );
  });

  it('is never there when it is cancelled, and cannot be cancelled when it was sent', async () => {
    await topic('cancelled');
    const unwanted = { ...said, message_id: 'c-1', delay_seconds: 10 };
    const { delayed_id } = await bench.command('SendMessage', 'cancelled', unwanted);
    const id = String(delayed_id);
    expect(await bench.command('CancelDelayedMessage', id, { reason: 'not wanted' })).toMatchObject(
      { queue_name: 'cancelled' },
    );
    expect(await bench.refusal('SendMessage', 'cancelled', unwanted)).toMatch(
      /^message-cancelled: message_id .* was cancelled/,
    );
    expect(await keptFor('cancelled')).toBe(0);
    const later = await bench.command('SendMessage', 'cancelled', { ...said, delay_seconds: 11 });
    expect(await taken('cancelled', 40_000)).toBeDefined();
    expect(await taken('cancelled', 1_000)).toBeUndefined();
    expect(
      await bench.refusal('CancelDelayedMessage', String(later['delayed_id']), { reason: 'late' }),
    ).toMatch(/^message-sent/);
    const unknown = '0198c2a4-7d1e-7c3b-9a52-3f1f0a9f3c11';
    expect(await bench.refusal('CancelDelayedMessage', unknown, { reason: 'r' })).toMatch(
      /^delayed-message-unknown/,
    );
  });

  it('is sent when the suite was away at its time, once', async () => {
    await topic('absent');
    await bench.command('SendMessage', 'absent', { ...said, message_id: 'a-1', delay_seconds: 10 });
    await bench.restart(async () => {
      await eventually(async () => expect(await due('a-1')).toBe(true), SOON_MS);
    });
    expect((await taken('absent', 20_000))?.headers?.get('Downbeat-Message-Id')).toBe('a-1');
    expect(await taken('absent', 1_000)).toBeUndefined();
  });

  it('is refused when so many wait for its queue already; what waits may be said again', async () => {
    await topic('full');
    const waits = { ...said, message_id: 'f-1', delay_seconds: 3_600 };
    await bench.command('SendMessage', 'full', waits);
    await bench.bench.database.as('messaging', (client) =>
      client.query(
        `insert into messaging.delayed_message (delayed_id, due_at, message, queue_name)
         select gen_random_uuid(), now() + interval '1 day', '{}', 'full'
           from generate_series(2, 10000)`,
      ),
    );
    const another = { ...waits, message_id: 'f-2' };
    expect(await bench.refusal('SendMessage', 'full', another)).toMatch(
      /^too-many-delayed: 10000 delayed messages wait for full, /,
    );
    expect(await keptFor('full')).toBe(10_000);
    expect(await bench.command('SendMessage', 'full', waits)).toMatchObject({ status: 'delayed' });
    await topic('empty');
    expect(await bench.command('SendMessage', 'empty', another)).toMatchObject({
      status: 'delayed',
    });
  });

  const keptFor = (queue: string): Promise<number> =>
    bench.bench.database.as('messaging', async (client) => {
      const { rowCount } = await client.query(
        `select from messaging.delayed_message where queue_name = $1`,
        [queue],
      );
      return rowCount ?? 0;
    });
  const due = (id: string): Promise<boolean> =>
    bench.bench.database.as('messaging', async (client) => {
      const { rowCount } = await client.query(
        `select from messaging.delayed_message
          where message->>'message_id' = $1 and due_at < clock_timestamp()`,
        [id],
      );
      return rowCount === 1;
    });
});

describe('a message with an end', () => {
  it('is gone from its stream then, counted as expired for who had it not', async () => {
    await bench.command('CreateQueue', 'brief', {
      queue_type: 'topic',
      consumer_services: ['stock', 'mail'],
    });
    await bench.command('SendMessage', 'brief', { ...said, message_id: 'b-1', ttl_seconds: 15 });
    expect(await taken('brief')).toBeDefined();
    await eventually(
      async () =>
        expect(await bench.messages('brief')).toMatchObject([
          { consumer_service: 'stock', status: 'consumed' },
          { consumer_service: 'mail', status: 'expired' },
        ]),
      ENDED_MS,
    );
    expect(await bench.queue('brief')).toMatchObject({ expired_count: 1, consumed_count: 1 });
    expect(await bench.pull(bench.ownConsumer('mail', 'brief'), 1, 1_000)).toEqual([]);
  });

  it('is not expired when everyone had it before', async () => {
    await topic('had');
    await bench.command('SendMessage', 'had', { ...said, ttl_seconds: 15 });
    expect(await taken('had')).toBeDefined();
    await eventually(
      async () => expect(await bench.queue('had')).toMatchObject({ consumed_count: 1 }),
      SOON_MS,
    );
    await eventually(async () => {
      const { state } = await bench.manager.streams.info(bench.stream, {
        subjects_filter: `${bench.bench.prefix}.message.normal.had`,
      });
      expect(state.subjects ?? {}).toEqual({});
    }, ENDED_MS);
    expect(await bench.queue('had')).toMatchObject({ expired_count: 0, consumed_count: 1 });
  });
});
