import { ignore, type Table } from '@downbeat/projections';
import type { Recorded } from '@downbeat/eventsourcing';
import type { DirectoryEvent } from '@downbeat/registry-domain';
import type { RegistryEvent } from '../registry-events';

/**
 * When what callers know of a service changed last. With what its own row and those of its instances
 * say it is what {@link Directory} begins with when a replica starts.
 */
export interface DirectoryRow {
  readonly [column: string]: unknown;
  readonly service_name: string;
  /** Position of the newest event of the service or of one of its instances. */
  readonly revision: number;
}

const changed = {
  keys: ({ data }: { readonly data: { readonly service_id: string } }) => [data.service_id],
  fold: (row: DirectoryRow | undefined, { position }: Recorded<DirectoryEvent>) =>
    row && { ...row, revision: position },
};

export const directory: Table<DirectoryRow, RegistryEvent> = {
  name: 'directory_entry',
  key: 'service_name',
  columns: { service_name: 'text', revision: 'bigint' },
  on: {
    ServiceRegistered: {
      keys: ({ data }) => [data.service_name],
      fold: (_, { data: { service_name }, position }) => ({ service_name, revision: position }),
    },
    ServiceChanged: changed,
    ServiceRetired: changed,
    DependenciesDeclared: ignore,
    InstanceRegistered: changed,
    InstanceSessionMoved: changed,
    InstanceAdjusted: changed,
    InstanceLifecycleAnnounced: changed,
    InstanceHealthObserved: changed,
    InstanceSuppressed: changed,
    InstanceReleased: changed,
    InstanceTerminating: changed,
    InstanceRemoved: changed,
  },
};
