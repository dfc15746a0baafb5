import type { Entry, Target } from './directory-snapshot';

/** An instance that takes calls, and where; as a balancer wants it. */
export interface InstanceEndpoint {
  /** Of the instance; `service:<name>`: the address of a whole service. */
  readonly id: string;
  /** Without a trailing slash. */
  readonly url: string;
  readonly weight: number;
  readonly priority: number;
  readonly zone: string;
  readonly isHealthy: boolean;
  readonly isDraining: boolean;
}

const offered = new WeakMap<Entry, readonly InstanceEndpoint[]>();
const known = new WeakMap<Entry, readonly InstanceEndpoint[]>();

/** Where a service can be called: the same list for the same entry, so that a balancer sees what is new. */
export const endpointsOf = (entry: Entry): readonly InstanceEndpoint[] =>
  once(offered, entry, () => listed(entry));

/** The same with those that take no new calls as a rule: what to do with them is a balancer's choice. */
export const knownEndpointsOf = (entry: Entry): readonly InstanceEndpoint[] =>
  once(known, entry, () => {
    const { unoffered = [] } = entry;
    const others = unoffered.map(({ state, ...target }) => ({
      ...endpointOf(target),
      isHealthy: state !== 'unhealthy',
      isDraining: state === 'draining',
    }));
    return others.length === 0 ? endpointsOf(entry) : [...endpointsOf(entry), ...others];
  });

function once(
  made: WeakMap<Entry, readonly InstanceEndpoint[]>,
  entry: Entry,
  make: () => readonly InstanceEndpoint[],
): readonly InstanceEndpoint[] {
  const endpoints = made.get(entry) ?? make();
  made.set(entry, endpoints);
  return endpoints;
}

const WELL = { isHealthy: true, isDraining: false };

function listed({ service_name, base_url, instance_count, targets }: Entry) {
  // An address of the whole service is for those that register no instances.
  if (instance_count > 0 || base_url === undefined) return targets.map(endpointOf);
  const address = { id: `service:${service_name}`, url: base_url.replace(/\/$/, '') };
  return [{ ...address, weight: 1, priority: 0, zone: '', ...WELL }];
}

const endpointOf = ({ instance_id: id, url, weight = 1, priority = 0, zone = '' }: Target) => ({
  ...{ id, url, weight, priority, zone },
  ...WELL,
});
