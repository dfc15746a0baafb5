import { QueueBench } from '../testing/queue-bench';
import { EXPIRED_SQL } from './ended-messages';
import { queues } from './view/queues.projection';

jest.setTimeout(120_000);

const ENDED = 20_000;

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
      return rows.flatMap((row) => of(row['QUERY PLAN'][0].Plan));
    });
    const looks = nodes.filter((node) => node['Relation Name']?.startsWith('queue_message'));
    expect(looks).not.toEqual([]);
    for (const look of looks)
      expect(look['Actual Rows'] + (look['Rows Removed by Filter'] ?? 0)).toBeLessThan(100);
  });
});
