import { setImmediate as turn } from 'node:timers/promises';
import type { Endpoint } from '../../balancing/endpoint';
import { seededChance } from '../../balancing/testing/seeded-chance';
import { Alarm } from '../../deadline/alarm';
import { TimerWheel } from '../../deadline/timer-wheel';
import type { AttemptContext } from '../../edge/attempt-context';
import { RETRY_POLICY } from '../../retry/retry-policy';
import type { CallFailure, CallResult } from '../call-result';
import type { ProxyRequest } from '../ports';
import type { ProxyEvent } from '../proxy-event';
import { ServiceProxy, type ServiceProxyOptions } from '../service-proxy';
import { TARGET_POLICY, type TargetPolicy } from '../target-policy';

/** An attempt that reached its endpoint, and how the test lets it end. */
export interface Arrival {
  readonly endpoint: Endpoint;
  readonly request: ProxyRequest;
  readonly context: AttemptContext;
  readonly atMs: number;
  readonly answer: (answer?: string) => void;
  readonly fail: (failure: unknown) => void;
}

/** Retries at once, round robin, nothing ejected: what happens is what the test says. */
export const PLAIN_POLICY: TargetPolicy = {
  ...TARGET_POLICY,
  timeoutMs: 100,
  retry: { ...RETRY_POLICY, backoff: { kind: 'immediate' } },
  balancer: { ...TARGET_POLICY.balancer, strategy: 'round-robin', outliers: undefined },
};

type Options = ServiceProxyOptions<Endpoint, ProxyRequest, string>;
interface More extends Partial<Omit<Options, 'policyOf'>> {
  readonly policy?: Partial<TargetPolicy>;
  /** What an endpoint does at once; undefined: it waits for the test. */
  readonly respond?: (arrival: Omit<Arrival, 'answer' | 'fail'>) => Promise<string> | undefined;
}

/** A proxy whose clock is a number and whose endpoints are the test. */
export function scene(endpoints: readonly Endpoint[], { policy, respond, ...more }: More = {}) {
  const clock = { nowMs: 0 };
  const wheel = new TimerWheel(1);
  const now = () => clock.nowMs;
  const arrivals: Arrival[] = [];
  const events: ProxyEvent[] = [];
  const directory = {
    revision: 1,
    listed: endpoints as readonly Endpoint[] | undefined,
    lookups: 0,
    lookup(): readonly Endpoint[] | undefined {
      this.lookups++;
      return this.listed;
    },
    lookupCapability: (name: string, _: string | undefined, environment = 'here') =>
      name === 'invoicing'
        ? endpoints.filter(({ id }) => id === (environment === 'here' ? 'b' : 'a'))
        : undefined,
  };
  const proxy = new ServiceProxy<Endpoint, ProxyRequest, string>({
    source: 'shop',
    directory,
    transport: (endpoint, request, context) => {
      const arrival = { endpoint, request, context, atMs: clock.nowMs };
      const at = respond?.(arrival);
      if (at) return at;
      return new Promise((answer, fail) => {
        const answered = (text = `from ${endpoint.id}`) => answer(text);
        arrivals.push({ ...arrival, answer: answered, fail });
      });
    },
    ports: {
      now,
      chance: seededChance(1),
      wait: (ms) => new Promise((resolve) => wheel.add(new Alarm(resolve), clock.nowMs + ms)),
      timeOuts: wheel,
    },
    policyOf: () => ({ ...PLAIN_POLICY, ...policy }),
    onEvent: (event) => events.push(event),
    ...more,
  });
  /** Time passes, a millisecond after the other, with all that follows from it. */
  const pass = async (ms: number) => {
    await turn();
    for (const endMs = clock.nowMs + ms; clock.nowMs < endMs;) {
      clock.nowMs++;
      wheel.advance(clock.nowMs);
      await turn();
    }
    await turn();
  };
  /** Whoever arrived and was not looked at yet. */
  const arrived = async (): Promise<Arrival> => {
    await turn();
    const first = arrivals.shift();
    if (!first) throw new Error('nobody has arrived');
    return first;
  };
  return { proxy, clock, wheel, directory, arrivals, arrived, events, pass };
}

/** How a call ended, so that it may be looked at later. */
export const ended = (
  running: Promise<CallResult<string>>,
): Promise<CallResult<string> | CallFailure> => running.catch((failure: CallFailure) => failure);

export const GET: ProxyRequest = { method: 'GET', path: '/invoices/42' };
export const POST: ProxyRequest = { method: 'POST', path: '/invoices' };
