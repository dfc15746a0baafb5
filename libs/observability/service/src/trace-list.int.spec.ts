import type { AnswerOf, observabilityContract } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';
import { TestBench } from '@downbeat/test-bench';
import { ObservabilityModule } from './observability.module';
import { EXAMINED_MAX, PAGE_SQL, STATS_SQL } from './projections/traces/trace-list';
import { traces } from './projections/traces/traces.projection';

jest.setTimeout(180_000);

type Details = AnswerOf<typeof observabilityContract.getTrace>;
type List = AnswerOf<typeof observabilityContract.listTraces>;
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

const TRACES = 100_000;
const T0_US = 1_772_357_400_000_000;
const at = (trace: number): string => new Date(T0_US / 1_000 + trace * 1_000).toISOString();

describe('a hundred thousand traces, on real Postgres', () => {
  let bench: TestBench;
  beforeAll(async () => {
    bench = await TestBench.start({
      services: [{ name: 'health', module: ObservabilityModule }],
    });
    await bench.answer('query.observability.list-traces');
    // One a second; every fiftieth failed, and the very first is of another service.
    await bench.database.asOwner(async (owner) => {
      await owner.query(
        `insert into observability.trace_v${traces.version}
           (trace_id, root_span_id, root_service, root_operation, root_start_us, root_tags, has_root,
            start_us, end_us, span_count, error_count, status, services, operations, pairs,
            duration_us, last_position, place)
         select lpad(to_hex(n + 1), 32, '0'), '1', 'shop', 'op', start, '{}', true,
                start, start + 5, 1, (n % 50 = 0)::int, 'ok',
                case n when 0 then '["first"]' else '["shop"]' end::json, '["op"]', '["a=1"]',
                5, 1, lpad(start::text, 16, '0') || ' ' || lpad(to_hex(n + 1), 32, '0')
           from (select n, ${T0_US} + n * 1000000::bigint as start
                   from generate_series(0, ${TRACES - 1}) as n) as numbered`,
      );
      await owner.query(`analyze observability.trace_v${traces.version}`);
    });
  });
  afterAll(() => bench.stop());

  const search = (input: JsonObject): Promise<List> =>
    bench.answer<List>('query.observability.search-traces', input);

  const rowsRead = async (sql: string, values: readonly unknown[]): Promise<readonly PlanNode[]> =>
    bench.database.asOwner(async (owner) => {
      await owner.query('set search_path = observability');
      const { rows } = await owner.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
        `explain (analyze, format json) ${sql}`,
        [...values],
      );
      const of = (node: PlanNode): readonly PlanNode[] => [node, ...(node.Plans ?? []).flatMap(of)];
      const [root] = rows[0]?.['QUERY PLAN'] ?? [];
      return root ? of(root.Plan).filter((node) => node['Relation Name'] !== undefined) : [];
    });
  const nothing = [null, null, null, null, null];

  it.each([
    ['the newest', '', ':'],
    ['those of an earlier time', '0', `${T0_US + 50_000_000_000}`],
  ])('are asked for ten thousand rows at most, by their index: %s', async (_, from, before) => {
    const filter = [from, before, 'nobody', ...nothing];
    for (const read of [
      await rowsRead(PAGE_SQL, [...filter, 51, 0]),
      await rowsRead(STATS_SQL, filter),
    ]) {
      expect(read).toHaveLength(1);
      const [scan] = read;
      expect(scan?.['Node Type']).toBe('Index Scan');
      expect(scan?.['Actual Rows']).toBe(EXAMINED_MAX);
      expect(scan?.['Rows Removed by Filter'] ?? 0).toBe(0);
    }
  });

  it('say of how many they speak', async () => {
    const { traces: newest, trace_stats } = await search({ limit: 1 });
    expect(newest[0]?.start_time).toBe(at(TRACES - 1));
    expect(trace_stats).toMatchObject({ total_traces: EXAMINED_MAX, is_cut: true });
    expect(trace_stats.error_rate).toBeCloseTo(0.02);
    const hour = { start_time: at(1_000), end_time: at(4_600) };
    expect((await search(hour)).trace_stats).toMatchObject({ total_traces: 3_600, is_cut: false });
  });

  it('are all reached, ten thousand at a time', async () => {
    let cursor: string | undefined;
    const pages: List[] = [];
    do {
      const page = await search({ service_name: 'first', ...(cursor !== undefined && { cursor }) });
      pages.push(page);
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    expect(pages).toHaveLength(TRACES / EXAMINED_MAX);
    expect(pages.flatMap((page) => page.traces)).toMatchObject([{ start_time: at(0) }]);
  });

  /** `count` batches of a thousand spans, each as large as is said. */
  const insertChunks = (traceId: string, count: number, bytes: number): Promise<void> =>
    bench.database.asOwner(async (owner) => {
      await owner.query(
        `insert into observability.trace_chunk_v${traces.version}
           (chunk_id, trace_id, position, recorded_at, span_count, bytes, spans)
         select '${traceId}/' || batch, '${traceId}', batch, now(), 1000, ${bytes},
                (select json_agg(json_build_object(
                   'trace_id', '${traceId}', 'span_id', lpad(to_hex(batch * 1000 + n), 16, '0'),
                   'service_name', 'shop', 'operation_name', 'op', 'span_kind', 'internal',
                   'start_us', ${T0_US} + n, 'duration_us', 1)) from generate_series(1, 1000) as n)
           from generate_series(1, ${count}) as batch`,
      );
    });

  it.each([
    ['than fifty thousand spans', 'a'.repeat(32), 51, 100, 50_000],
    ['bytes than are read', 'b'.repeat(32), 5, 10 * 2 ** 20, 3_000],
    ['bytes than are read in one batch', 'c'.repeat(32), 2, 2 ** 30, 1_000],
  ])('one with more %s is opened as far, and says so', async (_, trace_id, count, bytes, read) => {
    await insertChunks(trace_id, count, bytes);
    const opened = await bench.answer<Details>('query.observability.get-trace', {
      trace_id,
      limit: 1,
    });
    expect(opened).toMatchObject({ is_cut: true, trace: { span_count: read } });
  });
});
