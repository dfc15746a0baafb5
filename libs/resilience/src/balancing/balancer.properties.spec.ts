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
  readonly listed?: (ids: readonly string[]) => void;
  readonly called?: (call: Called) => void;
  readonly ended?: (lease: EndpointLease<Endpoint>) => void;
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
        watch.listed?.(step.endpoints.map(({ id }) => id));
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
      case 'end': {
        nowMs += 5;
        const [lease] = underWay.splice(step.nth, 1);
        lease?.end(step.isGood ? 'ok' : 'failed', nowMs);
        if (lease) watch.ended?.(lease);
        break;
      }
    }
    watch.stepped?.(balancer, nowMs);
  }
}

const has = (standing: Standing<Endpoint> | undefined, reason: string): boolean =>
  standing?.reasons.some((one) => one.reason === reason) ?? false;
const isIll = (standing: Standing<Endpoint> | undefined): boolean =>
  has(standing, 'unhealthy') || has(standing, 'ejected');

/** The law, over many histories: what each step finds wrong. */
function holds(
  policyOf: (policy: BalancerPolicy) => BalancerPolicy,
  watch: (policy: BalancerPolicy, found: (what: string) => void) => Watch,
): void {
  fc.assert(
    fc.property(policies, fc.integer(), steps, (drawn, seed, all) => {
      const policy = policyOf(drawn);
      const found: string[] = [];
      play(
        policy,
        seed,
        all,
        watch(policy, (what) => found.push(what)),
      );
      expect(found).toEqual([]);
    }),
    { numRuns: 100 },
  );
}
const asDrawn = (policy: BalancerPolicy): BalancerPolicy => policy;

describe('whatever happens, a balancer', () => {
  it('picks nobody unhealthy or ejected but in panic, and nobody draining but for a key it holds', () => {
    holds(asDrawn, ({ stickyKeysMax }, found) => {
      const held = new Map<string, string>();
      return {
        called: ({ key, before, lease }) => {
          const id = lease?.endpoint.id;
          if (id === undefined) return;
          const standing = before.find((one) => one.endpoint.id === id);
          const isHeld = stickyKeysMax > 0 && key !== undefined && held.get(key) === id;
          if (!standing) found(`${id} is not listed`);
          if (isIll(standing) && !has(standing, 'panic')) found(`${id} is ill`);
          if (has(standing, 'draining') && !isHeld) found(`${id} is draining`);
          if (key !== undefined) held.set(key, id);
        },
      };
    });
  });

  it('finds somebody exactly when somebody is offered', () => {
    holds(
      (policy) => ({ ...policy, stickyKeysMax: 0 }),
      (_, found) => ({
        called: ({ before, lease }) => {
          const offered = before.filter(({ isOffered }) => isOffered);
          if (offered.length > 0 && !lease) found('nobody');
          if (lease && !offered.some(({ endpoint: { id } }) => id === lease.endpoint.id))
            found(`${lease.endpoint.id} was not offered`);
        },
      }),
    );
  });

  it('moves a sticky key only when its endpoint is ill or gone', () => {
    holds(
      (policy) => ({ ...policy, stickyKeysMax: 10 }),
      (_, found) => {
        const held = new Map<string, string>();
        return {
          called: ({ key, before, lease }) => {
            if (!lease && before.some(({ isOffered }) => isOffered)) found('nobody');
            if (key === undefined || lease === undefined) return;
            const { id } = lease.endpoint;
            const holder = before.find((one) => one.endpoint.id === held.get(key));
            if (holder && !isIll(holder) && holder.endpoint.id !== id)
              found(`${key} moved to ${id}`);
            held.set(key, id);
          },
        };
      },
    );
  });

  it('never has more than the largest share of those ejected that are well otherwise', () => {
    holds(asDrawn, ({ outliers }, found) => ({
      stepped: (balancer, nowMs) => {
        const well = balancer
          .standings(nowMs)
          .filter(({ endpoint: { isHealthy, isDraining } }) => isHealthy && !isDraining);
        const ejected = well.filter((one) => has(one, 'ejected')).length;
        if (ejected > (outliers?.ejectedShareMax ?? 0) * well.length)
          found(`${ejected} of ${well.length} are out`);
      },
    }));
  });

  it('counts exactly the calls under way', () => {
    holds(asDrawn, (_, found) => {
      const open = new Map<string, number>();
      const ends = new Map<EndpointLease<Endpoint>, string>();
      return {
        called: ({ lease }) => lease && ends.set(lease, lease.endpoint.id),
        ended: (lease) => ends.delete(lease),
        listed: (ids) => {
          // Whoever left has nothing under way when it is back: it is a newcomer.
          for (const [lease, id] of ends) if (!ids.includes(id)) ends.delete(lease);
        },
        stepped: (balancer, nowMs) => {
          open.clear();
          for (const id of ends.values()) open.set(id, (open.get(id) ?? 0) + 1);
          for (const { endpoint: one, underWay } of balancer.standings(nowMs))
            if (underWay !== (open.get(one.id) ?? 0)) found(`${one.id} has ${underWay}`);
        },
      };
    });
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
      { numRuns: 50 },
    );
  });
});
