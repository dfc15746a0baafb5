import { planOf, type CheckPlan, type Phase } from './check-plan';
import { beginAt, observeInstance, reasonSaid, runningPhases, standingOf } from './phases';

const check = {
  url: 'http://10.0.0.7:3000/health',
  interval_ms: 1_000,
  timeout_ms: 500,
  failure_threshold: 2,
  success_threshold: 1,
};
const simple = planOf(check);
const phased = planOf({
  ...check,
  startup: { endpoint: '/started', startup_timeout_ms: 10_000, success_threshold: 2 },
  liveness: { endpoint: '/live', failure_threshold: 3, kind: 'tcp' },
  readiness: { endpoint: '/ready', interval_ms: 200, success_threshold: 2 },
});

type Seen = readonly [Phase, 'ok' | 'bad' | 'late'];
const after = (plan: CheckPlan, ...seen: readonly Seen[]) =>
  seen.reduce(
    (before, [phase, what]) =>
      observeInstance(
        before,
        phase,
        { isPassed: what === 'ok', detail: '' },
        plan,
        what === 'late',
      ),
    beginAt(plan, { hasStarted: false }),
  );
const standing = (plan: CheckPlan, ...seen: readonly Seen[]) =>
  standingOf(after(plan, ...seen), plan);

const started: readonly Seen[] = [
  ['startup', 'ok'],
  ['startup', 'ok'],
];
const ready: readonly Seen[] = [...started, ['readiness', 'ok'], ['readiness', 'ok']];
const times = (count: number, ...seen: Seen): readonly Seen[] =>
  Array.from({ length: count }, () => seen);

describe('the plan of checks', () => {
  it('is one check that is no phase, while none is named', () => {
    expect(simple).toMatchObject({
      isPhased: false,
      readiness: { intervalMs: 1_000, timeoutMs: 500, failure_threshold: 2 },
    });
    expect(simple.readiness.request.url).toBe(check.url);
    expect(simple).not.toHaveProperty('startup');
    expect(simple).not.toHaveProperty('liveness');
  });

  it('has in each phase what is special there, and the rest from around', () => {
    expect(phased.readiness).toMatchObject({
      intervalMs: 200,
      timeoutMs: 500,
      success_threshold: 2,
      request: { kind: 'http', url: 'http://10.0.0.7:3000/ready' },
    });
    expect(phased.liveness).toMatchObject({
      intervalMs: 1_000,
      failure_threshold: 3,
      request: { kind: 'tcp' },
    });
    expect(phased.startupTimeoutMs).toBe(10_000);
  });

  it('asks for readiness as around, when only another phase is named', () => {
    const plan = planOf({ ...check, liveness: {} });
    expect(plan.readiness.request.url).toBe(check.url);
    expect(plan.isPhased).toBe(true);
  });

  it('does not take the path of a URL for a pattern', () =>
    expect(planOf({ ...check, readiness: { endpoint: '/$1$&' } }).readiness.request.url).toBe(
      'http://10.0.0.7:3000/$1$&',
    ));
});

describe('an instance without phases', () => {
  it('stands as its one check does, without a reason', () => {
    expect(standing(simple)).toEqual({ status: 'starting', phase: 'readiness' });
    expect(standing(simple, ['readiness', 'ok'])).toEqual({
      status: 'healthy',
      phase: 'readiness',
    });
    expect(standing(simple, ...times(2, 'readiness', 'bad'))).toEqual({
      status: 'unhealthy',
      phase: 'readiness',
    });
  });
});

