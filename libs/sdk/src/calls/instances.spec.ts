import { DirectorySnapshot, type DirectoryFollower, type Entry } from '@downbeat/discovery';
import { Balancer, TARGET_POLICY } from '@downbeat/resilience';
import { Instances } from './instances';

const charging = (service_name: string, environment?: 'staging' | 'production'): Entry => ({
  ...{ service_name, revision: 1, base_url: `http://${service_name}`, instance_count: 0 },
  ...(environment && { environment }),
  capabilities: ['charging'],
  capability_versions: { charging: '1.0.0' },
  targets: [],
});
const known = (): Instances => {
  const snapshot = new DirectorySnapshot();
  snapshot.take([charging('live', 'production'), charging('trial', 'staging'), charging('old')]);
  return new Instances({ changes: 1, snapshot } as unknown as DirectoryFollower, 'production');
};
const urlsOf = (range?: string, environment?: 'staging' | 'development') =>
  known()
    .lookupCapability('charging', range, environment)
    ?.map(({ url }) => url);

it('has of a capability those of its own environment, and of services that name none', () =>
  expect(urlsOf()).toEqual(['http://live', 'http://old']));

it('has the same list while nothing about it changes', () => {
  const instances = known();
  const lookup = () => instances.lookupCapability('charging', '^1');
  expect(lookup()).toBe(lookup());
});

it('has those of another one when asked for it', () => {
  expect(urlsOf('^1', 'staging')).toEqual(['http://trial', 'http://old']);
  expect(urlsOf('^2', 'staging')).toBe(undefined);
});

describe('instances that take no new calls', () => {
  const at = (n: number) => ({
    ...{ service_name: 'shop', instance_id: `shop-${n}`, version: '1.0.0' },
    url: `http://10.0.0.7:${n}`,
  });
  /** Well or not, by their place. */
  const shop = (...states: readonly ('well' | 'unhealthy' | 'draining')[]): Entry => ({
    ...charging('shop'),
    revision: 2,
    instance_count: states.length,
    targets: states.flatMap((state, n) => (state === 'well' ? at(n) : [])),
    unoffered: states.flatMap((state, n) => (state === 'well' ? [] : { ...at(n), state })),
  });
  const listed = (entry: Entry) => {
    const snapshot = new DirectorySnapshot();
    snapshot.take([entry]);
    const follower = { changes: 1, snapshot } as unknown as DirectoryFollower;
    return new Instances(follower, 'production').lookup('shop') ?? [];
  };
  const balancer = (stickyKeysMax = 0) =>
    new Balancer({ ...TARGET_POLICY.balancer, strategy: 'round-robin', stickyKeysMax }, () => 0);
  const picked = (entry: Entry): readonly string[] => {
    const balanced = balancer();
    balanced.update(listed(entry), 0);
    const ids = Array.from({ length: 12 }, () => balanced.pick(0)?.endpoint.id ?? 'nobody');
    return [...new Set(ids)].sort();
  };

  it('get none while enough are well', () =>
    expect(picked(shop('well', 'well', 'unhealthy'))).toEqual(['shop-0', 'shop-1']));

  it('get none while anybody is well, and are called all when nobody is: the check may be wrong', () => {
    expect(picked(shop('well', 'unhealthy', 'unhealthy'))).toEqual(['shop-0']);
    expect(picked(shop('unhealthy', 'unhealthy'))).toEqual(['shop-0', 'shop-1']);
  });

  it('get none while they drain, but for what is bound to them', () => {
    expect(picked(shop('draining'))).toEqual(['nobody']);
    const sticky = balancer(10);
    sticky.update(listed(shop('well')), 0);
    expect(sticky.pick(0, 'kim')?.endpoint.id).toBe('shop-0');
    sticky.update(listed(shop('draining', 'well')), 1);
    expect(sticky.pick(1, 'kim')?.endpoint.id).toBe('shop-0');
    expect(sticky.pick(1, 'robin')?.endpoint.id).toBe('shop-1');
  });
});
