import { Endpoint } from './endpoint';
import { Member } from './member';
import { OutlierEjection, OutlierPolicy } from './outlier-ejection';
import { endpoint } from './testing/endpoints';

const policy: OutlierPolicy = {
  failuresInRowMax: 3,
  intervalMs: 10_000,
  callsMin: 10,
  endpointsMin: 5,
  deviations: 1.9,
  gapMin: 0.05,
  ejectMs: 1_000,
  ejectMaxMs: 3_000,
  ejectedShareMax: 0.5,
};

function scene(count: number, more: Partial<OutlierPolicy> = {}) {
  const outliers = new OutlierEjection<Endpoint>({ ...policy, ...more });
  const members = Array.from(
    { length: count },
    (_, index) => new Member(endpoint(`e${index}`), -Infinity, 10_000),
  );
  outliers.list(members, 0);
  const fail = (index: number, times: number, nowMs: number) => {
    for (let call = 0; call < times; call++) outliers.saw(at(index), 'failed', nowMs);
  };
  const succeed = (index: number, times: number, nowMs: number) => {
    for (let call = 0; call < times; call++) outliers.saw(at(index), 'ok', nowMs);
  };
  const at = (index: number): Member<Endpoint> => {
    const member = members[index];
    if (!member) throw new RangeError(`no member ${index}`);
    return member;
  };
  const out = (nowMs: number) =>
    members.filter((member) => member.isEjected(nowMs)).map((member) => member.endpoint.id);
  return { outliers, members, fail, succeed, at, out };
}

describe('outlier ejection', () => {
  it('puts out who fails several times in a row, and nobody who succeeds in between', () => {
    const { fail, succeed, out } = scene(4);
    fail(0, 2, 0);
    succeed(0, 1, 0);
    fail(0, 2, 0);
    expect(out(0)).toEqual([]);
    fail(0, 1, 0);
    expect(out(0)).toEqual(['e0']);
    expect(out(999)).toEqual(['e0']);
    expect(out(1_000)).toEqual([]);
  });

  it('does not hold against one what comes back while it is out', () => {
    const { fail, out } = scene(4);
    fail(0, 20, 0);
    expect(out(1_000)).toEqual([]);
    fail(0, 2, 1_000);
    expect(out(1_000)).toEqual([]);
  });

  it('concludes nothing from calls that were abandoned', () => {
    const { outliers, at, out } = scene(4);
    for (let call = 0; call < 10; call++) outliers.saw(at(0), 'abandoned', 0);
    expect(out(0)).toEqual([]);
  });

  it('puts out for longer each time, up to a bound, and forgives in quiet intervals', () => {
    const { outliers, fail, at } = scene(4);
    const times: number[] = [];
    for (let nowMs = 0; nowMs < 50_000; nowMs += 10_000) {
      fail(0, 3, nowMs);
      times.push(at(0).ejectedUntilMs - nowMs);
    }
    expect(times).toEqual([1_000, 2_000, 3_000, 3_000, 3_000]);
    for (let nowMs = 60_000; nowMs < 100_000; nowMs += 10_000) outliers.sweep(nowMs);
    fail(0, 3, 100_000);
    expect(at(0).ejectedUntilMs).toBe(102_000);
  });

  it('puts out whose success rate is far below the mean, once enough is known', () => {
    const { outliers, fail, succeed, out } = scene(6);
    for (let index = 0; index < 6; index++) succeed(index, 20, 0);
    fail(2, 2, 0);
    succeed(2, 1, 0);
    fail(2, 2, 0);
    succeed(2, 1, 0);
    outliers.sweep(10_000);
    expect(out(10_000)).toEqual(['e2']);
  });

  it('compares nobody on few calls, or with few others', () => {
    for (const [count, calls] of [
      [6, 4],
      [4, 20],
    ] as const) {
      const { outliers, fail, succeed, out } = scene(count, { deviations: 1 });
      for (let index = 0; index < count; index++) succeed(index, calls, 0);
      fail(2, 2, 0);
      outliers.sweep(10_000);
      expect(out(10_000)).toEqual([]);
    }
  });

  it('does not put out one of five that all do the same', () => {
    const { outliers, succeed, out } = scene(5, { gapMin: 0 });
    for (let index = 0; index < 5; index++) succeed(index, 20, 0);
    outliers.sweep(10_000);
    expect(out(10_000)).toEqual([]);
  });

  it('does not put out one that is hardly worse than others that are perfect', () => {
    for (const [gapMin, expected] of [
      [0.02, []],
      [0.005, ['e2']],
    ] as const) {
      const { outliers, fail, succeed, out } = scene(6, { gapMin });
      for (let index = 0; index < 6; index++) succeed(index, 99, 0);
      fail(2, 1, 0);
      outliers.sweep(10_000);
      expect(out(10_000)).toEqual(expected);
    }
  });

  it('never has more out than the largest share, rounded down', () => {
    const { fail, out } = scene(5);
    for (let index = 0; index < 5; index++) fail(index, 3, 0);
    expect(out(0)).toEqual(['e0', 'e1']);
    const lonely = scene(1);
    lonely.fail(0, 10, 0);
    expect(lonely.out(0)).toEqual([]);
  });

  it.each([
    ['unhealthy', { isHealthy: false }, ['e4', 'e5']],
    ['draining', { isDraining: true }, ['e0', 'e1', 'e2', 'e3', 'e4', 'e5']],
  ])('has no more out because others are %s, and no fewer because they fail', (_, ill, all) => {
    const { outliers, at, members, fail, out } = scene(8);
    for (const index of [0, 1, 2, 3]) at(index).relist(endpoint(`e${index}`, ill), 0);
    outliers.list(members, 0);
    // The ones are out as it is, and the others get no new calls: they use up nothing.
    for (let index = 0; index < 8; index++) fail(index, 3, 0);
    expect(out(0)).toEqual(all);
  });

  it('puts nobody out where none may be, not even one that drains', () => {
    const { at, fail, out } = scene(2, { ejectedShareMax: 0 });
    at(0).relist(endpoint('e0', { isDraining: true }), 0);
    for (const index of [0, 1]) fail(index, 9, 0);
    expect(out(0)).toEqual([]);
  });

  it('does not put out the last one that is well', () => {
    const { outliers, at, members, fail, out } = scene(3);
    for (const index of [0, 1]) at(index).relist(endpoint(`e${index}`, { isHealthy: false }), 0);
    outliers.list(members, 0);
    fail(2, 9, 0);
    expect(out(0)).toEqual([]);
  });

  it('takes back those who were to return first when others fall ill, and once these are well again', () => {
    const { outliers, at, members, fail, out } = scene(6);
    for (const [index, nowMs] of [0, 100, 200].entries()) fail(index, 3, nowMs);
    const stands = (indices: readonly number[], isHealthy: boolean) => {
      for (const index of indices) at(index).relist(endpoint(`e${index}`, { isHealthy }), 300);
      outliers.list(members, 300);
    };
    stands([4, 5], false);
    expect(out(300)).toEqual(['e1', 'e2']);
    stands([2], false);
    expect(out(300)).toEqual(['e1', 'e2']);
    fail(3, 3, 300);
    expect(out(300)).toEqual(['e1', 'e2']);
    stands([2], true);
    expect(out(300)).toEqual(['e1', 'e2']);
  });

  it('takes back those who were to return first when the list becomes short', () => {
    const { outliers, members, fail, out } = scene(6);
    fail(0, 3, 0);
    fail(1, 3, 100);
    fail(2, 3, 200);
    outliers.list(members.slice(0, 4), 300);
    expect(out(300)).toEqual(['e1', 'e2']);
  });
});
