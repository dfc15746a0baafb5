import { Balancer } from './balancer';
import { Endpoint } from './endpoint';
import { BALANCER_POLICY, BalancerPolicy } from './policy';
import { endpoint } from './testing/endpoints';
import { seededChance } from './testing/seeded-chance';

const policy: BalancerPolicy = { ...BALANCER_POLICY, strategy: 'round-robin' };

function scene(endpoints: readonly Endpoint[], more: Partial<BalancerPolicy> = {}) {
  const balancer = new Balancer({ ...policy, ...more }, seededChance(1));
  balancer.update(endpoints, 0);
  const picked = (nowMs: number, key?: string, except?: readonly string[]) =>
    balancer.pick(nowMs, key, except)?.endpoint.id;
  const counts = (nowMs: number, picks: number) => {
    const all: Record<string, number> = {};
    for (let pick = 0; pick < picks; pick++) {
      const lease = balancer.pick(nowMs);
      lease?.end('ok', nowMs);
      const id = lease?.endpoint.id ?? 'nobody';
      all[id] = (all[id] ?? 0) + 1;
    }
    return all;
  };
  const fail = (id: string, nowMs: number) => {
    for (let failures = 0; failures < 5;) {
      const lease = balancer.pick(nowMs);
      const isIt = lease?.endpoint.id === id;
      lease?.end(isIt ? 'failed' : 'ok', nowMs);
      if (isIt) failures++;
    }
  };
  return { balancer, picked, counts, fail };
}

const [a, b, c, d] = [endpoint('a'), endpoint('b'), endpoint('c'), endpoint('d')];

