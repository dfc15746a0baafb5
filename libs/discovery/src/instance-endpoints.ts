import type { Entry, Target } from './directory-snapshot';

/** An instance, and where it takes calls; as a balancer wants it. */
export interface InstanceEndpoint {
  /** Of the instance; `service:<name>`: the address of a whole service. */
  readonly id: string;
  /** Whose it is. */
  readonly service: string;
  /** Without a trailing slash. */
  readonly url: string;
  readonly weight: number;
  readonly priority: number;
  readonly zone: string;
  readonly isHealthy: boolean;
  readonly isDraining: boolean;
}

const made = new WeakMap<Entry, readonly InstanceEndpoint[]>();

/**
 * Where a service can be called, with those that take no new calls as a rule: what to do with them is a balancer's
 * choice. The same list for the same entry, so that a balancer sees what is new.
 */
export function endpointsOf(entry: Entry): readonly InstanceEndpoint[] {
  const endpoints = made.get(entry) ?? [...offeredBy(entry), ...unofferedBy(entry)];
  made.set(entry, endpoints);
  return endpoints;
}

const WELL = { isHealthy: true, isDraining: false };

function offeredBy({ service_name, base_url, instance_count, targets }: Entry) {
  // An address of the whole service is for those that register no instances.
  if (instance_count > 0 || base_url === undefined) return targets.map(endpointOf(service_name));
  const address = {
    id: `service:${service_name}`,
    service: service_name,
    url: base_url.replace(/\/$/, ''),
  };
  return [{ ...address, weight: 1, priority: 0, zone: '', ...WELL }];
}

const unofferedBy = ({ service_name, unoffered = [] }: Entry): readonly InstanceEndpoint[] =>
  unoffered.map(({ state, ...target }) => ({
    ...endpointOf(service_name)(target),
    isHealthy: state !== 'unhealthy',
    isDraining: state === 'draining',
  }));

const endpointOf =
  (service: string) =>
  ({ instance_id: id, url, weight = 1, priority = 0, zone = '' }: Target) => ({
    ...{ id, service, url, weight, priority, zone },
    ...WELL,
  });
