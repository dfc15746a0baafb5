import type { Instant } from '@downbeat/eventsourcing';
import type { RecordedHour, RecordedTransition } from '@downbeat/health-domain';
import { policyFrom } from '@downbeat/resilience';
import { laidOut } from './laid-out-calls';
import { firstDifference } from './first-difference';
import { courseOf } from './what-if';

const START = Date.UTC(2026, 2, 1, 9, 0);
const HOUR = 3_600_000;
const MINUTE = 60_000;
const counts = (calls: number, failures: number, in_a_row = failures, slow = 0) => ({
  calls,
  failures,
  slow,
  refused: 0,
  in_a_row,
  seconds: 60,
});
const at = (ms: number): Instant => new Date(START + ms).toISOString() as Instant;
const tripped = (ms: number, calls: number, failures: number): RecordedTransition => ({
  at: at(ms),
  from: 'closed',
  to: 'open',
  mode: 'automatic',
  holder: 'a',
  cause: {
    kind: 'tripped',
    evidence: { rule: 'consecutive', calls, failures, slow: 0, share: 1, threshold: 1 },
  },
});
const closed = (ms: number): RecordedTransition => ({
  at: at(ms),
  from: 'half_open',
  to: 'closed',
  mode: 'automatic',
  holder: 'a',
  cause: { kind: 'trial_passed', successes: 1 },
});
const hour = (
  minutes: RecordedHour['minutes'],
  ...transitions: readonly RecordedTransition[]
): RecordedHour => ({ hour: at(0), minutes, transitions, left_out: 0 });

const policy = (failure_threshold: number, timeout_duration = 60) =>
  policyFrom({
    failure_threshold,
    success_threshold: 1,
    timeout_duration,
    policy: { open_jitter_share: 0 },
  });
const replay = (recorded: RecordedHour, with_: ReturnType<typeof policy>, callsMax?: number) =>
  courseOf(
    { hours: [recorded], holders: {}, policy: with_, fromMs: START, toMs: START + HOUR },
    callsMax,
  );

describe('the calls of a minute', () => {
  const minute = { ...counts(12, 5, 3, 4), fromMs: START };

  it('are all laid out, within it', () => {
    const calls = laidOut(minute, [], []);
    expect(calls).toHaveLength(12);
    expect(calls.filter(({ isGood }) => !isGood)).toHaveLength(5);
    expect(calls.filter(({ isSlow }) => isSlow)).toHaveLength(4);
    expect(calls.slice(0, 4).map(({ isGood }) => isGood)).toEqual([false, false, false, true]);
    expect(calls.every(({ atMs }) => atMs >= START && atMs < START + MINUTE)).toBe(true);
  });

  it('are not laid where the recorded breaker was open', () => {
    const open = [{ fromMs: START + 10_000, toMs: START + 50_000 }];
    for (const { atMs } of laidOut(minute, [], open))
      expect(atMs < START + 10_000 || atMs >= START + 50_000).toBe(true);
  });

  it('that opened it come right before it opened', () => {
    const calls = laidOut({ ...counts(20, 5), fromMs: START }, [tripped(30_000, 5, 5)], []);
    const bad = calls.filter(({ isGood }) => !isGood).map(({ atMs }) => atMs - START);
    expect(bad).toHaveLength(5);
    expect(Math.min(...bad)).toBeGreaterThanOrEqual(29_000);
    expect(Math.max(...bad)).toBeLessThanOrEqual(30_000);
  });
});

describe('a replay against other settings', () => {
  const outage = hour(
    { 0: counts(60, 0), 10: counts(5, 5), 11: counts(1, 0), 12: counts(60, 0) },
    tripped(10 * MINUTE + 20_000, 5, 5),
    closed(11 * MINUTE + 20_000),
  );

  it('with those it had comes to the same', async () => {
    const course = await replay(outage, policy(5));
    expect(course).toMatchObject({ callsReplayed: 126, isComplete: true, refused: [] });
    expect([course.recorded.length, course.simulated.length]).toEqual([1, 1]);
    expect(firstDifference(course, MINUTE)).toBeUndefined();
  });

  it('with patient ones never opens, and says where that makes a difference', async () => {
    const course = await replay(outage, policy(6));
    expect(course.simulated).toEqual([]);
    const longer = { ...course, recorded: [{ fromMs: START, toMs: START + 2 * MINUTE }] };
    expect(firstDifference(longer, MINUTE)).toEqual({
      atMs: START,
      recorded: true,
      simulated: false,
    });
  });

  it('with impatient ones refuses failures that were let through', async () => {
    const lasting = hour({ 0: counts(30, 30), 1: counts(30, 30), 2: counts(30, 0) });
    const course = await replay(lasting, policy(3, 60));
    const failures = course.refused.reduce((sum, one) => sum + one.failures, 0);
    // Three open it, one tries after a minute, and finds it still failing.
    expect(failures).toBe(56);
    expect(course.refused.map(({ fromMs }) => (fromMs - START) / MINUTE)).toEqual([0, 1, 2]);
    expect(firstDifference(course, MINUTE)).toMatchObject({ recorded: false, simulated: true });
  });

  it('takes the newest when there are too many', async () => {
    const much = hour({ 0: counts(1_000, 0), 1: counts(400, 0), 2: counts(500, 0) });
    expect(await replay(much, policy(5), 900)).toMatchObject({
      callsReplayed: 900,
      isComplete: false,
    });
  });
});