describe('a balancer', () => {
  it('picks nobody from nobody', () => {
    expect(scene([]).picked(0)).toBeUndefined();
    expect(new Balancer(policy, () => 0).pick(0)).toBeUndefined();
  });

  it('asks the healthy ones', () => {
    const ill = { ...b, isHealthy: false };
    expect(scene([a, ill, c]).counts(0, 6)).toEqual({ a: 3, c: 3 });
  });

  it('uses all when less than half are well, and nobody if panic is off', () => {
    const ill = [b, c].map((one) => ({ ...one, isHealthy: false }));
    expect(scene([a, ...ill]).counts(0, 6)).toEqual({ a: 2, b: 2, c: 2 });
    expect(scene([a, ...ill], { panicBelowShare: 0 }).counts(0, 6)).toEqual({ a: 6 });
    expect(scene(ill, { panicBelowShare: 0 }).picked(0)).toBeUndefined();
  });

  it('loads nobody more than others with what is tried again', () => {
    const { balancer } = scene([a, b, c]);
    const all: Record<string, number> = {};
    for (let call = 0; call < 60; call++) {
      const { id = 'nobody' } = balancer.pick(0)?.endpoint ?? {};
      const last = id === 'a' ? balancer.pick(0, undefined, ['a'])?.endpoint.id : id;
      all[last ?? 'nobody'] = (all[last ?? 'nobody'] ?? 0) + 1;
    }
    expect(all).toEqual({ b: 30, c: 30 });
  });

  it('puts out one that fails, and lets it in again slowly', () => {
    const { balancer, counts, fail } = scene([a, b, c]);
    fail('b', 0);
    expect(counts(0, 6)).toEqual({ a: 3, c: 3 });
    expect(counts(29_999, 6)).toEqual({ a: 3, c: 3 });
    const { b: first = 0 } = counts(30_000, 210);
    expect(first).toBeGreaterThanOrEqual(9);
    expect(first).toBeLessThanOrEqual(11);
    const { b: half = 0 } = counts(45_000, 250);
    expect(half).toBeGreaterThanOrEqual(49);
    expect(half).toBeLessThanOrEqual(51);
    expect(counts(60_000, 300)).toEqual({ a: 100, b: 100, c: 100 });
    expect(balancer.standings(60_000).every(({ reasons }) => reasons.length === 0)).toBe(true);
  });

  it('starts a newcomer slowly, but none of the first snapshot', () => {
    const { balancer, counts } = scene([a, b], { strategy: 'weighted-round-robin' });
    expect(counts(0, 4)).toEqual({ a: 2, b: 2 });
    balancer.update([a, b, c], 1_000);
    expect(counts(1_000, 210)).toEqual({ a: 100, b: 100, c: 10 });
    expect(counts(31_000, 300)).toEqual({ a: 100, b: 100, c: 100 });
  });

  it('lets the weight grow while nothing else happens', () => {
    const { balancer, counts } = scene([a], { outliers: undefined });
    balancer.update([a, b], 0);
    counts(0, 1);
    expect(counts(15_000, 30)).toEqual({ a: 20, b: 10 });
    expect(counts(30_000, 30)).toEqual({ a: 15, b: 15 });
  });

  it('starts one slowly that was ill', () => {
    const { balancer, counts } = scene([a, b, { ...c, isHealthy: false }]);
    balancer.update([a, b, c], 1_000);
    expect(counts(1_000, 210)).toEqual({ a: 100, b: 100, c: 10 });
  });

  it('keeps what it knows of those who stay', () => {
    const { balancer } = scene([a, b], { strategy: 'least-connections' });
    const leases = [0, 1, 2, 3].map(() => balancer.pick(0));
    balancer.update([{ ...b, weight: 2 }, { ...a }, c], 1_000);
    expect(balancer.standings(1_000).map(({ underWay }) => underWay)).toEqual([2, 2, 0]);
    for (const lease of leases) lease?.end('ok', 1_010);
    balancer.update([b, c], 2_000);
    expect(balancer.standings(2_000).map(({ latencyMs }) => latencyMs > 0)).toEqual([true, false]);
  });

  it('lets a call to one that left end, and knows nothing of it when it is back', () => {
    const { balancer } = scene([a, b]);
    const lease = balancer.pick(0);
    expect(lease?.endpoint.id).toBe('a');
    balancer.update([b], 10);
    balancer.update([a, b], 20);
    lease?.end('failed', 30);
    const [back] = balancer.standings(30);
    expect(back).toMatchObject({ underWay: 0, latencyMs: 0, successShare: 1 });
  });

  it('counts the end of a call once', () => {
    const { balancer } = scene([a]);
    const lease = balancer.pick(0);
    lease?.end('ok', 10);
    lease?.end('failed', 20);
    expect(balancer.standings(20)).toMatchObject([{ underWay: 0, successShare: 1 }]);
  });

  it('goes elsewhere when told to keep away, if there is anywhere', () => {
    const far = endpoint('far', { priority: 1 });
    const { picked } = scene([a, b, far], { strategy: 'consistent-hash' });
    const home = picked(0, 'key') ?? '';
    const other = home === 'a' ? 'b' : 'a';
    expect(picked(0, 'key', [home])).toBe(other);
    expect(picked(0, 'key', ['a', 'b'])).toBe('far');
    expect(picked(0, 'key', ['a', 'b', 'far'])).toBe(home);
  });

  it('refuses a snapshot that makes no sense, and serves the one before', () => {
    const { balancer, picked } = scene([a]);
    for (const bad of [
      [b, b],
      [{ ...b, weight: 0 }],
      [{ ...b, weight: NaN }],
      [{ ...b, priority: -1 }],
      [{ ...b, priority: 0.5 }],
    ])
      expect(() => balancer.update(bad, 0)).toThrow(RangeError);
    expect(picked(0)).toBe('a');
  });

  it('refuses a policy out of bounds', () => {
    for (const bad of [{ hashBound: 1 }, { spillBelowShare: 0 }, { panicBelowShare: 1.1 }])
      expect(() => scene([a], bad)).toThrow(RangeError);
  });
});

