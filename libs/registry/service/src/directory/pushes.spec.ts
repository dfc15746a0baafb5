import type { registryContract } from '@downbeat/contracts';
import { cutTo, pushesOf, upToBytes } from './pushes';

type Entry = registryContract.DirectoryEntry;
const entry = (revision: number, bytes = 100): Entry => ({
  service_name: `s${revision}`,
  revision,
  capabilities: [],
  capability_versions: {},
  instance_count: 0,
  targets: [],
  base_url: 'x'.repeat(bytes),
});
const large = 300 * 1024;
const shown = (pushes: ReturnType<typeof pushesOf>) =>
  pushes.map(({ after, revision, services }) => [
    after,
    services.map((one) => one.revision),
    revision,
  ]);

it('says that nothing has changed', () => expect(shown(pushesOf([], 7, 7))).toEqual([[7, [], 7]]));

it('goes out in one message while it is small', () =>
  expect(shown(pushesOf([entry(8), entry(9)], 7, 12))).toEqual([[7, [8, 9], 12]]));

it('goes out in several that follow on one another when it is not', () => {
  const half = 130 * 1024;
  expect(shown(pushesOf([entry(8, half), entry(9, half), entry(11, half)], 7, 12))).toEqual([
    [7, [8], 8],
    [8, [9], 9],
    [9, [11], 12],
  ]);
});

it('leaves a gap where an entry is too large, so that callers ask for it', () => {
  expect(shown(pushesOf([entry(8), entry(9, large), entry(10)], 7, 12))).toEqual([
    [7, [8], 8],
    [9, [10], 12],
  ]);
  expect(shown(pushesOf([entry(9, large)], 7, 12))).toEqual([[9, [], 12]]);
});

it('cuts a page where an answer would get too large, after one entry at least', () => {
  const three = [entry(1, 400), entry(2, 400), entry(3, 400)];
  expect(upToBytes(three, 1_200)).toHaveLength(2);
  expect(upToBytes(three, 10)).toHaveLength(1);
  expect(upToBytes(three, 10_000)).toHaveLength(3);
});

it('cuts an entry that no message holds to the targets that one does hold', () => {
  const target = (n: number) => ({
    service_name: 's1',
    instance_id: `${'i'.repeat(100)}${n}`,
    version: '1.0.0',
    url: 'http://10.0.0.1:3000',
    zone: 'n\u00f6rdlich',
  });
  const whole = { ...entry(1), targets: Array.from({ length: 100 }, (_, n) => target(n)) };
  const size = (one: Entry): number => Buffer.byteLength(JSON.stringify(one));
  for (const bytesMax of [1_000, 5_000, size(whole) - 1]) {
    const cut = cutTo(whole, bytesMax);
    expect(size(cut)).toBeLessThanOrEqual(bytesMax);
    expect(size(cut)).toBeGreaterThan(bytesMax - 300);
    expect(cut.targets).toEqual(whole.targets.slice(0, cut.targets.length));
  }
  expect(cutTo(whole, size(whole))).toBe(whole);
});

it('cuts who takes no new calls before anyone who does', () => {
  const target = (n: number) => ({
    ...{ service_name: 's1', instance_id: `i-${n}`, version: '1.0.0' },
    url: 'http://10.0.0.1:3000',
  });
  const unoffered = [{ ...target(2), state: 'unhealthy' as const }];
  const whole = { ...entry(1), targets: [target(1)], unoffered };
  const size = JSON.stringify(whole).length;
  expect(cutTo(whole, size)).toEqual(whole);
  expect(cutTo(whole, size - 1)).toEqual({ ...entry(1), targets: [target(1)] });
});
