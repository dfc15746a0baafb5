import type { Table } from '@downbeat/projections';
import type { Recorded } from '@downbeat/eventsourcing';
import { foldEntry, type DirectoryEvent, type ListedService } from '@downbeat/registry-domain';
import { ignore } from '@downbeat/projections';
import type { RegistryEvent } from '../registry-events';

/** What {@link Directory} begins with when a replica starts. */
export interface DirectoryRow {
  readonly [column: string]: unknown;
  readonly service_name: string;
  readonly entry: ListedService;
}

const ofInstance = {
  keys: ({ data }: { readonly data: { readonly service_id: string } }) => [data.service_id],
  fold: (row: DirectoryRow | undefined, event: Recorded<DirectoryEvent>) => after(row, event),
};

export const directory: Table<DirectoryRow, RegistryEvent> = {
  name: 'directory_entry',
  key: 'service_name',
  columns: { service_name: 'text', entry: 'json' },
  on: {
    ServiceRegistered: { keys: ({ data }) => [data.service_name], fold: after },
    ServiceChanged: ofInstance,
    DependenciesDeclared: ignore,
    InstanceRegistered: ofInstance,
    InstanceSessionMoved: ofInstance,
    InstanceLifecycleAnnounced: ofInstance,
    InstanceHealthObserved: ofInstance,
    InstanceSuppressed: ofInstance,
    InstanceReleased: ofInstance,
    InstanceTerminating: ofInstance,
    InstanceRemoved: ofInstance,
  },
};

function after(
  row: DirectoryRow | undefined,
  event: Recorded<DirectoryEvent>,
): DirectoryRow | undefined {
  const entry = foldEntry(row?.entry, event);
  return entry && { service_name: entry.service_name, entry };
}