describe('tiers', () => {
  const far = (id: string) => endpoint(id, { zone: 'there' });
  const zone = { zone: 'here' };

  it('keep calls in the zone while enough of it is well', () => {
    const local = [a, b, c, { ...d, isHealthy: false }];
    expect(scene([...local, far('x')], zone).counts(0, 6)).toEqual({ a: 2, b: 2, c: 2 });
  });

  it('spill over in proportion when too little of it is', () => {
    const local = [a, b, ...[c, d].map((one) => ({ ...one, isHealthy: false }))];
    const { x = 0 } = scene([...local, far('x')], zone).counts(0, 10_000);
    // Half is well where 0.7 would be enough: 2/7 of the calls go on.
    expect(Math.abs(x - 10_000 * (2 / 7))).toBeLessThan(300);
  });

  it('hand on from one to the next what each cannot take', () => {
    const half = (id: string, zone: string) => [
      endpoint(`${id}1`, { zone }),
      endpoint(`${id}2`, { zone, isHealthy: false }),
    ];
    const ill = (id: string) => endpoint(id, { zone: 'there', isHealthy: false });
    const backup = endpoint('backup', { priority: 1 });
    const all = [...half('l', 'here'), ...half('x', 'there'), ill('y'), ill('z'), backup];
    const counts = scene(all, zone).counts(0, 7_000);
    // 5/7 here, 0.25/0.7 elsewhere of which only 2/7 are left to take.
    expect(Math.abs((counts['l1'] ?? 0) - 5_000)).toBeLessThan(250);
    expect(Math.abs((counts['x1'] ?? 0) - 2_000)).toBeLessThan(250);
    const fewer = scene([...all, ...['s', 't', 'u', 'v'].map(ill)], zone).counts(0, 7_000);
    // 1/8 of those elsewhere is well: they take 1.25/7.
    expect(Math.abs((fewer['x1'] ?? 0) - 1_250)).toBeLessThan(250);
    expect(Math.abs((fewer['backup'] ?? 0) - 750)).toBeLessThan(250);
  });

  it('make no difference between zones when the caller has none', () => {
    expect(scene([a, far('x')]).counts(0, 4)).toEqual({ a: 2, x: 2 });
  });

  it('ask other zones of a priority before the next priority', () => {
    const backup = endpoint('backup', { priority: 1 });
    const ill = { ...a, isHealthy: false };
    expect(scene([ill, backup, far('x')], zone).counts(0, 4)).toEqual({ x: 4 });
    const all = [ill, { ...far('x'), isHealthy: false }, backup];
    expect(scene(all, zone).counts(0, 4)).toEqual({ backup: 4 });
  });

  it('keep a key in its tier', () => {
    const local = [a, b, ...[c, d].map((one) => ({ ...one, isHealthy: false }))];
    const { picked } = scene([...local, far('x')], {
      ...zone,
      strategy: 'consistent-hash',
      hashBound: Infinity,
    });
    for (let key = 0; key < 50; key++)
      expect(picked(0, `key-${key}`)).toBe(picked(0, `key-${key}`));
  });
});

describe('a sticky key', () => {
  const sticky = { stickyKeysMax: 100 };

  it('stays with its endpoint, and moves when that is ill or gone', () => {
    const { balancer, picked } = scene([a, b, c], sticky);
    expect([picked(0, 'k'), picked(0, 'other'), picked(0, 'k')]).toEqual(['a', 'b', 'a']);
    balancer.update([{ ...a, isHealthy: false }, b, c], 10);
    const next = picked(10, 'k');
    expect(next).not.toBe('a');
    balancer.update([a, b, c], 20);
    expect(picked(20, 'k')).toBe(next);
    balancer.update(
      [a, b, c].filter(({ id }) => id !== next),
      30,
    );
    expect(picked(30, 'k')).not.toBe(next);
  });

  it('is still there when its endpoint was not listed for a moment', () => {
    const { balancer, picked } = scene([a, b, c], sticky);
    expect([picked(0), picked(0, 'k')]).toEqual(['a', 'b']);
    balancer.update([a, c], 10);
    balancer.update([a, b, c], 20);
    expect(picked(20, 'k')).toBe('b');
  });

  it('finishes with one that drains, to which nobody new goes', () => {
    const { balancer, picked, counts } = scene([a, b], sticky);
    expect(picked(0, 'k')).toBe('a');
    balancer.update([{ ...a, isDraining: true }, b], 10);
    expect(picked(10, 'k')).toBe('a');
    expect(picked(10, 'new')).toBe('b');
    expect(counts(10, 4)).toEqual({ b: 4 });
    balancer.update([{ ...a, isDraining: true, isHealthy: false }, b], 20);
    expect(picked(20, 'k')).toBe('b');
  });

  it('stays in panic, where all others are as ill', () => {
    const { balancer, picked } = scene([a, b], sticky);
    expect(picked(0, 'k')).toBe('a');
    balancer.update(
      [a, b].map((one) => ({ ...one, isHealthy: false })),
      10,
    );
    expect(picked(10, 'k')).toBe('a');
  });

  it('takes a detour without moving', () => {
    const { picked } = scene([a, b], sticky);
    expect(picked(0, 'k')).toBe('a');
    expect(picked(0, 'k', ['a'])).toBe('b');
    expect(picked(0, 'k')).toBe('a');
  });

  it('moves when its endpoint is put out', () => {
    const { picked, fail } = scene([a, b, c], sticky);
    expect(picked(0, 'k')).toBe('a');
    fail('a', 0);
    expect(picked(0, 'k')).not.toBe('a');
  });
});
