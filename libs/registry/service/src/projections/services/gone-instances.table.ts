import { ignore, type Table } from '@downbeat/projections';
import type { Instant } from '@downbeat/eventsourcing';
import { endingOf } from '@downbeat/registry-domain';
import { INSTANCE_EVENTS_IGNORED, type RegistryEvent } from '../registry-events';

/** How an instance ended. */
export interface GoneInstance {
  readonly instance_id: string;
  readonly lifecycle: 'stopped' | 'failed';
  readonly reason: string;
  readonly ended_at: Instant;
}

/** Instances of one service that have ended, the last {@link GONE_MAX} of them. */
export interface GoneInstancesRow {
  readonly [column: string]: unknown;
  readonly service_id: string;
  /** The one that ended last comes last. */
  readonly gone: readonly GoneInstance[];
}

const GONE_MAX = 50;

export const goneInstances: Table<GoneInstancesRow, RegistryEvent> = {
  name: 'gone_instances',
  key: 'service_id',
  columns: { service_id: 'text', gone: 'json' },
  on: {
    ServiceRegistered: ignore,
    ServiceChanged: ignore,
    ServiceRetired: ignore,
    DependenciesDeclared: ignore,
    // Whoever is back is listed, and left out of these when they are asked for.
    ...INSTANCE_EVENTS_IGNORED,
    InstanceTerminating: {
      keys: ({ data }) => [data.service_id],
      fold: (row, { data, recorded_at }) => {
        const { service_id, instance_id, reason, ending = endingOf(reason) } = data;
        const others = (row?.gone ?? []).filter((one) => one.instance_id !== instance_id);
        const lifecycle = ending === 'deregistered' ? 'stopped' : 'failed';
        const gone = [
          ...others,
          { instance_id, lifecycle, reason, ended_at: recorded_at } as const,
        ];
        return { service_id, gone: gone.slice(-GONE_MAX) };
      },
    },
  },
};
