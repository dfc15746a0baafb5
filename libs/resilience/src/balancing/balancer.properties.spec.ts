import * as fc from 'fast-check';
import { Balancer } from './balancer';
import { Endpoint } from './endpoint';
import { EndpointLease } from './endpoint-lease';
import { BALANCER_POLICY, BalancerPolicy } from './policy';
import { Standing } from './standing';
import { StrategyName } from './strategies/strategy-of';
import { endpoint } from './testing/endpoints';
import { seededChance } from './testing/seeded-chance';

const strategies: readonly StrategyName[] = [
  'round-robin',
  'weighted-round-robin',
  'least-connections',
  'random',
  'two-choices',
  'consistent-hash',
  'adaptive',
];

type Step =
  | { readonly name: 'snapshot'; readonly endpoints: readonly Endpoint[] }
  | { readonly name: 'wait'; readonly forMs: number }
  | { readonly name: 'call'; readonly key: string | undefined }
  | { readonly name: 'end'; readonly nth: number; readonly isGood: boolean };

const snapshots = fc.uniqueArray(fc.nat(7), { maxLength: 8, size: 'max' }).chain((ids) =>
  fc.tuple(
    ...ids.map((id) =>
      fc.record({
        id: fc.constant(`e${id}`),
        weight: fc.integer({ min: 1, max: 4 }),
        priority: fc.nat(1),
        zone: fc.constantFrom('here', 'there'),
        isHealthy: fc.integer({ min: 0, max: 3 }).map((one) => one > 0),
        isDraining: fc.integer({ min: 0, max: 4 }).map((one) => one === 0),
      }),
    ),
  ),
);
/** Without `size` fast-check makes lists of a few steps, in which hardly anything happens. */
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 2,
      arbitrary: fc.record({ name: fc.constant('snapshot' as const), endpoints: snapshots }),
    },
    { weight: 2, arbitrary: fc.record({ name: fc.constant('wait' as const), forMs: fc.nat(800) }) },
    {
      weight: 12,
      arbitrary: fc.record({
        name: fc.constant('call' as const),
        key: fc.option(fc.constantFrom('k', 'l', 'm'), { nil: undefined }),
      }),
    },
    {
      weight: 12,
      arbitrary: fc.record({
        name: fc.constant('end' as const),
        nth: fc.nat(5),
        isGood: fc.boolean(),
      }),
    },
  ),
  { minLength: 20, maxLength: 150, size: 'max' },
);
const policies: fc.Arbitrary<BalancerPolicy> = fc
  .record({
    strategy: fc.constantFrom(...strategies),
    zone: fc.constantFrom('here', undefined),
    panicBelowShare: fc.constantFrom(0, 0.3, 0.5),
    stickyKeysMax: fc.constantFrom(0, 2, 10),
    ejectedShareMax: fc.constantFrom(0, 0.2, 0.5, 1),
    // Without the one cause there is more of the other.
    failuresInRowMax: fc.constantFrom(2, 100),
  })
  .map(({ ejectedShareMax, failuresInRowMax, ...more }) => ({
    ...BALANCER_POLICY,
    ...more,
    slowStart: { windowMs: 500, aggression: 1, shareMin: 0.1 },
    outliers: {
      failuresInRowMax,
      intervalMs: 1_000,
      callsMin: 2,
      endpointsMin: 3,
      deviations: 1,
      gapMin: 0.01,
      ejectMs: 2_000,
      ejectMaxMs: 6_000,
      ejectedShareMax,
    },
  }));

interface Called {
  readonly nowMs: number;
  readonly key: string | undefined;
  readonly before: readonly Standing<Endpoint>[];
  readonly lease: EndpointLease<Endpoint> | undefined;
}
interface Watch {
  readonly called?: (call: Called) => void;
  readonly stepped?: (balancer: Balancer<Endpoint>, nowMs: number) => void;
}

const FIRST: readonly Endpoint[] = ['e0', 'e1', 'e2', 'e3', 'e4'].map((id) => endpoint(id));

/** Plays the steps, and shows what was known before each call and who got it. */
function play(policy: BalancerPolicy, seed: number, all: readonly Step[], watch: Watch): void {
  const balancer = new Balancer<Endpoint>(policy, seededChance(seed));
  const underWay: EndpointLease<Endpoint>[] = [];
  let nowMs = 0;
  balancer.update(FIRST, nowMs);
  for (const step of all) {
    switch (step.name) {
      case 'snapshot':
        balancer.update(step.endpoints, nowMs);
        break;
      case 'wait':
        nowMs += step.forMs;
        break;
      case 'call': {
        // A sweep that is due belongs to the moment before the call.
        balancer.pick(nowMs)?.end('abandoned', nowMs);
        const before = balancer.standings(nowMs);
        const lease = balancer.pick(nowMs, step.key);
        if (lease) underWay.push(lease);
        watch.called?.({ nowMs, key: step.key, before, lease });
        break;
      }
      case 'end':
        underWay.splice(step.nth, 1)[0]?.end(step.isGood ? 'ok' : 'failed', nowMs + 5);
        nowMs += 5;
        break;
    }
    watch.stepped?.(balancer, nowMs);
  }
}

