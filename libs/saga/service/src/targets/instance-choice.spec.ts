import type { Entry } from '@downbeat/discovery';
import { InstanceChoice, type ChosenInstance } from './instance-choice';

const entry = (targets: readonly object[], more = {}): Entry =>
  ({ service_name: 'pay', instance_count: targets.length, targets, ...more }) as never;
const instance = (id: string, more = {}) => ({ instance_id: id, url: `http://${id}`, ...more });

describe('the instance that gets a call', () => {
  let now: number;
  let choice: InstanceChoice;
  let calls: number;
  const choiceIn = (zone?: string) => {
    let state = 1;
    const chance = () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
    return new InstanceChoice({ now: () => now, chance }, zone);
  };
  beforeEach(() => {
    [now, calls] = [1_000, 0];
    choice = choiceIn();
  });
  const chosen = (listed: Entry, key = `run:${calls++}`): ChosenInstance => {
    const one = choice.choose(listed, key);
    if (!one) throw new Error('nobody takes calls');
    return one;
  };
  const counts = (listed: Entry, times: number) => {
    const got: Record<string, number> = {};
    for (let call = 0; call < times; call++) {
      const { url, end } = chosen(listed);
      now += 1;
      end('ok');
      got[url] = (got[url] ?? 0) + 1;
    }
    return got;
  };

  it('is each of them', () => {
    const all = counts(entry([instance('a'), instance('b'), instance('c')]), 300);
    expect(Object.keys(all).sort()).toEqual(['http://a', 'http://b', 'http://c']);
  });

  it('is a heavier one more often', () => {
    const all = counts(entry([instance('a', { weight: 8 }), instance('b'), instance('c')]), 1_000);
    expect(all['http://a']).toBeGreaterThan(500);
  });

  it('is one of a lower priority only when there is no other', () => {
    const spare = instance('spare', { priority: 1 });
    expect(counts(entry([instance('a'), spare]), 100)).toEqual({ 'http://a': 100 });
    expect(counts(entry([spare]), 10)).toEqual({ 'http://spare': 10 });
  });

  it('is one of the own zone, and of another one when nobody is there or too many of it fail', () => {
    const [a, b] = [instance('a', { zone: 'north' }), instance('b', { zone: 'north' })];
    const far = instance('far', { zone: 'south' });
    expect(counts(entry([a, b, far]), 100)).toHaveProperty(['http://far']);
    choice = choiceIn('north');
    expect(counts(entry([a, b, far]), 100)).not.toHaveProperty(['http://far']);
    expect(counts(entry([far]), 10)).toEqual({ 'http://far': 10 });
    for (let call = 0; call < 30; call++) {
      const { url, end } = chosen(entry([a, b, far]));
      now += 1;
      end(url === 'http://a' ? 'failed' : 'ok');
    }
    // One of two is well where seven tenths would be enough.
    expect(counts(entry([a, b, far]), 1_000)['http://far']).toBeGreaterThan(200);
  });

  it('is none that keeps failing, for a while', () => {
    const listed = entry([instance('a'), instance('b'), instance('c')]);
    for (let call = 0; call < 100; call++) {
      const { url, end } = chosen(listed);
      now += 1;
      end(url === 'http://b' ? 'failed' : 'ok');
    }
    expect(counts(listed, 200)).not.toHaveProperty('http://b');
    now += 300_000;
    expect(counts(listed, 200)).toHaveProperty('http://b');
  });

  it('is another one when the call is made again', () => {
    const listed = entry([instance('a', { weight: 1_000 }), instance('b')]);
    // Both are known by now: whoever nobody has asked yet is asked first.
    counts(listed, 50);
    for (let call = 0; call < 3; call++) chosen(listed).end('ok');
    for (let call = 0; call < 4; call++) {
      const key = `again:${call}`;
      const first = chosen(listed, key);
      first.end('failed');
      const second = chosen(listed, key);
      second.end('ok');
      expect(second.url).not.toBe(first.url);
    }
  });

  it('is another one also when a call in between was held back', () => {
    const listed = entry([instance('a'), instance('b')]);
    for (let call = 0; call < 4; call++) {
      // Nobody is put out for the few that fail.
      counts(listed, 50);
      const key = `held:${call}`;
      const first = chosen(listed, key);
      first.end('failed');
      chosen(listed, key).end('abandoned');
      const last = chosen(listed, key);
      last.end('ok');
      expect(last.url).not.toBe(first.url);
    }
  });

  it('is none that goes, and at once one that comes', () => {
    const before = entry([instance('a')]);
    chosen(before).end('ok');
    expect(counts(entry([instance('b')]), 5)).toEqual({ 'http://b': 5 });
  });

  it('is none that fails its checks while anybody is well, and any of them when nobody is', () => {
    const ill = (id: string) => instance(id, { state: 'unhealthy' });
    const third = entry([instance('a')], { instance_count: 3, unoffered: [ill('b'), ill('c')] });
    expect(counts(third, 50)).toEqual({ 'http://a': 50 });
    // The check may be what is wrong.
    const nobody = entry([], { instance_count: 2, unoffered: [ill('a'), ill('b')] });
    expect(Object.keys(counts(nobody, 50)).sort()).toEqual(['http://a', 'http://b']);
    expect(counts(third, 50)).toEqual({ 'http://a': 50 });
  });

  it('is none that drains, not even when the others fail their checks or nobody else is left', () => {
    const leaving = instance('leaving', { state: 'draining' });
    const alone = entry([], { instance_count: 1, unoffered: [leaving] });
    expect(choice.choose(alone, 'k')).toBe(undefined);
    expect(counts(entry([instance('a')], { unoffered: [leaving] }), 20)).toEqual({
      'http://a': 20,
    });
    const ill = entry([], { unoffered: [leaving, instance('b', { state: 'unhealthy' })] });
    expect(counts({ ...ill, instance_count: 2 }, 20)).toEqual({ 'http://b': 20 });
  });

  it('is the address of the service when that has no instances, and nobody when they are all away', () => {
    const base_url = 'http://whole/';
    const whole = entry([], { base_url });
    expect(chosen(whole).url).toBe('http://whole');
    expect(choice.choose(entry([], { base_url, instance_count: 2 }), 'k')).toBe(undefined);
  });
});
