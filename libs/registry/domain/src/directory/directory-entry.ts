import type { registryContract } from '@downbeat/contracts';
import type { Message, Position, Recorded } from '@downbeat/eventsourcing';
import { capabilitiesOf } from '../services/capabilities';
import type { InstanceEvent } from '../instances/instance-events';
import {
  isOffered,
  REGISTERED,
  registeredAfter,
  standingAfter,
  type Standing,
} from '../instances/standing';
import type { RegistrationEvent } from '../services/service-registration';

/** What changes what callers know. */
export type DirectoryEvent = RegistrationEvent | InstanceEvent;

const OF_THE_DIRECTORY: Readonly<Record<DirectoryEvent['type'], true>> = {
  ServiceRegistered: true,
  ServiceChanged: true,
  InstanceRegistered: true,
  InstanceSessionMoved: true,
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

/** What callers know of a service, and the position of the last event that changed it. */
export interface ListedService {
  readonly revision: Position;
  readonly service_name: string;
  readonly service_version: string;
  readonly base_url: string | null;
  readonly capabilities: readonly registryContract.SaidCapability[];
  readonly instances: Readonly<Record<string, ListedInstance>>;
}

/** The service whose entry an event changes. */
export function serviceOf({ type, data }: Recorded<DirectoryEvent>): string {
  return type === 'ServiceRegistered' ? data.service_name : data.service_id;
}

/** The entry after an event of its service. */
export function foldEntry(
  entry: ListedService | undefined,
  event: Recorded<DirectoryEvent>,
): ListedService | undefined {
  const revision = event.position;
  if (event.type === 'ServiceRegistered') {
    const { service_name, service_version, base_url = null, capabilities = [] } = event.data;
    const instances = entry?.instances ?? {};
    return { revision, service_name, service_version, base_url, capabilities, instances };
  }
  if (!entry) return undefined;
  if (event.type === 'ServiceChanged') {
    const { service_version, base_url, capabilities } = event.data;
    return {
      ...entry,
      revision,
      service_version: service_version ?? entry.service_version,
      base_url: base_url ?? entry.base_url,
      capabilities: capabilities ?? entry.capabilities,
    };
  }
  const { instance_id } = event.data;
  const { [instance_id]: before, ...others } = entry.instances;
  const after =
    event.type === 'InstanceRegistered' ? listed(event.data, before) : foldInstance(before, event);
  if (after === before) return entry;
  return { ...entry, revision, instances: after ? { ...others, [instance_id]: after } : others };
}

function foldInstance(
  before: ListedInstance | undefined,
  event: Exclude<InstanceEvent, { type: 'InstanceRegistered' }>,
): ListedInstance | undefined {
  const standing = before && standingAfter(before.standing, event);
  if (!standing) return undefined;
  const { session: had, ...instance } = before;
  const session = event.type === 'InstanceSessionMoved' ? event.data.session : had;
  return { ...instance, standing, ...(session ? { session } : {}) };
}

type Registered = Extract<InstanceEvent, { type: 'InstanceRegistered' }>['data'];

function listed(
  { version, ip_address, port, zone, weight, priority, session }: Registered,
  before: ListedInstance | undefined,
) {
  const host = ip_address.includes(':') ? `[${ip_address}]` : ip_address;
  return {
    version,
    url: `http://${host}:${port}`,
    standing: before ? registeredAfter(before.standing) : REGISTERED,
    ...(zone === undefined ? {} : { zone }),
    ...(weight === undefined ? {} : { weight }),
    ...(priority === undefined ? {} : { priority }),
    ...(session === undefined ? {} : { session }),
  };
}

/** The entry as callers get it. */
export function offerOf(entry: ListedService): registryContract.DirectoryEntry {
  const { service_name, revision, base_url } = entry;
  const capabilities = capabilitiesOf(entry.capabilities, entry.service_version);
  const instances = Object.entries(entry.instances);
  return {
    service_name,
    revision,
    ...(base_url === null ? {} : { base_url }),
    capabilities: capabilities.map(({ name }) => name),
    capability_versions: Object.fromEntries(
      capabilities.map(({ name, version }) => [name, version]),
    ),
    instance_count: instances.filter(([, { standing }]) => standing.status !== 'terminating')
      .length,
    targets: instances
      .filter(([, { standing }]) => isOffered(standing))
      .map(([instance_id, { standing: _, session: __, ...instance }]) => ({
        service_name,
        instance_id,
        ...instance,
      })),
  };
}
