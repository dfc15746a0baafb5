import type { BreakerPolicy } from './breaker-policy';
import { CircuitBreaker } from './circuit-breaker';
import type { ForcedMode, Transition } from './transition';

const policy: BreakerPolicy = {
  trips: [{ kind: 'consecutive', failures: 2 }],
  open: { firstMs: 1_000, factor: 2, maxMs: 60_000, jitterShare: 0 },
  release: { kind: 'permits', permits: 1, successes: 1, answerMaxMs: 5_000 },
};

function forced(mode: ForcedMode, untilMs: number) {
  const transitions: Transition[] = [];
  const breaker = new CircuitBreaker(
    policy,
    () => 0.5,
    (one) => transitions.push(one),
  );
  breaker.force(mode, untilMs, 'maintenance', 0);
  const call = (isGood: boolean, nowMs: number) => breaker.came(breaker.take(nowMs), isGood, nowMs);
  return { breaker, transitions, call };
}

describe('a breaker that is forced open', () => {
  it('lets nobody pass until it expires, and is tried then', () => {
    const { breaker, transitions } = forced('forced-open', 5_000);
    expect([breaker.waitMs(1_000), breaker.tryTake(4_999)]).toEqual([4_000, undefined]);
    expect(breaker.statistics(4_999)).toMatchObject({
      mode: 'forced-open',
      forced: { reason: 'maintenance', untilMs: 5_000 },
    });
    expect(breaker.tryTake(5_000)).toBeDefined();
    expect(transitions.map(({ cause, atMs }) => [cause.kind, atMs])).toEqual([
      ['forced', 0],
      ['force-expired', 5_000],
      ['waited', 5_000],
    ]);
  });

  it('is tried at once when that is lifted', () => {
    const { breaker } = forced('forced-open', 5_000);
    breaker.lift('done early', 1_000);
    expect([breaker.waitMs(1_000), breaker.statistics(1_000).mode]).toEqual([0, 'automatic']);
  });
});

describe('a breaker that is forced closed', () => {
  it('lets all pass, and decides again on what it saw when that expires', () => {
    const { breaker, call } = forced('forced-closed', 5_000);
    for (let one = 0; one < 10; one++) call(false, 100);
    expect([breaker.name, breaker.waitMs(100)]).toEqual(['closed', 0]);
    call(false, 5_000);
    expect(breaker.name).toBe('open');
  });
});

describe('a breaker that only counts', () => {
  it('lets all pass, and tells what it would have done', () => {
    const { breaker, transitions, call } = forced('metrics-only', 5_000);
    for (let one = 0; one < 5; one++) call(false, 100);
    expect(breaker.tryTake(200)).toBeDefined();
    expect(breaker.statistics(200)).toMatchObject({
      state: 'open',
      mode: 'metrics-only',
      totals: { calls: 5, failures: 5, refused: 0, refusedInShadow: 4 },
    });
    expect(transitions.at(-1)).toMatchObject({ to: 'open', mode: 'metrics-only' });
  });

  it('acts on what it knows when that expires', () => {
    const { breaker, call } = forced('metrics-only', 500);
    for (let one = 0; one < 2; one++) call(false, 100);
    expect([breaker.waitMs(499), breaker.waitMs(500)]).toEqual([0, 600]);
    expect(breaker.tryTake(500)).toBeUndefined();
  });
});

describe('whoever overrules a breaker', () => {
  const { breaker } = forced('metrics-only', 5_000);
  it.each<[string, () => void]>([
    ['says until when', () => breaker.force('forced-open', Number.POSITIVE_INFINITY, 'why', 0)],
    ['means a time to come', () => breaker.force('forced-open', 0, 'why', 0)],
    ['says why', () => breaker.force('forced-open', 1_000, ' ', 0)],
    ['says why it resets it', () => breaker.reset('', 0)],
  ])('%s', (_, act) => expect(act).toThrow(RangeError));

  it('can reset it: closed, nothing forced, no evidence, totals kept', () => {
    const made = forced('forced-open', 5_000);
    made.breaker.reset('repaired', 100);
    made.call(false, 100);
    expect(made.breaker.statistics(100)).toMatchObject({
      state: 'closed',
      mode: 'automatic',
      rules: [{ failures: 1 }],
      totals: { calls: 1, transitions: 2 },
      lastTransition: { cause: { kind: 'reset', reason: 'repaired' } },
    });
  });

  it('makes calls of before count for nothing', () => {
    const made = forced('forced-closed', 5_000);
    const early = [made.breaker.take(0), made.breaker.take(0)];
    made.breaker.reset('repaired', 100);
    for (const permit of early) made.breaker.came(permit, false, 200);
    expect(made.breaker.name).toBe('closed');
  });
});
