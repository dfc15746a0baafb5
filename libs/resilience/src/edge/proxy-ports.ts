import type { ProxyPorts } from '../proxy/ports';
import { monotonicMs } from './monotonic';
import { quickChance } from './quick-chance';
import { TimeOuts, wait } from './time-outs';

/** The clock, the chance and the one timer of a process, for a `ServiceProxy`. */
export const proxyPorts = (): ProxyPorts => ({
  now: monotonicMs,
  chance: quickChance(Math.random() * 2 ** 32),
  wait,
  timeOuts: new TimeOuts(monotonicMs),
});
