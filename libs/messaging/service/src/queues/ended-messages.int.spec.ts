import { messagingContract } from '@downbeat/contracts';
import { eventually } from '@downbeat/event-store/testing';
import { HEADER } from '@downbeat/message-bus';
import { QueueBench } from '../testing/queue-bench';
import { EXPIRED_SQL } from './ended-messages';
import { queues } from './view/queues.projection';

const { redrivenConsumer } = messagingContract;
const ENDED = 20_000;
const HOUR_MS = 3_600_000;
const SOON_MS = 30_000;

interface PlanNode {
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

let bench: QueueBench;
beforeAll(async () => {
  bench = await QueueBench.start('ended');
});
afterAll(() => bench.stop());

describe('the end of messages', () => {
  it('is found without a look at those that have ended', async () => {
    const table = `messaging.queue_message_v${queues.version}`;
    const nodes = await bench.bench.database.asOwner(async (owner) => {
      await owner.query(
        `insert into ${table}
           (key, queue_name, producer, message_id, type, priority, bytes, produced_at, place,
            stream_created, sequence, stands, copies, is_copied, headers, expires_at, state)
         select 'past/shop/' || n, 'past', 'shop', n::text, 'past', 'normal', 1, now(), n::text,
                'life', n, '[]', 1, 'no', '{}', now() - interval '1 hour', 'expired'
           from generate_series(1, ${ENDED}) as n`,
      );
      await owner.query(`analyze ${table}`);
      await owner.query('set search_path = messaging');
      const { rows } = await owner.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
        `explain (analyze, format json) ${EXPIRED_SQL}`,
        [new Date()],
      );
      const of = (node: PlanNode): readonly PlanNode[] => [node, ...(node.Plans ?? []).flatMap(of)];
      await owner.query(`delete from ${table}`);
      return rows.flatMap((row) => of(row['QUERY PLAN'][0].Plan));
    });
    const looks = nodes.filter((node) => node['Relation Name']?.startsWith('queue_message'));
    expect(looks).not.toEqual([]);
    for (const look of looks)
      expect(look['Actual Rows'] + (look['Rows Removed by Filter'] ?? 0)).toBeLessThan(100);
  });
});

describe('a message that was refused', () => {
  it('does not end once more when its time is over', async () => {
    await bench.command('CreateQueue', 'guarded', {
      ...{ queue_type: 'topic', consumer_services: ['stock', 'mail'] },
      producer_services: ['till'],
    });
    const counts = async (): Promise<unknown> => {
      const { failed_count, expired_count } = (await bench.queue('guarded')) ?? {};
      return { failed_count, expired_count };
    };
    const expires = { [HEADER.expiresAt]: new Date(Date.now() + HOUR_MS).toISOString() };
    await bench.publish('guarded', 'g-1', {}, expires);
    await eventually(
      async () => expect(await counts()).toEqual({ failed_count: 1, expired_count: 0 }),
      SOON_MS,
    );
    // Of those that were not refused the time ends at the same moment, which shows that it was looked at.
    await bench.publish('guarded', 'g-2', {}, { ...expires, 'Downbeat-Actor': 'till' });
    await eventually(
      async () => expect(await bench.messages('guarded', { message_id: 'g-2' })).not.toEqual([]),
      SOON_MS,
    );
    await laterBy(2 * HOUR_MS, () =>
      eventually(
        async () => expect(await counts()).not.toMatchObject({ expired_count: 0 }),
        SOON_MS,
      ),
    );
    expect(await counts()).toEqual({ failed_count: 1, expired_count: 1 });
  });
});

describe('what became of a message', () => {
  const receipts = (): Promise<readonly string[]> =>
    bench.bench.database.asOwner(async (owner) => {
      const { rows } = await owner.query<{ outcome: string }>(
        `select outcome from messaging.queue_receipt where queue_name = 'late'`,
      );
      return rows.map(({ outcome }) => outcome);
    });

  it('is forgotten a week after it was told although the message was forgotten before', async () => {
    await bench.command('CreateQueue', 'late', {
      queue_type: 'topic',
      consumer_services: ['stock'],
      retention_hours: 1,
    });
    const stream_sequence = await bench.publish('late', 'l-1');
    const { created } = await bench.manager.streams.info(bench.stream);
    const failed = { stream_created: String(created), stream_sequence, attempts: 1, error: 'no' };
    const { dead_letter_id } = await bench.command('QuarantineMessage', 'stock', failed);
    await eventually(async () => expect(await receipts()).toEqual(['dead_letter']), SOON_MS);
    await laterBy(2 * HOUR_MS, () =>
      eventually(async () => expect(await receipts()).toEqual([]), SOON_MS),
    );
    // Sent again later than its message is remembered.
    await bench.command('RedriveDeadLetter', String(dead_letter_id), {});
    const [copy] = await bench.pull(redrivenConsumer('stock', 'late'), 1);
    copy?.ack();
    await eventually(async () => expect(await receipts()).toEqual(['consumed']), SOON_MS);
    await laterBy(169 * HOUR_MS, () =>
      eventually(async () => expect(await receipts()).toEqual([]), SOON_MS),
    );
  });
});

async function laterBy(ms: number, work: () => Promise<void>): Promise<void> {
  const real = Date.now.bind(Date);
  const later = jest.spyOn(Date, 'now').mockImplementation(() => real() + ms);
  try {
    await work();
  } finally {
    later.mockRestore();
  }
}
