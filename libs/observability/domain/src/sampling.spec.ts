import fc from 'fast-check';
import { isSampled, sampledSpans, type Sampling } from './sampling';
import type { RecordedSpan, SpansOfResource } from './span';

const HALF: Sampling = { share: 0.5, slowUs: 1_000_000 };
/** The rightmost 56 bits decide: these are below one half, and above. */
const LOST = `${'f'.repeat(18)}${'0'.repeat(13)}1`;
const WON = `${'0'.repeat(18)}8${'0'.repeat(13)}`;

const span = (
  trace_id: string,
  number: number,
  more: Partial<RecordedSpan> = {},
): RecordedSpan => ({
  trace_id,
  span_id: `${number}`,
  operation_name: 'op',
  span_kind: 'internal',
  start_us: 1,
  duration_us: 10,
  ...more,
});
const of = (service_name: string, ...spans: readonly RecordedSpan[]): SpansOfResource => ({
  service_name,
  tags: { host: 'here' },
  spans: [...spans],
});
const ids = (resources: readonly SpansOfResource[]): readonly string[] =>
  resources.flatMap(({ service_name, spans }) =>
    spans.map(({ span_id }) => `${service_name} ${span_id}`),
  );

describe('a trace', () => {
  it('is sampled by the random part of its id, as OpenTelemetry does', () => {
    expect(isSampled(LOST, 0.5)).toBe(false);
    expect(isSampled(WON, 0.5)).toBe(true);
    expect(isSampled(LOST, 1)).toBe(true);
    expect(isSampled('f'.repeat(32), 0)).toBe(false);
    expect(isSampled('f'.repeat(32), 0.0001)).toBe(true);
  });

  it('that is sampled stays so when more are', () =>
    fc.assert(
      fc.property(
        fc.stringMatching(/^[0-9a-f]{32}$/),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (id, one, other) =>
          !isSampled(id, Math.min(one, other)) || isSampled(id, Math.max(one, other)),
      ),
    ));

  it('is kept whole for one span that failed or was slow, in whatever batch of the request', () => {
    for (const more of [
      { status_code: 'error' as const },
      { status_code: 'timeout' as const },
      { duration_us: 1_000_000 },
    ]) {
      const batches = [[of('shop', span(LOST, 1))], [of('till', span(LOST, 2, more))]];
      expect(sampledSpans(batches, HALF)).toEqual({ kept: batches, undecided: [] });
    }
  });

  it('of which nothing is known yet is undecided, apart from those that are kept', () => {
    const batch = [of('shop', span(LOST, 1), span(WON, 2)), of('till', span(LOST, 3))];
    const { kept, undecided } = sampledSpans([batch, [of('shop', span(LOST, 4))]], HALF);
    expect(kept.map(ids)).toEqual([['shop 2']]);
    expect(kept[0]?.[0]?.tags).toEqual({ host: 'here' });
    expect(undecided.map(({ trace_id, resources }) => [trace_id, ids(resources)])).toEqual([
      [LOST, ['shop 1', 'till 3', 'shop 4']],
    ]);
  });

  it('is passed on as it is when all are kept', () => {
    const batches = [[of('shop', span(LOST, 1))]];
    expect(sampledSpans(batches, { ...HALF, share: 1 }).kept).toBe(batches);
  });
});
