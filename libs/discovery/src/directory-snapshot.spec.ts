import fc from 'fast-check';
import { DirectorySnapshot, type Entry } from './directory-snapshot';
import { endpointsOf } from './instance-endpoints';

const target = (service_name: string, n: number, version: string) => ({
  ...{ service_name, instance_id: `${service_name}-${n}`, version },
  url: `http://10.0.0.7:${3_000 + n}`,
});
/** Its instances have a capability in the versions given; the service says that it is in 2.0.0. */
const entry = (name: string, revision: number, versions: readonly string[], more = {}): Entry => ({
  ...{ service_name: name, revision, instance_count: versions.length },
  capabilities: ['tax', 'refunds'],
  capability_versions: { tax: '2.0.0', refunds: '0.3.0' },
  unversioned_capabilities: ['tax'],
  targets: versions.map((version, n) => target(name, n, version)),
  ...more,
});
const snapshotOf = (...entries: Entry[]): DirectorySnapshot => {
  const snapshot = new DirectorySnapshot();
  snapshot.take(entries);
  return snapshot;
};

describe('a capability that a service has in no version of its own', () => {
  const rolling = snapshotOf(entry('billing', 1, ['1.4.0', '2.0.0', '2.1.0']));
  const found = (snapshot: DirectorySnapshot, name: string, range?: string) =>
    snapshot
      .withCapability(name, range)
      .flatMap(endpointsOf)
      .map(({ id }) => id);

  it.each([
    ['^1', ['billing-0']],
    ['^2', ['billing-1', 'billing-2']],
    ['>=2.1', ['billing-2']],
    ['^3', []],
    [undefined, ['billing-0', 'billing-1', 'billing-2']],
  ])('has that of each instance: %s', (range, ids) =>
    expect(found(rolling, 'tax', range)).toEqual(ids),
  );

  it('is not confused with one that has', () => {
    expect(found(rolling, 'refunds', '^0.3.0')).toHaveLength(3);
    expect(found(rolling, 'refunds', '^2')).toEqual([]);
  });

  it('has that of the service where its own address is called', () => {
    const address = { base_url: 'http://tax', instance_count: 0 };
    const plain = snapshotOf(entry('plain', 1, [], address));
    expect(found(plain, 'tax', '^2')).toEqual(['service:plain']);
    expect(found(plain, 'tax', '^1')).toEqual([]);
  });

  it('keeps those that are found while nothing about them changes', () => {
    const [before] = rolling.withCapability('tax', '^2');
    expect(rolling.withCapability('tax', '^2')[0]).toBe(before);
  });
});

it('has the instances of a version that take no new calls too', () => {
  const sick = { ...target('a', 7, '1.0.0'), state: 'unhealthy' as const };
  const draining = { ...target('a', 8, '2.0.0'), state: 'draining' as const };
  const more = { instance_count: 3, unoffered: [sick, draining] };
  const snapshot = snapshotOf(entry('a', 1, ['2.0.0'], more));
  const known = (range: string) =>
    snapshot
      .withCapability('tax', range)
      .flatMap(endpointsOf)
      .map(({ id, isHealthy, isDraining }) => [id, isHealthy, isDraining]);
  expect(known('^1')).toEqual([['a-7', false, false]]);
  expect(known('^2')).toEqual([
    ['a-0', true, false],
    ['a-8', true, true],
  ]);
});

describe('an entry at the revision that is known', () => {
  const before = entry('a', 7, ['1.0.0']);
  const after = entry('a', 7, ['1.0.0'], { environment: 'staging' });

  it('takes the place of one that was told in an older shape, and nothing else', () => {
    const snapshot = new DirectorySnapshot();
    expect(snapshot.take([before], true)).toEqual(['a']);
    expect(snapshot.hasOlderShape).toBe(true);
    expect(snapshot.take([before], true)).toEqual([]);
    expect(snapshot.take([after])).toEqual(['a']);
    expect(snapshot.hasOlderShape).toBe(false);
    expect([snapshot.take([before], true), snapshot.take([after])]).toEqual([[], []]);
    expect(snapshot.serviceOf('a')).toBe(after);
    expect(snapshot.withCapability('tax', undefined, 'production')).toEqual([]);
  });
});

describe('an answer to who has a capability', () => {
  it('is the same list until something about it changes', () => {
    const snapshot = snapshotOf(entry('a', 1, ['2.0.0']), entry('b', 2, ['1.0.0']));
    const newer = snapshot.withCapability('tax', '^2');
    const refunding = snapshot.withCapability('refunds');
    snapshot.take([entry('c', 3, ['2.0.0'], { capability_versions: { other: '1.0.0' } })]);
    snapshot.take([entry('b', 4, ['1.1.0'])]);
    expect(snapshot.withCapability('tax', '^2')).toBe(newer);
    expect(snapshot.withCapability('refunds')).not.toBe(refunding);
  });

  it('is that of a snapshot that knew all from the start, whatever came in which order', () => {
    const change = fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      versions: fc.array(fc.constantFrom('1.0.0', '2.0.0'), { maxLength: 2 }),
      capability_versions: fc.constantFrom(
        {},
        { tax: '2.0.0' },
        { tax: '1.0.0', refunds: '1.0.0' },
      ),
      environment: fc.constantFrom('staging' as const, 'production' as const),
      unversioned_capabilities: fc.constantFrom([], ['tax']),
    });
    const questions = ['tax', 'refunds'].flatMap((name) =>
      [undefined, '^1', '^2'].flatMap((range) =>
        [undefined, 'staging' as const].map((environment) => ({ name, range, environment })),
      ),
    );
    const answers = (snapshot: DirectorySnapshot) =>
      questions.map(({ name, range, environment }) =>
        snapshot
          .withCapability(name, range, environment)
          .toSorted((one, other) => (one.service_name < other.service_name ? -1 : 1)),
      );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        const asked = new DirectorySnapshot();
        const newest = new Map<string, Entry>();
        for (const [n, { name, versions, ...more }] of changes.entries()) {
          const next = entry(name, n + 1, versions, more);
          newest.set(name, next);
          answers(asked);
          asked.take([next]);
        }
        expect(answers(asked)).toEqual(answers(snapshotOf(...newest.values())));
      }),
    );
  });

  it('is right for more questions than are kept', () => {
    const snapshot = snapshotOf(entry('a', 1, ['1.5.0']));
    for (let n = 0; n < 2_500; n++) snapshot.withCapability('tax', `^1.${n % 1_250}.0`);
    snapshot.take([entry('a', 2, ['1.9.0'])]);
    expect(snapshot.withCapability('tax', '^1.9.0')).toHaveLength(1);
    expect(snapshot.withCapability('tax', '^1.10.0')).toEqual([]);
  });
});
