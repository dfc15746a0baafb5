import { messagingContract } from '@downbeat/contracts';
import { eventually } from '@downbeat/event-store/testing';
import { QueueBench } from '../testing/queue-bench';

const { queueConsumer, redrivenConsumer } = messagingContract;

let bench: QueueBench;
beforeAll(async () => {
  bench = await QueueBench.start('queues');
});
afterAll(() => bench.stop());

const SOON_MS = 30_000;

describe('a queue of the type topic', () => {
  it('shows who sends, who consumes and what became of each message, whoever the consumers are', async () => {
    await bench.command('CreateQueue', 'placed', {
      queue_type: 'topic',
      consumer_services: ['stock', 'mail'],
      retention_hours: 48,
    });
    await bench.publish('placed', 'm-1', { n: 1 }, { tenant: 'north', 'X-Api-Key': 'hush' });
    await bench.publish('placed', 'm-2');
    for (const one of await bench.pull(bench.ownConsumer('stock', 'placed'), 2)) one.ack();
    await eventually(
      async () =>
        expect(await bench.queue('placed')).toMatchObject({
          queue_type: 'topic',
          consumer_count: 2,
          producers: ['shop'],
          produced_count: 2,
          consumed_count: 2,
          message_count: 2,
          retention_hours: 48,
          is_active: true,
        }),
      SOON_MS,
    );
    const messages = await bench.messages('placed', { message_id: 'm-1' });
    expect(messages).toMatchObject([
      { consumer_service: 'stock', status: 'consumed', retry_count: 0, producer_service: 'shop' },
      { consumer_service: 'mail', status: 'produced', headers: { tenant: 'north' } },
    ]);
    expect(JSON.stringify(messages)).not.toContain('hush');
    expect(messages[0]?.['processing_time_ms']).toBeGreaterThanOrEqual(0);
    const one = await bench.ask('get-queue-message', { queue_name: 'placed', message_id: 'm-1' });
    expect(one).toMatchObject({ payload: { n: 1 }, payload_state: 'kept' });
    expect(await bench.messages('placed', { status: 'consumed' })).toHaveLength(2);
    await bench.pull(bench.ownConsumer('mail', 'placed'), 1);
    await eventually(
      async () =>
        expect(await bench.messages('placed', { status: 'delivered' })).toMatchObject([
          { consumer_service: 'mail', message_id: 'm-1' },
        ]),
      SOON_MS,
    );
  });

  it('counts what comes twice and what is given out twice once', async () => {
    await bench.command('CreateQueue', 'twice', {
      queue_type: 'topic',
      consumer_services: ['stock'],
    });
    // Without an id for the server: it keeps both.
    await bench.publish('twice', 'd-1');
    await bench.publish('twice', 'd-1');
    const [first, second] = await bench.pull(bench.ownConsumer('stock', 'twice'), 2);
    first?.ack();
    second?.nak();
    const [again] = await bench.pull(bench.ownConsumer('stock', 'twice'), 1);
    again?.ack();
    await eventually(
      async () =>
        expect(await bench.queue('twice')).toMatchObject({
          ...{ produced_count: 1, duplicate_count: 1, consumed_count: 1, message_count: 0 },
        }),
      SOON_MS,
    );
  });

  it('is there without a declaration where a service has subscribed, and among the streams there are all', async () => {
    await bench.command('SubscribeService', 'bookkeeping', { topics: ['paid'] });
    await eventually(
      async () =>
        expect(await bench.queue('paid')).toMatchObject({
          ...{ is_declared: false, queue_type: 'topic', consumer_count: 1 },
        }),
      SOON_MS,
    );
    const { queues } = await bench.ask('list-queues', { kind: 'suite' });
    const names = (queues as { queue_name: string }[]).map(({ queue_name }) => queue_name);
    expect(names).toEqual(expect.arrayContaining(['command-messaging', 'message']));
  });
});

