import {
  BREAKER_POLICY,
  CircuitBreaker,
  Guard,
  monotonicMs,
  proxyPorts,
  Retrier,
  RETRY_POLICY,
  RetryBudget,
  ServiceProxy,
  TARGET_POLICY,
  TimeOuts,
  wait,
  type BreakerPolicy,
  type Endpoint,
  type StrategyName,
} from '@downbeat/resilience';
import { perCall } from './per-call';

/** The bare call: it answers at once, so that nothing is measured but what stands around it. */
const call = (): Promise<number> => Promise.resolve(1);

const policy: BreakerPolicy = BREAKER_POLICY;
const threeRules: BreakerPolicy = {
  ...policy,
  trips: [
    ...policy.trips,
    { kind: 'consecutive', failures: 5 },
    { kind: 'slow-calls', windowMs: 10_000, callsMin: 20, slowMs: 1_000, slowShare: 0.5 },
  ],
};

function guarded(rules: BreakerPolicy): () => Promise<number> {
  const ports = { now: monotonicMs, chance: Math.random, wait };
  const retrier = new Retrier(RETRY_POLICY, ports, new RetryBudget());
  const breaker = new CircuitBreaker(rules, Math.random);
  const guard = new Guard(breaker, retrier, new TimeOuts(monotonicMs), { timeoutMs: 1_000 });
  return () => guard.call(call);
}

const ENDPOINTS: readonly Endpoint[] = ['a', 'b', 'c'].map((id) => ({
  id,
  weight: 1,
  priority: 0,
  zone: 'here',
  isHealthy: true,
  isDraining: false,
}));
const REQUEST = { method: 'GET', path: '/invoices/42' };

/** Everything: directory, balancer, breaker, bulkhead, retry with its budget, time-out. */
function proxied(strategy: StrategyName): () => Promise<unknown> {
  const proxy = new ServiceProxy({
    source: 'shop',
    directory: { revision: 1, lookup: () => ENDPOINTS, lookupCapability: () => undefined },
    transport: call,
    ports: proxyPorts(),
    policyOf: () => ({ timeoutMs: 1_000, balancer: { ...TARGET_POLICY.balancer, strategy } }),
  });
  const billing = proxy.service('billing');
  return () => billing.call(REQUEST);
}

function onlyBreaker(): () => Promise<number> {
  const breaker = new CircuitBreaker(policy, Math.random);
  return async () => {
    const beganMs = monotonicMs();
    const permit = breaker.take(beganMs);
    const result = await call();
    breaker.came(permit, true, beganMs);
    return result;
  };
}

const CONTENDERS: Readonly<Record<string, () => () => Promise<unknown>>> = {
  all: () => guarded(policy),
  'all-three-rules': () => guarded(threeRules),
  breaker: onlyBreaker,
  proxy: () => proxied('two-choices'),
  'proxy-round-robin': () => proxied('round-robin'),
};

/** `node downbeat.js <contender>`: prints what it costs, as JSON. Each in a process of its own. */
async function main(): Promise<void> {
  const make = CONTENDERS[process.argv[2] ?? ''];
  if (!make) throw new Error(`one of ${Object.keys(CONTENDERS).join(', ')}`);
  console.log(JSON.stringify(await perCall(call, make())));
}

main().catch((fault: unknown) => {
  console.error(fault);
  process.exit(1);
});
