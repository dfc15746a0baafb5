import { Balancer } from './balancer';
import { Endpoint } from './endpoint';
import { BALANCER_POLICY, BalancerPolicy } from './policy';
import { StandingReason } from './standing';
import { endpoint } from './testing/endpoints';

function reasons(
  endpoints: readonly Endpoint[],
  more: Partial<BalancerPolicy> = {},
): Record<string, readonly StandingReason[]> {
  const balancer = new Balancer({ ...BALANCER_POLICY, ...more }, () => 0);
  balancer.update(endpoints, 0);
  return reasonsOf(balancer, 0);
}
function reasonsOf(balancer: Balancer<Endpoint>, nowMs: number) {
  return Object.fromEntries(
    balancer.standings(nowMs).map((standing) => [standing.endpoint.id, standing.reasons]),
  );
}
const [a, b, c] = [endpoint('a'), endpoint('b'), endpoint('c')];

describe('why an endpoint is not picked', () => {
  it('is that it is ill or draining', () => {
    const ill = { ...b, isHealthy: false };
    const leaving = { ...c, isDraining: true };
    expect(reasons([a, ill, leaving])).toEqual({
      a: [],
      b: [{ reason: 'unhealthy' }],
      c: [{ reason: 'draining' }],
    });
  });

  it('is that it was put out, until when', () => {
    const balancer = new Balancer(BALANCER_POLICY, () => 0);
    balancer.update([a, b], 0);
    const lease = () => balancer.pick(0, undefined, ['b']);
    for (let call = 0; call < 5; call++) lease()?.end('failed', 100);
    const ejected = { reason: 'ejected', cause: 'consecutive-failures', untilMs: 30_100 };
    expect(reasonsOf(balancer, 100)).toEqual({ a: [ejected], b: [] });
    expect(reasonsOf(balancer, 30_100)).toEqual({
      a: [{ reason: 'slow-start', weightShare: 0.1 }],
      b: [],
    });
  });

  it('is that others are closer, and how much of the load goes there', () => {
    const far = endpoint('far', { zone: 'there' });
    const zone = { zone: 'here' };
    expect(reasons([a, far], zone)).toEqual({
      a: [],
      far: [{ reason: 'not-needed', priority: 0, isLocal: false }],
    });
    const half = reasons([a, { ...b, isHealthy: false }, far], zone);
    expect(half['far']).toEqual([
      { reason: 'shares-with-other-tiers', load: expect.closeTo(2 / 7) },
    ]);
  });

  it('is that it is full', () => {
    const policy = { ...BALANCER_POLICY, strategy: 'consistent-hash' } as const;
    const balancer = new Balancer(policy, () => 0);
    balancer.update([a, b], 0);
    const home = balancer.pick(0, 'key')?.endpoint.id ?? '';
    expect(reasonsOf(balancer, 0)[home]).toEqual([]);
    expect(balancer.pick(0, 'key')?.endpoint.id).toBe(home);
    // Of three calls it may have two: 1.25 times the average, rounded up.
    expect(reasonsOf(balancer, 0)[home]).toEqual([{ reason: 'full', underWay: 2 }]);
    expect(balancer.standings(0).map(({ isOffered }) => isOffered)).toEqual([
      home !== 'a',
      home !== 'b',
    ]);
    expect(balancer.pick(0, 'key')?.endpoint.id).not.toBe(home);
    expect(reasonsOf(balancer, 0)[home]).toEqual([]);
  });

  it('names panic where one is picked all the same', () => {
    const ill = [b, c].map((one) => ({ ...one, isHealthy: false }));
    expect(reasons([a, ...ill])).toEqual({
      a: [{ reason: 'panic' }],
      b: [{ reason: 'unhealthy' }, { reason: 'panic' }],
      c: [{ reason: 'unhealthy' }, { reason: 'panic' }],
    });
  });
});
