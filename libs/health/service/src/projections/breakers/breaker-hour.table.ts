import type { RecordedEvent } from '@downbeat/eventsourcing';
import {
  hourOf,
  slotOf,
  withCalls,
  withTransition,
  type BreakerEvent,
  type BreakersCounted,
  type BreakerTransitioned,
  type RecordedHour,
} from '@downbeat/health-domain';
import { ignore, type Table } from '@downbeat/projections';

export interface BreakerHourRow extends RecordedHour {
  readonly [column: string]: unknown;
  /** Its place in the ring of the last eight days. */
  readonly slot: string;
  readonly breaker_id: string;
}

/** The breaker that a place belongs to. */
const idOf = (slot: string): string => slot.slice(0, slot.lastIndexOf(':'));
const placed = (slot: string, hour: RecordedHour | undefined): BreakerHourRow | undefined =>
  hour && { ...hour, slot, breaker_id: idOf(slot) };

export const breakerHourTable: Table<BreakerHourRow, BreakerEvent> = {
  name: 'circuit_breaker_hour',
  key: 'slot',
  columns: {
    slot: 'text',
    breaker_id: 'text',
    hour: 'instant',
    minutes: 'json',
    transitions: 'json',
    left_out: 'bigint',
  },
  indexes: [['breaker_id']],
  on: {
    BreakerTransitioned: {
      keys: ({ data }) => [slotOf(data.breaker_id, hourOf(data.at))],
      fold: (row, event: RecordedEvent<BreakerTransitioned>, slot) =>
        placed(slot, withTransition(row, event)),
    },
    BreakersCounted: {
      keys: ({ data }: RecordedEvent<BreakersCounted>) =>
        data.breakers.flatMap(({ breaker_id, calls }) =>
          calls.map(({ from }) => slotOf(breaker_id, hourOf(from))),
        ),
      fold: (row, { data }, slot) => placed(slot, withCalls(row, data.breakers, slot)),
    },
    BreakerCreated: ignore,
    BreakerChanged: ignore,
    BreakerRemoved: ignore,
    BreakerResetOrdered: ignore,
    BreakerForceOrdered: ignore,
    BreakerReleaseOrdered: ignore,
    BreakerDefaultsSet: ignore,
    BreakerDefaultsRemoved: ignore,
  },
};
