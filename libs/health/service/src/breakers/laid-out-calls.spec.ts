import * as fc from 'fast-check';
import type { RecordedTransition } from '@downbeat/health-domain';
import { laidOut } from './laid-out-calls';

/** Goal: nothing is made up and nothing left out, whatever is on record. */

const START = Date.UTC(2026, 2, 1, 9, 0);
const within = fc.integer({ min: 0, max: 59_999 });

const minutes = fc
  .record({
    good: fc.nat(300),
    bad: fc.nat(300),
    slowShare: fc.double({ min: 0, max: 1, noNaN: true }),
    row: fc.nat(300),
  })
  .map(({ good, bad, slowShare, row }) => ({
    fromMs: START,
    calls: good + bad,
    failures: bad,
    slow: Math.floor(slowShare * (good + bad)),
    refused: 0,
    in_a_row: Math.min(row, bad),
    seconds: 60,
  }));
const trips = fc.array(
  fc
    .record({ atMs: within, calls: fc.nat(400), failures: fc.nat(400) })
    .map(({ atMs, calls, failures }): RecordedTransition => ({
      at: new Date(START + atMs).toISOString(),
      from: 'closed',
      to: 'open',
      mode: 'automatic',
      holder: 'a',
      cause: {
        kind: 'tripped',
        evidence: { rule: 'time_window', calls, failures, slow: 0, share: 1, threshold: 0.5 },
      },
    })),
  { maxLength: 4 },
);
const opens = fc
  .array(within, { maxLength: 6 })
  .map((moments) => [...moments].sort((one, other) => one - other))
  .map((moments) =>
    moments.flatMap((fromMs, index) => {
      const toMs = moments[index + 1];
      return index % 2 === 0 && toMs !== undefined
        ? [{ fromMs: START + fromMs, toMs: START + toMs }]
        : [];
    }),
  );

it('has every call and every failure of the minute, in order and within it', () =>
  fc.assert(
    fc.property(minutes, trips, opens, (minute, transitions, open) => {
      const calls = laidOut(minute, transitions, open);
      expect(calls).toHaveLength(minute.calls);
      expect(calls.filter(({ isGood }) => !isGood)).toHaveLength(minute.failures);
      expect(calls.filter(({ isSlow }) => isSlow)).toHaveLength(minute.slow);
      calls.forEach(({ atMs }, index) => {
        expect(atMs).toBeGreaterThanOrEqual(calls[index - 1]?.atMs ?? START);
        expect(atMs).toBeLessThanOrEqual(START + 60_000);
      });
    }),
  ));