const has = (standing: Standing<Endpoint> | undefined, reason: string): boolean =>
  standing?.reasons.some((one) => one.reason === reason) ?? false;
const isIll = (standing: Standing<Endpoint> | undefined): boolean =>
  has(standing, 'unhealthy') || has(standing, 'ejected');

describe('whatever happens, a balancer', () => {
  it('picks nobody unhealthy or ejected but in panic, and nobody draining but for a key it holds', () => {
    fc.assert(
      fc.property(policies, fc.integer(), steps, (policy, seed, all) => {
        const held = new Map<string, string>();
        play(policy, seed, all, {
          called: ({ key, before, lease }) => {
            const id = lease?.endpoint.id;
            if (id === undefined) return;
            const standing = before.find((one) => one.endpoint.id === id);
            const isHeld = policy.stickyKeysMax > 0 && key !== undefined && held.get(key) === id;
            expect(standing).toBeDefined();
            expect(isIll(standing) && !has(standing, 'panic')).toBe(false);
            expect(has(standing, 'draining') && !isHeld).toBe(false);
            if (key !== undefined) held.set(key, id);
          },
        });
      }),
      { numRuns: 200 },
    );
  });

  it('finds somebody exactly when somebody is offered', () => {
    fc.assert(
      fc.property(policies, fc.integer(), steps, (policy, seed, all) => {
        play({ ...policy, stickyKeysMax: 0 }, seed, all, {
          called: ({ before, lease }) => {
            const offered = before.filter(({ isOffered }) => isOffered);
            expect(lease !== undefined).toBe(offered.length > 0);
            if (lease)
              expect(offered.map(({ endpoint }) => endpoint.id)).toContain(lease.endpoint.id);
          },
        });
      }),
      { numRuns: 200 },
    );
  });

  it('moves a sticky key only when its endpoint is ill or gone', () => {
    fc.assert(
      fc.property(policies, fc.integer(), steps, (policy, seed, all) => {
        const held = new Map<string, string>();
        play({ ...policy, stickyKeysMax: 10 }, seed, all, {
          called: ({ key, before, lease }) => {
            if (before.some(({ isOffered }) => isOffered)) expect(lease).toBeDefined();
            if (key === undefined || lease === undefined) return;
            const holder = before.find((one) => one.endpoint.id === held.get(key));
            if (holder && !isIll(holder)) expect(lease.endpoint.id).toBe(holder.endpoint.id);
            held.set(key, lease.endpoint.id);
          },
        });
      }),
      { numRuns: 200 },
    );
  });

  it('never has more than the largest share ejected', () => {
    fc.assert(
      fc.property(policies, fc.integer(), steps, (policy, seed, all) => {
        play(policy, seed, all, {
          stepped: (balancer, nowMs) => {
            const standings = balancer.standings(nowMs);
            const ejected = standings.filter((one) => has(one, 'ejected')).length;
            const share = policy.outliers?.ejectedShareMax ?? 0;
            expect(ejected).toBeLessThanOrEqual(share * standings.length);
          },
        });
      }),
      { numRuns: 200 },
    );
  });

  it('counts exactly the calls under way', () => {
    fc.assert(
      fc.property(policies, fc.integer(), steps, (policy, seed, all) => {
        const calls: EndpointLease<Endpoint>[] = [];
        const last: { balancer?: Balancer<Endpoint>; nowMs: number } = { nowMs: 0 };
        play(policy, seed, all, {
          called: ({ lease }) => lease && calls.push(lease),
          stepped: (balancer, nowMs) => Object.assign(last, { balancer, nowMs }),
        });
        for (const call of calls) call.end('abandoned', last.nowMs);
        for (const { underWay } of last.balancer?.standings(last.nowMs) ?? [])
          expect(underWay).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  it('does the same again with the same seed', () => {
    fc.assert(
      fc.property(policies, fc.integer(), steps, (policy, seed, all) => {
        const run = () => {
          const picks: (string | undefined)[] = [];
          play(policy, seed, all, { called: ({ lease }) => picks.push(lease?.endpoint.id) });
          return picks;
        };
        expect(run()).toEqual(run());
      }),
      { numRuns: 100 },
    );
  });
});
