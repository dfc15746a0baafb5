import type { AnswerOf, observabilityContract } from '@downbeat/contracts';
import type { SpansForgotten } from '@downbeat/observability-domain';
import { TestBench } from '@downbeat/test-bench';
import { ObservabilityModule } from './observability.module';
import { of, someSpan, traceIdOf } from './testing/span-commands';

type List = AnswerOf<typeof observabilityContract.listTraces>;

describe('spans beyond those that are kept, with two replicas', () => {
  let bench: TestBench;
  beforeAll(async () => {
    bench = await TestBench.start({
      services: ['health', 'health-2'].map((name) => ({ name, module: ObservabilityModule })),
      environment: { TRACES_KEPT_SPANS: '10' },
    });
  });
  afterAll(() => bench.stop());

  const shown = async (as?: { at: number }): Promise<readonly string[]> =>
    (await bench.answer<List>('query.observability.list-traces', {}, as)).traces.map(
      ({ trace_id }) => trace_id,
    );
  const open = (trace: number) =>
    bench.query('query.observability.get-trace', { trace_id: traceIdOf(trace) });

  it('are forgotten, the oldest first, and stay in the log', async () => {
    let complete = 0;
    for (let trace = 1; trace <= 4; trace++)
      complete = await bench.accepted(`command.observability.RecordSpans.batch-${trace}`, {
        resources: [
          of('shop', ...[1, 2, 3, 4, 5].map((number) => someSpan(trace, trace * 10 + number))),
        ],
      });
    // A turn begins when somebody takes them.
    await bench.restart('health');
    await bench.restart('health-2');
    await bench.eventually(shown, (ids) => {
      expect(ids.toSorted()).toEqual([3, 4].map(traceIdOf));
    });
    expect(await open(1)).toMatchObject({ ok: false, problem: { code: 'trace-unknown' } });
    expect(await open(4)).toMatchObject({ ok: true, data: { trace: { span_count: 5 } } });
    expect((await shown({ at: complete })).toSorted()).toEqual([1, 2, 3, 4].map(traceIdOf));
    expect(await bench.events('spans-batch-1')).toHaveLength(1);
    const told = await bench.rows<{ data: SpansForgotten['data'] }>(
      `select data from log.event where type = 'SpansForgotten' order by position`,
      [],
    );
    // In one round or in two: as far as the view was when its turn began.
    expect(told.flatMap(({ data }) => data.batches)).toMatchObject(
      [1, 2].map((trace) => ({
        ...{ batch_id: `batch-${trace}`, span_count: 5, trace_ids: [traceIdOf(trace)] },
      })),
    );
  });

  it('are forgotten by a view that is built again as well', async () => {
    expect(
      await bench.bus.query(
        'query.observability.verify-read-model',
        { name: 'observability.traces' },
        { timeoutMs: 60_000 },
      ),
    ).toMatchObject({ ok: true, data: { is_equal: true } });
  });
});
