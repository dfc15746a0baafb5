import { endpointsOf, type Entry, type InstanceEndpoint } from '@downbeat/discovery';
import { Balancer, TARGET_POLICY, type CallEnding } from '@downbeat/resilience';
import { LRUCache } from 'lru-cache';

/** Where one call goes. */
export interface ChosenInstance {
  readonly url: string;
  /** The call is over; to be said once. */
  readonly end: (ending: CallEnding) => void;
}

export interface ChoicePorts {
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** From 0, below 1. */
  readonly chance: () => number;
}

const FAILED_MAX = 10_000;

/**
 * Which instance gets a call: by priority, zone, weight and what calls to it took, those put out for a while that
 * do worse than the others, and those that fail their checks while anybody is well. A call that is made again goes
 * elsewhere than where it failed.
 */
export class InstanceChoice {
  private readonly balancers = new Map<string, Balancer<InstanceEndpoint>>();
  /** Where a call failed last, by its key. */
  private readonly failedAt = new LRUCache<string, string>({ max: FAILED_MAX });

  /** @param zone Whose instances get the calls while enough of them is well; undefined: all zones are alike. */
  constructor(
    private readonly ports: ChoicePorts,
    private readonly zone?: string,
  ) {}

  /** @param key Of the call, the same for all its attempts. @returns Undefined: nobody takes calls. */
  choose(entry: Entry, key: string): ChosenInstance | undefined {
    const { now } = this.ports;
    const balancer = this.balancerOf(entry.service_name);
    this.update(balancer, entry);
    const failed = this.failedAt.get(key);
    const lease = balancer.pick(now(), undefined, failed === undefined ? undefined : [failed]);
    if (!lease) return undefined;
    const { id, url } = lease.endpoint;
    return {
      url,
      end: (ending) => {
        if (ending === 'failed') this.failedAt.set(key, id);
        // One that was held back says nothing of where the one before it failed.
        else if (ending === 'ok') this.failedAt.delete(key);
        lease.end(ending, now());
      },
    };
  }

  /** The service is gone. */
  forget(service: string): void {
    this.balancers.delete(service);
  }

  private update(balancer: Balancer<InstanceEndpoint>, entry: Entry): void {
    try {
      balancer.update(endpointsOf(entry), this.ports.now());
    } catch (fault) {
      // A list that makes no sense: the one before goes on serving.
      if (!(fault instanceof RangeError)) throw fault;
    }
  }

  private balancerOf(service: string): Balancer<InstanceEndpoint> {
    const known = this.balancers.get(service);
    if (known) return known;
    const policy = { ...TARGET_POLICY.balancer, zone: this.zone };
    const balancer = new Balancer<InstanceEndpoint>(policy, this.ports.chance);
    this.balancers.set(service, balancer);
    return balancer;
  }
}
