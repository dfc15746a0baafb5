import type { DirectoryFollower, Entry } from '@downbeat/discovery';
import type { Directory, Endpoint } from '@downbeat/resilience';

/** An instance that takes calls, and where. */
export interface InstanceEndpoint extends Endpoint {
  /** Without a trailing slash. */
  readonly url: string;
}

/** The registry's directory as the proxy wants it. */
export class Instances implements Directory<InstanceEndpoint> {
  private readonly made = new WeakMap<Entry, readonly InstanceEndpoint[]>();

  constructor(private readonly follower: DirectoryFollower) {}

  get revision(): number {
    return this.follower.changes;
  }

  lookup(service: string): readonly InstanceEndpoint[] | undefined {
    const entry = this.follower.snapshot.serviceOf(service);
    return entry && this.of(entry);
  }

  lookupCapability(
    capability: string,
    range: string | undefined,
  ): readonly InstanceEndpoint[] | undefined {
    const entries = this.follower.snapshot.withCapability(capability, range);
    return entries.length === 0 ? undefined : entries.flatMap((entry) => this.of(entry));
  }

  private of(entry: Entry): readonly InstanceEndpoint[] {
    const known = this.made.get(entry);
    if (known) return known;
    const endpoints = endpointsOf(entry);
    this.made.set(entry, endpoints);
    return endpoints;
  }
}

function endpointsOf({
  service_name,
  base_url,
  instance_count,
  targets,
}: Entry): readonly InstanceEndpoint[] {
  const plain = { weight: 1, priority: 0, zone: '', isHealthy: true, isDraining: false };
  // An address of the whole service is for those that register no instances.
  if (instance_count === 0 && base_url !== undefined)
    return [{ ...plain, id: `service:${service_name}`, url: base_url.replace(/\/$/, '') }];
  return targets.map(({ instance_id: id, url, weight = 1, priority = 0, zone = '' }) => ({
    ...plain,
    ...{ id, url, weight, priority, zone },
  }));
}
