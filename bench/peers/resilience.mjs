import {
  bulkhead,
  circuitBreaker,
  ExponentialBackoff,
  handleAll,
  retry,
  SamplingBreaker,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel';
import Opossum from 'opossum';
import { perCall } from '../dist/resilience/per-call.js';

/** `node resilience.mjs <contender>`: prints what it costs, as JSON. Each in a process of its own. */
const call = () => Promise.resolve(1);

const breaker = () =>
  circuitBreaker(handleAll, {
    halfOpenAfter: 2_000,
    breaker: new SamplingBreaker({ threshold: 0.5, duration: 10_000, minimumRps: 2 }),
  });
const retrying = () => retry(handleAll, { maxAttempts: 2, backoff: new ExponentialBackoff() });

function cockatiel(...policies) {
  const policy = wrap(...policies);
  return () => policy.execute(call);
}

function opossum(timeoutMs) {
  const circuit = new Opossum(call, {
    timeout: timeoutMs,
    errorThresholdPercentage: 50,
    resetTimeout: 2_000,
    volumeThreshold: 20,
  });
  return () => circuit.fire();
}

const CONTENDERS = {
  'cockatiel-bulkhead': () =>
    cockatiel(
      retrying(),
      breaker(),
      timeout(1_000, TimeoutStrategy.Aggressive),
      bulkhead(200, 500),
    ),
  'cockatiel-all': () =>
    cockatiel(retrying(), breaker(), timeout(1_000, TimeoutStrategy.Aggressive)),
  'cockatiel-breaker-retry': () => cockatiel(retrying(), breaker()),
  'cockatiel-breaker': () => cockatiel(breaker()),
  'opossum-breaker-timeout': () => opossum(1_000),
  'opossum-breaker': () => opossum(false),
};

const make = CONTENDERS[process.argv[2]];
if (!make) throw new Error(`one of ${Object.keys(CONTENDERS).join(', ')}`);
console.log(JSON.stringify(await perCall(call, make())));
// Its statistics keep a timer.
process.exit(0);
