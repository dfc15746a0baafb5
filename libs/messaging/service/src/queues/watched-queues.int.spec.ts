import { eventually } from '@downbeat/event-store/testing';
import { QueueBench } from '../testing/queue-bench';

let bench: QueueBench;
beforeAll(async () => {
  bench = await QueueBench.start('watching');
});
afterAll(() => bench.stop());

const SOON_MS = 30_000;
const topic = (name: string, more: object = {}) =>
  bench.command('CreateQueue', name, {
    queue_type: 'topic',
    consumer_services: ['stock'],
    ...more,
  });
const settledStream = () => `${bench.bench.prefix}-message-settled`;

describe('what was acknowledged', () => {
  it('is known although nobody told: what is below the floor of its consumer is consumed', async () => {
    await topic('untold');
    await bench.publish('untold', 'u-1');
    await bench.publish('untold', 'u-2');
    await bench.restart(async () => {
      for (const one of await bench.pull(bench.ownConsumer('stock', 'untold'), 2))
        await one.ackAck();
      // What the server said of it is lost, before the suite has read it.
      await eventually(async () => {
        await bench.manager.streams.purge(settledStream());
        const { ack_floor } = await bench.manager.consumers.info(
          bench.stream,
          `${bench.bench.prefix}-${bench.ownConsumer('stock', 'untold')}`,
        );
        expect(ack_floor.consumer_seq).toBe(2);
      }, SOON_MS);
      await bench.manager.streams.purge(settledStream());
    });
    await eventually(
      async () =>
        expect(await bench.queue('untold')).toMatchObject({ produced_count: 2, consumed_count: 2 }),
      60_000,
    );
  });

  it('was so then and is so now: the past can be asked', async () => {
    await topic('past');
    await bench.publish('past', 'p-1');
    await eventually(
      async () => expect(await bench.queue('past')).toMatchObject({ produced_count: 1 }),
      SOON_MS,
    );
    const { position } = await bench.ask('list-queues', { queue_name: 'past' });
    for (const one of await bench.pull(bench.ownConsumer('stock', 'past'), 1)) one.ack();
    await eventually(
      async () => expect(await bench.queue('past')).toMatchObject({ consumed_count: 1 }),
      SOON_MS,
    );
    expect(await bench.queue('past', { at: Number(position) })).toMatchObject({
      ...{ consumed_count: 0, message_count: 1 },
    });
  });
});

describe('consumers that vanish', () => {
  it('are made again, and with the whole stream when that vanishes', async () => {
    await topic('lost', { dlq_max_retries: 4 });
    const durable = `${bench.bench.prefix}-${bench.ownConsumer('stock', 'lost')}`;
    await eventually(async () => expect(await bench.queue('lost')).toBeDefined(), SOON_MS);
    await bench.manager.consumers.delete(bench.stream, durable);
    const config = async () => (await bench.manager.consumers.info(bench.stream, durable)).config;
    await eventually(
      async () => expect(await config()).toMatchObject({ max_deliver: 5, sample_freq: '100%' }),
      60_000,
    );
    await bench.manager.streams.delete(bench.stream);
    await eventually(async () => expect(await config()).toMatchObject({ max_deliver: 5 }), 60_000);
    await bench.publish('lost', 'l-1');
    await eventually(
      async () => expect(await bench.queue('lost')).toMatchObject({ produced_count: 1 }),
      60_000,
    );
  });

  it('of an earlier release are looked at by their floors', async () => {
    await bench.command('SubscribeService', 'old', { topics: ['ancient'] });
    const durable = `${bench.bench.prefix}-${bench.ownConsumer('old', 'ancient')}`;
    const { config } = await bench.manager.consumers.info(bench.stream, durable);
    await bench.restart(async () => {
      await bench.manager.consumers.delete(bench.stream, durable);
      const { sample_freq: _, ...earlier } = config;
      await bench.manager.consumers.add(bench.stream, earlier);
    });
    await bench.publish('ancient', 'a-1');
    for (const one of await bench.pull(bench.ownConsumer('old', 'ancient'), 1)) one.ack();
    await eventually(
      async () =>
        expect(await bench.queue('ancient')).toMatchObject({
          ...{ produced_count: 1, consumed_count: 1 },
        }),
      60_000,
    );
  });

  it('deliver as often as their queue says from now on, and go on where they were', async () => {
    await topic('limited');
    const durable = `${bench.bench.prefix}-${bench.ownConsumer('stock', 'limited')}`;
    await bench.publish('limited', 'n-1');
    for (const one of await bench.pull(bench.ownConsumer('stock', 'limited'), 1))
      await one.ackAck();
    await bench.command('ChangeQueue', 'limited', { dlq_max_retries: 1 });
    const { config } = await bench.manager.consumers.info(bench.stream, durable);
    expect(config.max_deliver).toBe(2);
    await bench.publish('limited', 'n-2');
    const [next] = await bench.pull(bench.ownConsumer('stock', 'limited'), 1);
    expect(next?.headers?.get('Downbeat-Message-Id')).toBe('n-2');
  });
});

