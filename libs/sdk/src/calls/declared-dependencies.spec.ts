import { RETRY_POLICY, TARGET_POLICY } from '@downbeat/resilience';
import { callMsOf, DeclaredDependencies } from './declared-dependencies';

const of = (declared: object) =>
  new DeclaredDependencies([{ service_name: 'stock', ...declared }]).of('stock');

describe('the time of a call', () => {
  it.each([
    [{ kind: 'immediate' }, 300],
    [{ kind: 'fixed', delayMs: 7 }, 314],
    [{ kind: 'linear', firstMs: 1, stepMs: 2 }, 304],
    [{ kind: 'exponential', firstMs: 1, factor: 3 }, 304],
  ] as const)('is that of all attempts with pauses that are %j', (backoff, ms) => {
    expect(callMsOf({ timeoutMs: 100, retry: { ...RETRY_POLICY, backoff } })).toBe(ms);
  });

  it('is bounded, however often it is tried', () => {
    const retry = { ...RETRY_POLICY, attemptsMax: Infinity };
    expect(callMsOf({ timeoutMs: 100, retry })).toBe(3_600_000);
  });
});

describe('what is declared of a dependency', () => {
  it('is the time of an attempt, how often it is tried, and how long all of that takes', () => {
    const retry_policy = { max_retries: 2, initial_delay_ms: 50, max_delay_ms: 80 };
    const { policy } = of({ timeout_ms: 200, retry_policy });
    expect(policy).toMatchObject({
      timeoutMs: 200,
      retry: {
        attemptsMax: 3,
        backoff: { kind: 'exponential', firstMs: 50, factor: 2 },
        delayMaxMs: 80,
      },
    });
    expect(callMsOf({ ...TARGET_POLICY, ...policy })).toBe(200 + 50 + 200 + 80 + 200);
  });

  it('is a time for the call when it says nothing of trying again', () => {
    const { policy } = of({ timeout_ms: 200 });
    expect([policy, callMsOf({ ...TARGET_POLICY, ...policy })]).toEqual([{ timeoutMs: 200 }, 200]);
  });

  it('may be no retry, no breaker, and a fallback for when the breaker is open', () => {
    expect(of({ fallback_strategy: 'fail_fast', retry_policy: { max_retries: 5 } })).toMatchObject({
      policy: { retry: { attemptsMax: 1 } },
      fallbackWhen: 'any-failure',
    });
    expect(of({ circuit_breaker_enabled: false }).policy).toEqual({ hasBreaker: false });
    expect(of({ fallback_strategy: 'circuit_breaker' }).fallbackWhen).toBe('breaker-open');
  });

  it('is nothing for a name alone, and for those that are not declared', () => {
    const plain = { policy: {}, fallbackWhen: 'any-failure', isMonitored: true };
    const dependencies = new DeclaredDependencies(['stock']);
    expect([dependencies.of('stock'), dependencies.of('mail')]).toEqual([plain, plain]);
  });
});
