import { collectDefaultMetrics, type Registry } from 'prom-client';

/** Gauges that are named as counters are; `nodejs_active_resources` has the same by type. */
const MISNAMED = [
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/** What Node says of the process: memory, CPU, event loop, garbage. */
export function exposeProcess(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
}
