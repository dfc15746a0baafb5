import type { registryContract } from '@downbeat/contracts';
import { pushesOf, upToBytes } from './pushes';

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