describe('a queue', () => {
  it('is measured for alerts: how full, how old, and above which threshold', async () => {
    await topic('full', { monitoring_config: { alert_on_backlog: 1 } });
    for (const id of ['f-1', 'f-2']) await bench.publish('full', id);
    await eventually(async () => {
      const { queues } = await bench.ask('queue-measurements', { queue_name: 'full' });
      expect(queues).toMatchObject([
        {
          ...{ queue_name: 'full', depth: 2, backlog_threshold: 1, is_backlog_exceeded: true },
          is_processing_time_exceeded: false,
          oldest_age_seconds: expect.any(Number) as number,
        },
      ]);
      expect((queues as { oldest_age_seconds: number }[])[0]?.oldest_age_seconds).toBeGreaterThan(
        0,
      );
    }, SOON_MS);
  });

  it('keeps messages as long as it says, and forgets them then', async () => {
    await topic('short', { retention_hours: 1 });
    await bench.publish('short', 'k-1');
    await eventually(
      async () => expect(await bench.queue('short')).toMatchObject({ produced_count: 1 }),
      SOON_MS,
    );
    const real = Date.now.bind(Date);
    const later = jest.spyOn(Date, 'now').mockImplementation(() => real() + 3_600_000 + 60_000);
    try {
      await eventually(async () => {
        const { state } = await bench.manager.streams.info(bench.stream, {
          subjects_filter: `${bench.bench.prefix}.message.normal.short`,
        });
        expect(state.subjects ?? {}).toEqual({});
        expect(await bench.queue('short')).toMatchObject({ produced_count: 0, message_count: 0 });
      }, SOON_MS);
    } finally {
      later.mockRestore();
    }
  });

  it('is changed and removed, with the subscriptions that it brought', async () => {
    await topic('going');
    await bench.command('ChangeQueue', 'going', { consumer_services: ['mail'] });
    const services = async () => (await bench.queue('going'))?.['consumers'];
    await eventually(
      async () => expect(await services()).toMatchObject([{ service_name: 'mail' }]),
      SOON_MS,
    );
    await bench.command('RemoveQueue', 'going', { reason: 'over' });
    await eventually(async () => expect(await bench.queue('going')).toBeUndefined(), SOON_MS);
    for await (const { name } of bench.manager.consumers.list(bench.stream))
      expect(name).not.toContain('_going_');
    const wrong = { queue_type: 'dead_letter' };
    expect(await bench.refusal('CreateQueue', 'grave', wrong)).toMatch(/message_pattern/);
    for (const [field, more] of [
      ['retention_hours', { retention_hours: 999 }],
      ['max_message_size', { max_message_size: 0 }],
      ['dlq_max_retries', { dlq_max_retries: -1 }],
      ['consumer_services', { consumer_services: ['a', 'a'] }],
      ['message_pattern', { message_pattern: 'A.*' }],
      ['monitoring_config', { monitoring_config: { alert_on_backlog: 0 } }],
      ['queue_type', { queue_type: 'heap' }],
    ] as const)
      expect(await bench.refusal('CreateQueue', 'bad', { queue_type: 'topic', ...more })).toContain(
        field,
      );
    expect(await bench.queue('bad')).toBeUndefined();
  });
});
