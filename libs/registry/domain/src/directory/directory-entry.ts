import type { registryContract } from '@downbeat/contracts';
import type { Message, Position, Recorded } from '@downbeat/eventsourcing';
import { capabilitiesOf } from '../services/capabilities';
import type { InstanceEvent } from '../instances/instance-events';
import {
  isOffered,
  REGISTERED,
  registeredAfter,
  standingAfter,
  unofferedStateOf,
  type Standing,
} from '../instances/standing';
import type { RegistrationEvent } from '../services/service-registration';

/** What changes what callers know. */
export type DirectoryEvent = RegistrationEvent | InstanceEvent;

const OF_THE_DIRECTORY: Readonly<Record<DirectoryEvent['type'], true>> = {
  ServiceRegistered: true,
  ServiceChanged: true,
  ServiceRetired: true,
  InstanceRegistered: true,
  InstanceSessionMoved: true,
  InstanceAdjusted: true,
  InstanceLifecycleAnnounced: true,
  InstanceHealthObserved: true,
  InstanceSuppressed: true,
  InstanceReleased: true,
  InstanceTerminating: true,
  InstanceRemoved: true,
};

/** Of all that the registry records. */
export const isDirectoryEvent = (event: Recorded<Message>): event is Recorded<DirectoryEvent> =>
  Object.hasOwn(OF_THE_DIRECTORY, event.type);

/** What is kept of an instance to offer it, and to know what its session stands for. */
export interface ListedInstance {
  readonly version: string;
  readonly url: string;
  readonly standing: Standing;
  readonly zone?: string;
  readonly weight?: number;
  readonly priority?: number;
  readonly session?: registryContract.NatsSession;
}

/** What a service says of itself, as far as callers need it. */
export interface ListedDescription {
  readonly service_name: string;
  readonly service_version: string;
  readonly environment: registryContract.RunningEnvironment;
  readonly base_url: string | null;
  readonly capabilities: readonly registryContract.SaidCapability[];
}

/** What callers know of a service, and the position of the last event that changed it. */
export interface ListedService extends ListedDescription {
  readonly revision: Position;
  readonly instances: ReadonlyMap<string, ListedInstance>;
}

/** The service whose entry an event changes. */
export function serviceOf({ type, data }: Recorded<DirectoryEvent>): string {
  return type === 'ServiceRegistered' ? data.service_name : data.service_id;
}

type ServiceEvent = Extract<Recorded<DirectoryEvent>, Recorded<RegistrationEvent>>;

export const isServiceEvent = (event: Recorded<DirectoryEvent>): event is ServiceEvent =>
  event.type === 'ServiceRegistered' ||
  event.type === 'ServiceChanged' ||
  event.type === 'ServiceRetired';

/** What a service says of itself after an event of its own. */
export function foldDescription(
  before: ListedDescription | undefined,
  event: ServiceEvent,
): ListedDescription | undefined {
  if (event.type === 'ServiceRegistered') {
    const { service_name, service_version, deployment_environment: environment } = event.data;
    const { base_url = null, capabilities = [] } = event.data;
    return { service_name, service_version, environment, base_url, capabilities };
  }
  // Who holds the entry is told that there is nothing to call any more.
  if (event.type === 'ServiceRetired')
    return before && { ...before, base_url: null, capabilities: [] };
  const { service_version, deployment_environment, base_url, capabilities } = event.data;
  return (
    before && {
      service_name: before.service_name,
      service_version: service_version ?? before.service_version,
      environment: deployment_environment ?? before.environment,
      base_url: base_url === undefined ? before.base_url : base_url,
      capabilities: capabilities ?? before.capabilities,
    }
  );
}

/** An instance after an event of its own; undefined: it is not listed, or not any more. */
export function foldListed(
  before: ListedInstance | undefined,
  event: InstanceEvent,
): ListedInstance | undefined {
  return event.type === 'InstanceRegistered'
    ? listed(event.data, before)
    : foldInstance(before, event);
}

function foldInstance(
  before: ListedInstance | undefined,
  event: Exclude<InstanceEvent, { type: 'InstanceRegistered' }>,
): ListedInstance | undefined {
  const standing = before && standingAfter(before.standing, event);
  if (!standing) return undefined;
  if (event.type === 'InstanceAdjusted') {
    const { weight: _, priority: __, ...others } = before;
    return { ...others, ...shareOf(event.data) };
  }
  const { session: had, ...instance } = before;
  const session = event.type === 'InstanceSessionMoved' ? event.data.session : had;
  return { ...instance, standing, ...(session ? { session } : {}) };
}

type Registered = Extract<InstanceEvent, { type: 'InstanceRegistered' }>['data'];

function listed(
  { version, ip_address, port, zone, weight, priority, session }: Registered,
  before: ListedInstance | undefined,
) {
  return {
    version,
    url: urlOf(ip_address, port),
    standing: before ? registeredAfter(before.standing) : REGISTERED,
    ...(zone === undefined ? {} : { zone }),
    ...shareOf({ weight, priority }),
    ...(session === undefined ? {} : { session }),
  };
}

const shareOf = ({ weight, priority }: Pick<Registered, 'weight' | 'priority'>) => ({
  ...(weight === undefined ? {} : { weight }),
  ...(priority === undefined ? {} : { priority }),
});

/** Where an instance is called, without a trailing slash. */
export function urlOf(ipAddress: string, port: number): string {
  const host = ipAddress.includes(':') ? `[${ipAddress}]` : ipAddress;
  return `http://${host}:${port}`;
}

/** The entry as callers get it. */
export function offerOf(entry: ListedService): registryContract.DirectoryEntry {
  const { service_name, revision, environment, base_url } = entry;
  const capabilities = capabilitiesOf(entry.capabilities, entry.service_version);
  let instance_count = 0;
  const targets: registryContract.DirectoryEntry['targets'] = [];
  const unoffered: NonNullable<registryContract.DirectoryEntry['unoffered']> = [];
  for (const [instance_id, { standing, session: _, ...instance }] of entry.instances) {
    if (standing.status !== 'terminating') instance_count++;
    const state = unofferedStateOf(standing);
    if (isOffered(standing)) targets.push({ service_name, instance_id, ...instance });
    else if (state) unoffered.push({ service_name, instance_id, ...instance, state });
  }
  return {
    service_name,
    revision,
    environment,
    ...(base_url === null ? {} : { base_url }),
    capabilities: capabilities.map(({ name }) => name),
    capability_versions: Object.fromEntries(
      capabilities.map(({ name, version }) => [name, version]),
    ),
    unversioned_capabilities: entry.capabilities.filter((one) => typeof one === 'string'),
    instance_count,
    targets,
    ...(unoffered.length > 0 && { unoffered }),
  };
}
