import type { Instant } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import { spanBatch, type RecordSpans, type SpansRecorded } from './span-batch';
import { someSpan, T0_US } from './testing/some-span';

const { given } = specification(spanBatch);

const at = '2026-03-01T09:30:00.000Z' as Instant;
const MINUTE_US = 60_000_000;
const DAY_US = 1_440 * MINUTE_US;
const resourcesOf = (...starts: readonly number[]): SpansRecorded['data']['resources'] => {
  const spans = starts.map((start_us, number) => {
    const { service_name: _, ...span } = someSpan(number + 1, { start_us });
    return span;
  });
  return [{ service_name: 'shop', spans }];
};
const record = (...starts: readonly number[]): RecordSpans => ({
  type: 'RecordSpans',
  data: { batch_id: 'b', resources: [...resourcesOf(...starts)] },
  at,
});
const recorded = (...starts: readonly number[]): SpansRecorded => ({
  type: 'SpansRecorded',
  data: { batch_id: 'b', resources: resourcesOf(...starts), at },
});

describe('a batch of spans', () => {
  it('is one event', () => given().when(record(T0_US, T0_US)).then(recorded(T0_US, T0_US)));

  it('is kept once, however often it is handed over', () =>
    given(recorded(T0_US)).when(record(T0_US)).thenNothing());

  it('may come from a clock that goes ahead a little', () =>
    given()
      .when(record(T0_US + 9 * MINUTE_US))
      .then(recorded(T0_US + 9 * MINUTE_US)));

  it('may have waited for days', () =>
    given()
      .when(record(T0_US - 29 * DAY_US))
      .then(recorded(T0_US - 29 * DAY_US)));

  it.each([
    ['of tomorrow', T0_US + DAY_US],
    ['of last year', T0_US - 365 * DAY_US],
  ])('has no span %s', (_, startUs) =>
    given().when(record(T0_US, startUs)).thenRejected('span-misdated'),
  );

  it('is refused with the field that is wrong', () =>
    expect(spanBatch.decide(record(T0_US, 0), spanBatch.initialState)).toMatchObject({
      kind: 'invalid',
      errors: [{ field: 'resources.0.spans.1.start_us' }],
    }));
});