describe('an instance with phases', () => {
  it('is asked nothing else until its startup check has passed', () => {
    expect(runningPhases(after(phased), phased)).toEqual(['startup']);
    expect(runningPhases(after(phased, ['startup', 'ok']), phased)).toEqual(['startup']);
    expect(runningPhases(after(phased, ...started), phased)).toEqual(['liveness', 'readiness']);
  });

  it('may fail its startup check as often as it likes until its time is over', () => {
    expect(standing(phased, ...times(500, 'startup', 'bad'))).toEqual({
      status: 'starting',
      phase: 'startup',
    });
    expect(standing(phased, ['startup', 'bad'], ['startup', 'late'])).toEqual({
      status: 'unhealthy',
      phase: 'startup',
      reason: 'startup-timed-out',
    });
  });

  it('is asked on after that, and goes on when it has started at last', () => {
    const late: readonly Seen[] = [['startup', 'late'], ...started];
    expect(runningPhases(after(phased, ['startup', 'late']), phased)).toEqual(['startup']);
    expect(standing(phased, ...late)).toEqual({ status: 'starting', phase: 'readiness' });
    expect(standing(phased, ...late, ...times(2, 'readiness', 'ok')).status).toBe('healthy');
  });

  it('is healthy when it is ready', () => {
    expect(standing(phased, ...started).status).toBe('starting');
    expect(standing(phased, ...ready)).toEqual({ status: 'healthy', phase: 'readiness' });
  });

  it('is not ready while its readiness check fails', () =>
    expect(standing(phased, ...ready, ...times(2, 'readiness', 'bad'))).toEqual({
      status: 'unhealthy',
      phase: 'readiness',
      reason: 'not-ready',
    }));

  it('needs a restart when its liveness check fails, whatever else it says', () => {
    const dead: readonly Seen[] = [...ready, ...times(3, 'liveness', 'bad')];
    const verdict = { status: 'unhealthy', phase: 'liveness', reason: 'needs-restart' };
    expect(standing(phased, ...ready, ...times(2, 'liveness', 'bad')).status).toBe('healthy');
    expect(standing(phased, ...dead)).toEqual(verdict);
    expect(standing(phased, ...dead, ...times(2, 'readiness', 'ok'))).toEqual(verdict);
    expect(standing(phased, ...dead, ...times(2, 'readiness', 'bad'))).toEqual(verdict);
    expect(standing(phased, ...dead, ['liveness', 'ok']).status).toBe('healthy');
  });
});

describe('the need of a restart', () => {
  it.each([
    ['needs-restart', true, 'inherited'],
    ['needs-restart', false, 'needs-restart'],
    ['needs-restart', undefined, 'needs-restart'],
    ['not-ready', true, 'not-ready'],
    ['startup-timed-out', true, 'startup-timed-out'],
    [undefined, true, undefined],
  ] as const)('is said of %s, another one to blame: %s, as %s', (reason, isToBlame, said) =>
    expect(reasonSaid(reason, isToBlame === undefined ? undefined : { isToBlame })).toBe(said),
  );
});

describe('whoever goes on with the checks of another', () => {
  it('begins where the log stands, with no results in a row', () => {
    const notReady = { status: 'unhealthy', phase: 'readiness', reason: 'not-ready' } as const;
    const begun = beginAt(phased, { hasStarted: true, standing: notReady });
    expect(standingOf(begun, phased)).toEqual(notReady);
    const passed = { isPassed: true, detail: '' };
    const once = observeInstance(begun, 'readiness', passed, phased, false);
    expect(standingOf(once, phased)).toEqual(notReady);
    const twice = observeInstance(once, 'readiness', passed, phased, false);
    expect(standingOf(twice, phased).status).toBe('healthy');
  });

  it('knows of an instance that never started', () => {
    const late = { status: 'unhealthy', phase: 'startup', reason: 'startup-timed-out' } as const;
    const begun = beginAt(phased, { hasStarted: false, standing: late });
    expect(standingOf(begun, phased)).toEqual(late);
    expect(runningPhases(begun, phased)).toEqual(['startup']);
  });

  it('does not start anew what was checked before it had phases', () => {
    const healthy = { status: 'healthy', phase: 'readiness' } as const;
    const begun = beginAt(phased, { hasStarted: false, standing: healthy });
    expect(standingOf(begun, phased)).toEqual(healthy);
    expect(runningPhases(begun, phased)).toEqual(['liveness', 'readiness']);
  });
});
