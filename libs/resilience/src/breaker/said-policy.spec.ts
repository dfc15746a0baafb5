import { BREAKER_POLICY } from './breaker-policy';
import { policyFrom, thresholdsOf, type SaidPolicy } from './said-policy';
import { wrongFieldOf } from './said-policy-check';

const plain: SaidPolicy = { failure_threshold: 5, success_threshold: 3, timeout_duration: 60 };

describe('a policy as people say it', () => {
  it('is failures in a row, an open time and successes', () =>
    expect(policyFrom(plain)).toMatchObject({
      trips: [{ kind: 'consecutive', failures: 5 }],
      open: { firstMs: 60_000, factor: 1, maxMs: 60_000 },
      release: { kind: 'permits', permits: 1, successes: 3, answerMaxMs: 60_000 },
    }));

  it('goes deeper', () =>
    expect(
      policyFrom({
        ...plain,
        policy: {
          rules: [
            { kind: 'time_window', window_seconds: 10, calls_min: 20, failure_share: 0.5 },
            { kind: 'count_window', calls: 50, calls_min: 10, failure_share: 0.4 },
            {
              kind: 'slow_calls',
              window_seconds: 5,
              calls_min: 5,
              slow_ms: 900,
              slow_share: 0.8,
            },
          ],
          cohort_max: 8,
          open_factor: 2,
          open_seconds_max: 600,
        },
      }),
    ).toMatchObject({
      trips: [
        { kind: 'time-window', windowMs: 10_000 },
        { kind: 'count-window', calls: 50 },
        { kind: 'slow-calls', windowMs: 5_000, slowMs: 900 },
      ],
      open: { factor: 2, maxMs: 600_000 },
      release: { kind: 'cohorts', cohortMax: 8, pauseMs: 500 },
    }));

  it.each([
    [{ ...plain, failure_threshold: 1e9 }, '*', 'failure_threshold'],
    [{ ...plain, success_threshold: 0 }, '*', 'success_threshold'],
    [{ ...plain, timeout_duration: 0 }, '*', 'timeout_duration'],
    [{ ...plain, policy: { open_seconds_max: 1 } }, '*', 'policy.open_seconds_max'],
    [{ ...plain, policy: { open_factor: 1_000 } }, '*', 'policy.open_factor'],
    [
      {
        ...plain,
        policy: {
          rules: [
            { kind: 'consecutive', failures: 1 },
            { kind: 'count_window', calls: 5, calls_min: 6, failure_share: 0.5 },
          ],
        },
      },
      '*',
      'policy.rules.1.calls_min',
    ],
    [plain, 'GET /a*b', 'endpoint_pattern'],
  ] as const)('%j for %s is refused, and the field is named', (said, pattern, field) => {
    expect(wrongFieldOf(said, pattern)?.field).toBe(field);
    expect(wrongFieldOf(said, pattern)?.message).not.toBe('');
  });

  it('is refused nothing when it makes sense', () =>
    expect(wrongFieldOf(plain, 'GET /orders/*')).toBeUndefined());

  it('is told in three numbers', () => {
    expect(thresholdsOf(policyFrom(plain))).toEqual({ failures: 5, successes: 3, openSeconds: 60 });
    expect(thresholdsOf(BREAKER_POLICY)).toEqual({ failures: 10, successes: 63, openSeconds: 2 });
  });
});
