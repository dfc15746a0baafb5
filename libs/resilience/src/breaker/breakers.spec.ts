import type { BreakerPolicy } from './breaker-policy';
import { BreakerRules, type BreakerRule } from './breaker-rules';
import type { BreakerKey } from './breaker-table';
import { Breakers } from './breakers';

const policy: BreakerPolicy = {
  trips: [{ kind: 'consecutive', failures: 1 }],
  open: { firstMs: 1_000, factor: 2, maxMs: 60_000, jitterShare: 0 },
  release: { kind: 'permits', permits: 1, successes: 1, answerMaxMs: 5_000 },
};
const rule = (source: string, target: string, pattern: string, failures: number): BreakerRule => ({
  source,
  target,
  pattern,
  policy: { trips: [{ kind: 'consecutive', failures }] },
});

function breakersOf(rules: readonly BreakerRule[] = [], breakersMax = 100) {
  const told: (BreakerKey & { readonly to: string })[] = [];
  const breakers = new Breakers({
    chance: () => 0.5,
    breakersMax,
    onTransition: (key, { to }) => told.push({ ...key, to }),
  });
  breakers.follow(new BreakerRules(rules, policy));
  const fail = (source: string, target: string, endpoint: string, nowMs = 0) => {
    const breaker = breakers.of(source, target, endpoint, nowMs);
    breaker.came(breaker.take(nowMs), false, nowMs);
    return breaker;
  };
  return { breakers, told, fail };
}

describe('the breakers of a process', () => {
  it('are one for each source and target when no rule says more', () => {
    const { breakers, told, fail } = breakersOf();
    fail('shop', 'pay', 'GET /a');
    expect(breakers.of('shop', 'pay', 'POST /b', 0).name).toBe('open');
    expect(breakers.of('mail', 'pay', 'GET /a', 0).name).toBe('closed');
    expect(breakers.of('shop', 'stock', 'GET /a', 0).name).toBe('closed');
    expect(told).toEqual([{ source: 'shop', target: 'pay', pattern: '*', to: 'open' }]);
  });

  it('are told to be the only ones, until a rule names endpoints or one of them goes', () => {
    const { breakers } = breakersOf([], 1);
    const sole = breakers.soleOf('shop', 'pay', 0);
    expect(sole).toBe(breakers.of('shop', 'pay', 'GET /a', 0));
    const [before] = [breakers.revision];
    expect(breakers.soleOf('shop', 'pay', 0)).toBe(sole);
    expect(breakers.revision).toBe(before);
    breakers.soleOf('shop', 'stock', 0);
    expect(breakers.revision).toBeGreaterThan(before);
    const after = breakers.revision;
    breakers.follow(new BreakerRules([rule('*', 'pay', 'GET /a', 1)], policy));
    expect(breakers.revision).toBeGreaterThan(after);
    expect(breakers.soleOf('shop', 'pay', 0)).toBeUndefined();
  });

  it('that are not kept are nobody’s only ones', () => {
    const { breakers, fail } = breakersOf([], 1);
    fail('shop', 'pay', 'GET /a');
    expect(breakers.soleOf('shop', 'stock', 0)).toBeUndefined();
  });

  it('are apart for endpoints that a rule names', () => {
    const { breakers, fail } = breakersOf([rule('*', 'pay', 'POST /refunds/*', 1)]);
    fail('shop', 'pay', 'POST /refunds/7');
    expect(breakers.of('shop', 'pay', 'POST /refunds/8', 0).name).toBe('open');
    expect(breakers.of('shop', 'pay', 'GET /refunds/8', 0).name).toBe('closed');
    expect(breakers.size).toBe(2);
  });

  it('follow the rule that names them most closely', () => {
    const rules = [
      rule('shop', 'pay', 'GET /a', 11),
      rule('*', 'pay', '*', 12),
      rule('shop', '*', '*', 13),
      rule('*', '*', '*', 14),
    ];
    const { breakers } = breakersOf(rules);
    const failuresOf = (source: string, target: string, endpoint: string) => {
      breakers.of(source, target, endpoint, 0);
      const pattern =
        endpoint === 'GET /a' && source === 'shop' && target === 'pay' ? 'GET /a' : '*';
      return breakers.policyOf({ source, target, pattern })?.trips[0];
    };
    expect(failuresOf('shop', 'pay', 'GET /a')).toMatchObject({ failures: 11 });
    expect(failuresOf('shop', 'pay', 'GET /b')).toMatchObject({ failures: 12 });
    expect(failuresOf('shop', 'mail', 'GET /a')).toMatchObject({ failures: 13 });
    expect(failuresOf('mail', 'shop', 'GET /a')).toMatchObject({ failures: 14 });
  });

  it('keep their state when the rules change, and go when their pattern goes', () => {
    const { breakers, fail } = breakersOf([rule('*', 'pay', 'GET /a/**', 1), rule('*', 'pay', 'GET /a/*', 1)]); // prettier-ignore
    fail('shop', 'pay', 'GET /a');
    fail('shop', 'pay', 'GET /a/1');
    breakers.follow(new BreakerRules([rule('*', 'pay', 'GET /a/**', 7)], policy));
    expect(breakers.size).toBe(1);
    const key = { source: 'shop', target: 'pay', pattern: 'GET /a/**' };
    expect(breakers.find(key)?.name).toBe('open');
    expect(breakers.policyOf(key)?.trips).toEqual([{ kind: 'consecutive', failures: 7 }]);
  });

  it('keep what they saw when the rules are read again and say the same', () => {
    const rules = () => new BreakerRules([rule('*', '*', '*', 2)], policy);
    const { breakers, fail } = breakersOf();
    breakers.follow(rules());
    fail('shop', 'pay', 'x');
    breakers.follow(rules());
    expect(fail('shop', 'pay', 'x').name).toBe('open');
  });

  it('tell others what they saw, who believe it where they have the rule', () => {
    const windows: BreakerPolicy = {
      ...policy,
      trips: [{ kind: 'time-window', windowMs: 1_000, callsMin: 1, failureShare: 1 }],
    };
    const rules = [{ ...rule('*', 'pay', 'GET /a', 1), policy: windows }];
    const [one, other] = [breakersOf(rules), breakersOf(rules)];
    one.fail('shop', 'pay', 'GET /a');
    const told = [...one.breakers.tell()];
    expect(told).toMatchObject([{ source: 'shop', pattern: 'GET /a', calls: 1, failures: 1 }]);
    expect([...one.breakers.tell()]).toEqual([]);
    for (const each of told) {
      other.breakers.hear(each, 0);
      other.breakers.hear({ ...each, pattern: 'GET /b' }, 0);
    }
    expect([...other.breakers.list(0)]).toMatchObject([{ pattern: 'GET /a', state: 'open' }]);
    expect([...other.breakers.tell()]).toEqual([]);
  });

  it('can be listed without being moved, forced and reset', () => {
    const { breakers, fail } = breakersOf();
    fail('shop', 'pay', 'x');
    const key = { source: 'shop', target: 'pay', pattern: '*' };
    breakers.find(key)?.force('metrics-only', 5_000, 'a trial', 0);
    const before = [...breakers.list(0)];
    expect(before).toMatchObject([{ ...key, state: 'open', mode: 'metrics-only' }]);
    expect([...breakers.list(9_000), ...breakers.list(0)].slice(1)).toEqual(before);
    breakers.find(key)?.reset('repaired', 0);
    expect([...breakers.list(0)]).toMatchObject([{ state: 'closed', mode: 'automatic' }]);
    expect(breakers.find({ ...key, pattern: 'no' })).toBeUndefined();
  });
});

