import type { RecordedEvent } from '@downbeat/eventsourcing';
import type { BreakerDefaultsSet, BreakerEvent, BreakerSettings } from '@downbeat/health-domain';
import { ignore, type Table } from '@downbeat/projections';

export interface BreakerDefaultsRow {
  readonly [column: string]: unknown;
  readonly scope: string;
  readonly settings: BreakerSettings;
}

export const breakerDefaultsTable: Table<BreakerDefaultsRow, BreakerEvent> = {
  name: 'circuit_breaker_defaults',
  key: 'scope',
  columns: { scope: 'text', settings: 'json' },
  on: {
    BreakerTransitioned: ignore,
    BreakersCounted: ignore,
    BreakerCreated: ignore,
    BreakerChanged: ignore,
    BreakerRemoved: ignore,
    BreakerResetOrdered: ignore,
    BreakerForceOrdered: ignore,
    BreakerReleaseOrdered: ignore,
    BreakerDefaultsSet: {
      keys: () => ['all'],
      fold: (_, { data }: RecordedEvent<BreakerDefaultsSet>, scope) => ({
        scope,
        settings: data.settings,
      }),
    },
    BreakerDefaultsRemoved: { keys: () => ['all'], fold: () => undefined },
  },
};