describe('a queue that services share', () => {
  it('gives each message to one of them, and to no other service at all', async () => {
    await bench.command('CreateQueue', 'jobs', {
      queue_type: 'queue',
      consumer_services: ['worker', 'helper'],
      dlq_max_retries: 2,
    });
    expect(await bench.command('SubscribeService', 'worker', { topics: ['jobs'] })).toMatchObject({
      shared: ['jobs'],
      deliveries_max: { jobs: 3 },
    });
    expect(await bench.refusal('SubscribeService', 'thief', { topics: ['jobs'] })).toMatch(
      /^consumer-not-allowed: thief/,
    );
    for (const id of ['j-1', 'j-2']) await bench.publish('jobs', id);
    const shared = queueConsumer('jobs', 'normal');
    const taken = [...(await bench.pull(shared, 1)), ...(await bench.pull(shared, 1))];
    expect(taken).toHaveLength(2);
    for (const one of taken) one.ack();
    await eventually(
      async () =>
        expect(await bench.queue('jobs')).toMatchObject({
          ...{ produced_count: 2, consumed_count: 2, message_count: 0, consumer_count: 2 },
        }),
      SOON_MS,
    );
    expect(await bench.messages('jobs')).toHaveLength(2);
  });

  it('is not made of a topic while services have messages of it that they have not handled', async () => {
    await bench.command('SubscribeService', 'packer', { topics: ['parcels'] });
    for (const id of ['p-1', 'p-2']) await bench.publish('parcels', id);
    const own = bench.ownConsumer('packer', 'parcels');
    const [inHand] = await bench.pull(own, 1);
    const wanted = { queue_type: 'queue', consumer_services: ['packer', 'helper'] };
    expect(await bench.refusal('CreateQueue', 'parcels', wanted)).toMatch(
      /^queue-has-backlog: parcels has messages that packer has not handled: 1 waiting, 1 in hand/,
    );
    // What the service had is still there for it.
    await inHand?.ackAck();
    for (const one of await bench.pull(own, 1)) await one.ackAck();
    expect(await bench.command('CreateQueue', 'parcels', wanted)).toMatchObject({
      queue_type: 'queue',
    });
    await bench.publish('parcels', 'p-3');
    // Said once more it is the same, whatever is on the queue by now.
    expect(await bench.refusal('CreateQueue', 'parcels', wanted)).toBe('accepted');
    const ids: (string | undefined)[] = [];
    await eventually(async () => {
      const [one] = await bench.pull(queueConsumer('parcels', 'normal'), 1);
      ids.push(one?.headers?.get('Downbeat-Message-Id'));
      expect(ids).toContain('p-3');
    }, SOON_MS);
  });

  it('has what nobody acknowledges become a dead letter after so many deliveries', async () => {
    await bench.command('CreateQueue', 'stubborn', {
      queue_type: 'queue',
      consumer_services: ['worker'],
      dlq_max_retries: 1,
    });
    await bench.publish('stubborn', 's-1');
    const shared = queueConsumer('stubborn', 'normal');
    for (let delivery = 0; delivery < 2; delivery++)
      for (const one of await bench.pull(shared, 1)) one.nak();
    await bench.pull(shared, 1, 1_000);
    await eventually(
      async () => expect(await bench.queue('stubborn')).toMatchObject({ dlq_message_count: 1 }),
      SOON_MS,
    );
    expect(await bench.messages('stubborn')).toMatchObject([
      {
        status: 'dead_letter',
        consumer_service: 'worker',
        retry_count: 1,
        error_message: 'delivered ? times without an acknowledgement',
      },
    ]);
    expect(redrivenConsumer('worker', 'stubborn')).toBe('worker_stubborn_redriven');
  });
});

describe('what is given up on', () => {
  const giveUp = async (queue: string, id: string, error = 'no') => {
    const stream_sequence = await bench.publish(queue, id);
    const { created } = await bench.manager.streams.info(bench.stream);
    const said = { stream_created: String(created), stream_sequence, attempts: 3, error };
    return bench.command('QuarantineMessage', 'stock', said);
  };

  it('goes to the queues that want it, as well as among the dead letters', async () => {
    await bench.command('CreateQueue', 'order-lost', {
      queue_type: 'dead_letter',
      message_pattern: 'order-*',
      consumer_services: ['undertaker'],
    });
    await bench.command('CreateQueue', 'order-sent', {
      queue_type: 'topic',
      consumer_services: ['stock'],
    });
    await eventually(async () => expect(await bench.queue('order-lost')).toBeDefined(), SOON_MS);
    const { dead_letter_id } = await giveUp('order-sent', 'o-1');
    const [copy] = await bench.pull(bench.ownConsumer('undertaker', 'order-lost'), 1);
    expect(copy?.headers?.get('Dead-Letter-Id')).toBe(dead_letter_id);
    expect(copy?.headers?.get('Dead-Letter-Reason')).toBe('no');
    copy?.ack();
    await eventually(
      async () =>
        expect(await bench.messages('order-sent')).toMatchObject([
          { status: 'dead_letter', error_message: 'no', retry_count: 2, dead_letter_id },
        ]),
      SOON_MS,
    );
  });

  it('says exactly why in its dead letter, and without values in the log, which forgets nothing', async () => {
    await bench.command('CreateQueue', 'lost-cards', {
      queue_type: 'dead_letter',
      message_pattern: 'card',
      consumer_services: ['undertaker'],
    });
    await bench.command('CreateQueue', 'card', {
      queue_type: 'topic',
      consumer_services: ['stock'],
    });
    await eventually(async () => expect(await bench.queue('lost-cards')).toBeDefined(), SOON_MS);
    const { dead_letter_id } = await giveUp('card', 'c-1', 'declined: card "4111-1111"');
    await eventually(
      async () =>
        expect(await bench.messages('card')).toMatchObject([
          { status: 'dead_letter', error_message: 'declined: card ?' },
        ]),
      SOON_MS,
    );
    const [copy] = await bench.pull(bench.ownConsumer('undertaker', 'lost-cards'), 1);
    expect(copy?.headers?.get('Dead-Letter-Reason')).toBe('declined: card "4111-1111"');
    await eventually(
      async () =>
        expect(await bench.messages('lost-cards')).toMatchObject([
          { headers: { 'Dead-Letter-Reason': 'declined: card ?' } },
        ]),
      SOON_MS,
    );
    const id = String(dead_letter_id);
    expect(JSON.stringify(await bench.ask('get-dead-letter', { dead_letter_id: id }))).toContain(
      '4111-1111',
    );
    const { rows } = await bench.bench.database.asOwner((owner) =>
      owner.query<{ type: string }>(`select type from log.event where data::text like '%4111%'`),
    );
    expect(rows).toEqual([]);
  });

  it('is counted as failed and not kept where the queue has no dead letters', async () => {
    await bench.command('CreateQueue', 'fleeting', {
      queue_type: 'topic',
      consumer_services: ['stock'],
      dlq_enabled: false,
    });
    const { dead_letter_id } = await giveUp('fleeting', 'f-1');
    await eventually(
      async () =>
        expect(await bench.queue('fleeting')).toMatchObject({
          ...{ failed_count: 1, dlq_message_count: 0 },
        }),
      SOON_MS,
    );
    await expect(
      bench.ask('get-dead-letter', { dead_letter_id: String(dead_letter_id) }),
    ).rejects.toThrow('there is no dead letter');
  });
});