describe('too many breakers', () => {
  it('make those go that rest longest, and nobody who is open or forced', () => {
    const { breakers, fail } = breakersOf([], 4);
    fail('s', 'open', 'x');
    breakers.of('s', 'old', 'x', 0);
    breakers.of('s', 'young', 'x', 0);
    breakers.of('s', 'forced', 'x', 0).force('forced-closed', 9_000, 'why', 0);
    breakers.of('s', 'young', 'x', 0);
    breakers.of('s', 'new', 'x', 0);
    expect([...breakers.list(0)].map(({ target }) => target).sort()).toEqual([
      'forced',
      'new',
      'open',
      'young',
    ]);
  });

  it('make those go whose target nobody has tried for long, although they are open', () => {
    const { breakers, fail } = breakersOf([], 1);
    fail('s', 'gone', 'x');
    const firstAfter = (nowMs: number) => {
      breakers.of('s', 'new', 'x', nowMs);
      return [...breakers.list(nowMs)][0]?.target;
    };
    expect(firstAfter(1_000 + 2 * 60_000 - 1_001)).toBe('gone');
    expect(firstAfter(1_000 + 2 * 60_000)).toBe('new');
  });

  it('leave calls unwatched when none of them is at rest, until one is', () => {
    const { breakers, fail } = breakersOf([], 2);
    fail('s', 'a', 'x');
    fail('s', 'b', 'x');
    expect(fail('s', 'c', 'x').name).toBe('open');
    expect(breakers.of('s', 'c', 'x', 0).name).toBe('closed');
    expect(breakers.size).toBe(2);
    breakers.find({ source: 's', target: 'a', pattern: '*' })?.reset('repaired', 0);
    fail('s', 'c', 'x', 1_000);
    expect(breakers.of('s', 'c', 'x', 1_000).name).toBe('open');
  });
});

describe('rules that make no sense', () => {
  it.each([
    ['twice the same', [rule('*', 'pay', 'GET /a', 1), rule('*', 'pay', 'GET /a/', 2)]],
    ['a policy without sense', [rule('*', 'pay', 'GET /a', 0)]],
  ])('%s are refused', (_, rules) => {
    expect(() => new BreakerRules(rules, policy)).toThrow(RangeError);
  });
});
