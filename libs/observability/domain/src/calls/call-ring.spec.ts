import { observabilityContract } from '@downbeat/contracts';
import type { Instant } from '@downbeat/eventsourcing';
import fc from 'fast-check';
import { MINUTE, someCalls } from '../testing/some-calls';
import type { CallFigures } from './call-report';
import { hours, minutes, placeOfCalls, withReport, type RecordedCalls } from './call-ring';
import { quantilesMs, statisticsOf } from './call-statistics';
import { callsIn } from './call-totals';

const { durationBucketOf, ENDPOINTS_KEPT, OTHER } = observabilityContract;
const at = MINUTE as Instant;
const folded = (ring: typeof minutes, ...calls: CallFigures[]): RecordedCalls | undefined =>
  calls.reduce<RecordedCalls | undefined>(
    (row, one) =>
      withReport(ring, row, { report_id: 'r', calls: [one], at }, placeOfCalls(ring, one)),
    undefined,
  );
const later = (ms: number): string => new Date(Date.parse(MINUTE) + ms).toISOString();

describe('calls by the minute', () => {
  it('add up, by endpoint too', () => {
    const row = folded(
      minutes,
      someCalls(),
      someCalls({ unanswered: 2, ok: 0, durations: { '60': 2 }, duration_us: 70_000 }),
      someCalls({ endpoint: '/refunds' }),
    );
    expect(row?.totals).toEqual({
      ...{ ok: 2, client_errors: 0, server_errors: 0, unanswered: 2 },
      duration_us: 78_400,
      durations: { '48': 2, '60': 2 },
    });
    expect(Object.entries(row?.endpoints ?? {}).map(([name, of]) => [name, callsIn(of)])).toEqual([
      ['POST /invoices', 3],
      ['POST /refunds', 1],
    ]);
  });

  it('make room for the same minute of the next day', () =>
    expect(
      folded(minutes, someCalls({ ok: 9 }), someCalls({ minute: later(24 * 3_600_000) })),
    ).toMatchObject({ began_at: later(24 * 3_600_000), totals: { ok: 1 } }));

  it('have no room for those of a day before', () =>
    expect(
      folded(minutes, someCalls(), someCalls({ ok: 9, minute: later(-24 * 3_600_000) })),
    ).toMatchObject({ began_at: MINUTE, totals: { ok: 1 } }));

  it('are added to those of the hour', () =>
    expect(folded(hours, someCalls(), someCalls({ minute: later(60_000) }))).toMatchObject({
      began_at: '2026-03-01T09:00:00.000Z',
      totals: { ok: 2 },
    }));

  it('to more endpoints than there is room for are counted under one name', () => {
    const many = Array.from({ length: ENDPOINTS_KEPT + 7 }, (_, number) =>
      someCalls({ endpoint: `/made-up-${number}` }),
    );
    const row = folded(minutes, ...many);
    expect(Object.keys(row?.endpoints ?? {})).toHaveLength(ENDPOINTS_KEPT + 1);
    expect(row?.endpoints[`* ${OTHER}`]?.ok).toBe(7);
    expect(row?.totals.ok).toBe(many.length);
  });
});

describe('what is said of calls', () => {
  it('is nothing where there were none', () =>
    expect(statisticsOf({ ...someCalls({ ok: 0, durations: {}, duration_us: 0 }) }, 5)).toEqual({
      ...{ calls: 0, errors: 0, error_rate: 0, client_errors: 0, rate_per_minute: 0 },
      ...{ avg_ms: 0, p50_ms: 0, p95_ms: 0, p99_ms: 0 },
    }));

  it('has errors of the target alone', () =>
    expect(
      statisticsOf(someCalls({ ok: 5, client_errors: 3, server_errors: 1, unanswered: 1 }), 5),
    ).toMatchObject({ calls: 10, errors: 2, error_rate: 0.2, rate_per_minute: 2 }));

  it('has percentiles that are at most 9.1 % off, whatever the durations are', () =>
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 3_000_000_000 }), { minLength: 1, maxLength: 200 }),
        fc.constantFrom(0.5, 0.95, 0.99),
        (all, share) => {
          const durations: Record<string, number> = {};
          for (const us of all) {
            const bucket = durationBucketOf(us);
            durations[bucket] = (durations[bucket] ?? 0) + 1;
          }
          const sorted = all.toSorted((one, other) => one - other);
          const exactMs = (sorted[Math.max(1, Math.ceil(share * all.length)) - 1] ?? 0) / 1_000;
          const [foundMs = 0] = quantilesMs(durations, [share]);
          expect(Math.abs(foundMs - exactMs) / exactMs).toBeLessThan(0.091);
        },
      ),
    ));
});
