import {
  endpointsOf,
  type DirectoryFollower,
  type Entry,
  type InstanceEndpoint,
} from '@downbeat/discovery';
import type { registryContract } from '@downbeat/contracts';
import type { Directory } from '@downbeat/resilience';

export type { InstanceEndpoint } from '@downbeat/discovery';

export type Environment = registryContract.RunningEnvironment;

/** The registry's directory as the proxy wants it. */
export class Instances implements Directory<InstanceEndpoint> {
  /** The same list for the same entries: then nobody has anything new to arrange. */
  private readonly listed = new WeakMap<readonly Entry[], readonly InstanceEndpoint[]>();

  /** @param environment Where capabilities are looked for unless another one is named. */
  constructor(
    private readonly follower: DirectoryFollower,
    private readonly environment: Environment,
  ) {}

  get revision(): number {
    return this.follower.changes;
  }

  lookup(service: string): readonly InstanceEndpoint[] | undefined {
    const entry = this.follower.snapshot.serviceOf(service);
    return entry && endpointsOf(entry);
  }

  lookupCapability(
    capability: string,
    range: string | undefined,
    environment: Environment = this.environment,
  ): readonly InstanceEndpoint[] | undefined {
    const entries = this.follower.snapshot.withCapability(capability, range, environment);
    if (entries.length === 0) return undefined;
    const endpoints = this.listed.get(entries) ?? entries.flatMap(endpointsOf);
    this.listed.set(entries, endpoints);
    return endpoints;
  }
}
