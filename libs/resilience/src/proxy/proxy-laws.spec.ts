import * as fc from 'fast-check';
import { endpoint } from '../balancing/testing/endpoints';
import { Breakers } from '../breaker/breakers';
import { BREAKER_POLICY, type BreakerPolicy } from '../breaker/breaker-policy';
import { BreakerRules } from '../breaker/breaker-rules';
import { PRIORITIES } from '../bulkhead/priority';
import { HEDGE_POLICY } from '../hedging/hedge-policy';
import type { ProxyRequest } from './ports';
import { ended, scene } from './testing/scene';

/** Goal: what holds whatever happens. Method: any calls, answers, failures and pauses, and a look at each arrival. */

const steps = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('call' as const),
        method: fc.constantFrom('GET', 'POST'),
        isHedged: fc.boolean(),
        priority: fc.constantFrom(...PRIORITIES),
        withinMs: fc.constantFrom(undefined, 5, 60),
        session: fc.constantFrom(undefined, 's'),
        isCached: fc.integer({ min: 0, max: 3 }).map((one) => one === 0),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('end' as const),
        nth: fc.nat(4),
        status: fc.constantFrom(200, 200, 404, 500, 503),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('pass' as const),
        ms: fc.constantFrom(1, 7, 40, 120),
      }),
    },
  ),
  { minLength: 10, maxLength: 60, size: 'max' },
);

const breakerPolicy: BreakerPolicy = {
  trips: [{ kind: 'consecutive', failures: 3 }],
  open: { firstMs: 40, factor: 1, maxMs: 40, jitterShare: 0 },
  release: { kind: 'permits', permits: 2, successes: 2, answerMaxMs: 500 },
};
const BUDGET = { share: 0.3, perSecond: 0, burst: 2 };
const CONCURRENCY = 4;
const ALL = [endpoint('a'), endpoint('b'), endpoint('c')];

async function play(all: typeof steps extends fc.Arbitrary<infer T> ? T : never) {
  const found: string[] = [];
  const breakers = new Breakers({ chance: () => 0.5 });
  breakers.follow(new BreakerRules([], { ...BREAKER_POLICY, ...breakerPolicy }));
  const triedBy = new Map<ProxyRequest, string[]>();
  const stage = scene(ALL, {
    breakers,
    respond: ({ endpoint: { id }, request }) => {
      const breaker = breakers.find({ source: 'shop', target: 'billing', pattern: '*' });
      const state = breaker?.statistics(stage.clock.nowMs);
      if (state?.state === 'open') found.push('passed an open breaker');
      if ((state?.trial?.underWay ?? 0) > 2) found.push('more than may try');
      const tried = triedBy.get(request) ?? [];
      triedBy.set(request, tried);
      if (tried.length < ALL.length && tried.includes(id)) found.push(`${id} was tried before`);
      tried.push(id);
      const { underWay = 0 } = stage.proxy.view()[0] ?? {};
      if (underWay > CONCURRENCY) found.push(`${underWay} at once`);
      return undefined;
    },
    policy: {
      retryBudget: BUDGET,
      hedge: { ...HEDGE_POLICY, share: 0.2, burst: 1 },
      bulkhead: { concurrencyMax: CONCURRENCY, queueMax: 3, queueMs: 30 },
    },
  });
  const billing = stage.proxy.service('billing');
  const results: Promise<unknown>[] = [];
  let settled = 0;
  for (const step of all) {
    if (step.do === 'call') {
      let handle = billing.withPriority(step.priority);
      if (step.isHedged) handle = handle.withHedging({ kind: 'fixed', ms: 10 });
      if (step.withinMs) handle = handle.withDeadline(step.withinMs);
      if (step.session) handle = handle.withSession(step.session);
      if (step.isCached) handle = handle.withCache({ ttlMs: 20, staleIfErrorMs: 20 });
      const request = { method: step.method, path: '/x' };
      results.push(ended(handle.call(request)).then(() => settled++));
    } else if (step.do === 'end') {
      const [arrival] = stage.arrivals.splice(step.nth, 1);
      if (step.status === 200) arrival?.answer();
      else arrival?.fail(Object.assign(new Error('no'), { status: step.status }));
      await stage.pass(0);
    } else await stage.pass(step.ms);
  }
  await stage.pass(1_000);
  if (settled !== results.length) found.push(`${results.length - settled} calls never ended`);
  return { ...stage, found, results };
}

describe('whatever happens, a proxy', () => {
  it('passes no open breaker, asks nobody twice in vain, keeps to its bounds and ends every call', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const { found, proxy, wheel } = await play(all);
        expect(found).toEqual([]);
        const [report] = [...proxy.tell()];
        const {
          calls = 0,
          ok = 0,
          failed = 0,
          unknown = 0,
          retries = 0,
          hedges = 0,
        } = report ?? {};
        expect(ok + failed + unknown).toBe(calls);
        expect(retries).toBeLessThanOrEqual(BUDGET.burst + BUDGET.share * calls);
        expect(hedges).toBeLessThanOrEqual(1 + 0.2 * calls);
        expect(wheel.size).toBe(0);
        for (const { underWay, waiting, endpoints } of proxy.view()) {
          expect([underWay, waiting]).toEqual([0, 0]);
          expect(endpoints.filter((one) => one.underWay > 0)).toEqual([]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('keeps a session with its instance while that is offered', async () => {
    const lists = fc.array(fc.subarray(ALL, { minLength: 1 }), { minLength: 1, maxLength: 15 });
    await fc.assert(
      fc.asyncProperty(lists, fc.integer({ min: 1, max: 3 }), async (snapshots, sessions) => {
        const { proxy, directory } = scene(ALL, { respond: () => Promise.resolve('') });
        const held = new Map<string, string>();
        for (const listed of snapshots) {
          directory.listed = listed;
          directory.revision++;
          for (let one = 0; one < sessions; one++) {
            const session = `s${one}`;
            const handle = proxy.service('billing').withSession(session);
            const { endpointId = '' } = await handle.call({ method: 'GET', path: '/' });
            const before = held.get(session);
            if (before !== undefined && listed.some(({ id }) => id === before))
              expect(endpointId).toBe(before);
            held.set(session, endpointId);
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});
