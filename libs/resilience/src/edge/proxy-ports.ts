import type { ProxyPorts } from '../proxy/ports';
import { monotonicMs } from './monotonic';
import { TimeOuts, wait } from './time-outs';

/** The clock, the chance and the one timer of a process, for a `ServiceProxy`. */
export const proxyPorts = (): ProxyPorts => ({
  now: monotonicMs,
  chance: Math.random,
  wait,
  timeOuts: new TimeOuts(monotonicMs),
});
