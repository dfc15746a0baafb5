import type { AnswerOf, observabilityContract } from '@downbeat/contracts';
import { TestBench } from '@downbeat/test-bench';
import { ObservabilityModule } from './observability.module';

type Details = AnswerOf<typeof observabilityContract.getTrace>;

/** Of the rightmost 56 bits of a trace id the first decides: one half is sampled. */
const sampledId = (number: number): string => `${'0'.repeat(18)}f${`${number}`.padStart(13, '0')}`;
const otherId = (number: number): string => `${'f'.repeat(18)}0${`${number}`.padStart(13, '0')}`;

const NOW_NS = `${Date.now() - 10_000}000000`;
const span = (traceId: string, spanNumber: number, more: object = {}): object => ({
  traceId,
  spanId: `${spanNumber}`.padStart(16, '0'),
  name: 'GET /',
  kind: 2,
  startTimeUnixNano: NOW_NS,
  endTimeUnixNano: NOW_NS,
  ...more,
});
const FAILED = { status: { code: 2 } };
const SLOW = { endTimeUnixNano: `${Number(NOW_NS.slice(0, -6)) + 2_000}000000` };

describe.each([
  ['at once, when a process ends', '60000'],
  ['soon', '100'],
])('with one half of the traces sampled, and the others decided %s', (_, undecidedMs) => {
  const isSoon = undecidedMs === '100';
  let bench: TestBench;
  beforeAll(async () => {
    bench = await TestBench.start({
      services: ['one', 'other'].map((name) => ({ name, module: ObservabilityModule })),
      environment: {
        TRACES_SAMPLED_SHARE: '0.5',
        TRACES_SLOW_MS: '2000',
        TRACES_UNDECIDED_MS: undecidedMs,
      },
    });
  });
  afterAll(() => bench.stop());

  /** @returns What the answer says of the spans. */
  const send = async (replica: string, ...spans: readonly object[]): Promise<string | null> => {
    const answer = await fetch(`${bench.urlOf(replica)}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }),
    });
    expect([answer.status, await answer.text()]).toEqual([200, '{}']);
    return answer.headers.get('downbeat-spans');
  };
  const spanCount = async (trace_id: string): Promise<number> => {
    const outcome = await bench.query('query.observability.get-trace', { trace_id });
    return outcome.ok ? (outcome.data as unknown as Details).trace.span_count : 0;
  };
  const become = (trace_id: string, count: number): Promise<number> =>
    bench.eventually(
      () => spanCount(trace_id),
      (found) => expect(found).toBe(count),
    );
  /** Those of `one` are decided: now, or by themselves. */
  const decided = (): Promise<void> => (isSoon ? Promise.resolve() : bench.restart('one'));
  const became = (outcome: string): string =>
    `downbeat_observability_spans_total{outcome="${outcome}"`;
  const RECEIVED = 'downbeat_observability_spans_received_total';
  const UNDECIDED = 'downbeat_observability_spans_undecided';
  const metric = async (replica: string, name: string): Promise<number> => {
    const answer = await fetch(`${bench.urlOf(replica)}/metrics`);
    const lines = (await answer.text()).split('\n');
    const found = /\d+$/.exec(lines.find((line) => line.startsWith(name)) ?? '');
    return Number(found?.[0] ?? Number.NaN);
  };

  it('a sampled trace is kept', async () => {
    expect(await send('one', span(sampledId(1), 1))).toBe('kept=1, undecided=0, refused=0');
    await become(sampledId(1), 1);
  });

  it.each([
    ['failed', FAILED, 10],
    ['was slow', SLOW, 11],
  ])('another one is kept at once when it %s, with what came with it', async (_why, more, id) => {
    const spans = [span(otherId(id), 1), span(otherId(id), 2, more)];
    expect(await send('one', ...spans)).toBe('kept=2, undecided=0, refused=0');
    await become(otherId(id), 2);
  });

  it('and with what comes later, to whichever replica', async () => {
    await send('other', span(otherId(20), 1, FAILED));
    expect(await send('one', span(otherId(20), 2))).toBe('kept=0, undecided=1, refused=0');
    await decided();
    await become(otherId(20), 2);
  });

  // Whether the failure comes in time is not certain where little is waited for.
  if (!isSoon)
    it('and with what came before, to whichever replica, however often it was sent', async () => {
      for (const _again of [1, 2])
        expect(await send('one', span(otherId(30), 1), span(otherId(31), 1))).toBe(
          'kept=0, undecided=2, refused=0',
        );
      expect(await metric('one', UNDECIDED)).toBe(2);
      await send('other', span(otherId(30), 2, FAILED));
      await bench.restart('one');
      await become(otherId(30), 2);
      expect(await spanCount(otherId(31))).toBe(0);
    });

  it('any other one is not kept, and all are counted', async () => {
    const replica = isSoon ? 'one' : 'other';
    const before = await metric(replica, RECEIVED);
    await send(replica, span(otherId(40), 1), span(otherId(40), 2), span(sampledId(40), 1));
    expect(await metric(replica, RECEIVED)).toBe(before + 3);
    if (isSoon)
      await bench.eventually(
        () => metric(replica, became('sampled_away')),
        (count) => expect(count).toBe(2),
      );
    const names = ['kept', 'sampled_away', 'refused', 'put_off'].map(became);
    const counts = await Promise.all([...names, UNDECIDED].map((name) => metric(replica, name)));
    expect(counts.reduce((sum, one) => sum + one, 0)).toBe(before + 3);
    await become(sampledId(40), 1);
    expect(await spanCount(otherId(40))).toBe(0);
  });

  it('spans that cannot be kept now are put off, and come in when they are sent again', async () => {
    await bench.databaseGate.shut();
    const before = await metric('one', became('put_off'));
    const body = JSON.stringify({
      resourceSpans: [{ scopeSpans: [{ spans: [span(sampledId(50), 1)] }] }],
    });
    const answer = await fetch(`${bench.urlOf('one')}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    await bench.databaseGate.open();
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await metric('one', became('put_off'))).toBe(before + 1);
    await bench.eventually(
      () => send('one', span(sampledId(50), 1)),
      (said) => said === 'kept=1, undecided=0, refused=0',
    );
    await become(sampledId(50), 1);
  });
});
