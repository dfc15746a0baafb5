import type { Instant } from '@downbeat/eventsourcing';
import { hours, type CallsForgotten, type CallsRecorded } from '@downbeat/observability-domain';
import { ignore, type Table } from '@downbeat/projections';

/** What was told in one hour, whoever called whom. */
export interface ToldCallsRow {
  readonly [column: string]: unknown;
  /** Its place in the ring of hours. */
  readonly place: string;
  readonly began_at: Instant;
  readonly lost_calls: number;
  /** When the last report came: what the past knew of. */
  readonly last_report_at: Instant;
}

const numberOf = (at: string): number => Math.floor(Date.parse(at) / hours.stretchMs);

export const toldCallsTable: Table<ToldCallsRow, CallsRecorded | CallsForgotten> = {
  name: 'told_calls',
  key: 'place',
  columns: {
    place: 'text',
    began_at: 'instant',
    lost_calls: 'bigint',
    last_report_at: 'instant',
  },
  on: {
    CallsRecorded: {
      keys: ({ recorded_at }) => [String(numberOf(recorded_at) % hours.places)],
      fold: (row, { data: { lost_calls = 0 }, recorded_at }, place) => {
        const began_at = new Date(numberOf(recorded_at) * hours.stretchMs).toISOString() as Instant;
        const before = row?.began_at === began_at ? row.lost_calls : 0;
        return { place, began_at, lost_calls: before + lost_calls, last_report_at: recorded_at };
      },
    },
    // One row for each hour, whoever calls: nothing to forget.
    CallsForgotten: ignore,
  },
};
