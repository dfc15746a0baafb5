import { detailOf, observeCalls, type CallEvidence } from './call-evidence';
import { planOf } from './check-plan';
import { beginAt, observeInstance, standingOf } from './phases';

const check = {
  url: 'http://10.0.0.7:3000/health',
  interval_ms: 60_000,
  timeout_ms: 500,
  failure_threshold: 3,
  success_threshold: 2,
};
const plan = planOf(check);
const passed = { isPassed: true, detail: 'HTTP 200' };
const of = (ok: number, failed: number): CallEvidence => ({ ok, failed, window_ms: 500 });
const healthy = beginAt(plan, {
  hasStarted: true,
  standing: { status: 'healthy', phase: 'readiness' },
});
const unhealthy = beginAt(plan, {
  hasStarted: true,
  standing: { status: 'unhealthy', phase: 'readiness' },
});
const after = (...evidence: readonly CallEvidence[]) =>
  evidence.reduce((before, one) => observeCalls(before, one, plan), healthy);
const statusOf = (...evidence: readonly CallEvidence[]) =>
  standingOf(after(...evidence), plan).status;

describe('calls that fail', () => {
  it('count as failed checks, each', () => {
    expect(statusOf(of(0, 2))).toBe('healthy');
    expect(statusOf(of(0, 3))).toBe('unhealthy');
    expect(statusOf(of(0, 1), of(1, 1), of(0, 1))).toBe('unhealthy');
    expect(after(of(0, 2)).readiness).toEqual({ status: 'healthy', passes: 0, failures: 2 });
  });

  it('say nothing while most calls go well', () => {
    expect(statusOf(of(1_000, 999))).toBe('healthy');
    expect(statusOf(of(3, 3))).toBe('unhealthy');
  });

  it('count together with checks that fail, and not beyond one that passes', () => {
    const failed = { isPassed: false, detail: 'HTTP 503' };
    const once = observeInstance(after(of(0, 2)), 'readiness', failed, plan, false);
    expect(standingOf(once, plan).status).toBe('unhealthy');
    const anew = observeInstance(after(of(0, 2)), 'readiness', passed, plan, false);
    expect(standingOf(observeCalls(anew, of(0, 2), plan), plan).status).toBe('healthy');
  });

  it('begin the way back anew', () => {
    const nearly = observeInstance(unhealthy, 'readiness', passed, plan, false);
    const fallen = observeCalls(nearly, of(0, 1), plan);
    const again = observeInstance(fallen, 'readiness', passed, plan, false);
    expect(standingOf(again, plan).status).toBe('unhealthy');
    expect(standingOf(observeInstance(again, 'readiness', passed, plan, false), plan).status).toBe(
      'healthy',
    );
  });

  it('say nothing about an instance that starts', () => {
    const phased = planOf({ ...check, startup: {} });
    const starting = beginAt(phased, { hasStarted: false });
    expect(observeCalls(starting, of(0, 50), phased)).toBe(starting);
  });
});

describe('calls that go well', () => {
  it('never make an instance healthy, nor undo a failure', () => {
    expect(observeCalls(unhealthy, of(1_000_000, 0), plan)).toBe(unhealthy);
    const failing = after(of(0, 2));
    expect(observeCalls(failing, of(50, 0), plan)).toBe(failing);
    expect(observeCalls(failing, of(0, 0), plan)).toBe(failing);
  });
});

it('are told in a sentence', () => {
  expect(detailOf(of(1, 4))).toBe('4 of 5 calls failed within 500 ms');
  expect(detailOf({ ...of(0, 1), last_failure: 'HTTP 503' })).toBe(
    '1 of 1 calls failed within 500 ms: HTTP 503',
  );
});
