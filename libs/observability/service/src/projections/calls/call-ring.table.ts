import {
  callsIn,
  errorsIn,
  placesIn,
  withReport,
  type CallsRecorded,
  type RecordedCalls,
  type Ring,
} from '@downbeat/observability-domain';
import type { Table } from '@downbeat/projections';

export interface CallRingRow extends RecordedCalls {
  readonly [column: string]: unknown;
  /** Its place in the ring. */
  readonly place: string;
  /** For sums over many rows, beside what `totals` says. */
  readonly calls: number;
  readonly errors: number;
  readonly duration_us: number;
}

/** Who called whom, by minute or by hour: a row for each connection and each place in the ring. */
export const callRingTable = (name: string, ring: Ring): Table<CallRingRow, CallsRecorded> => ({
  name,
  key: 'place',
  columns: {
    place: 'text',
    source_service: 'text',
    target_service: 'text',
    protocol: 'text',
    began_at: 'instant',
    calls: 'bigint',
    errors: 'bigint',
    duration_us: 'bigint',
    totals: 'json',
    endpoints: 'json',
  },
  indexes: [['began_at'], ['source_service', 'began_at'], ['target_service', 'began_at']],
  on: {
    CallsRecorded: {
      keys: ({ data }) => placesIn(ring, data),
      fold: (row, { data }, place) => {
        const recorded = withReport(ring, row, data, place);
        return recorded && rowOf(place, recorded);
      },
    },
  },
});

function rowOf(place: string, recorded: RecordedCalls): CallRingRow {
  const { source_service, target_service, protocol, began_at, totals, endpoints } = recorded;
  return {
    place,
    source_service,
    target_service,
    protocol,
    began_at,
    calls: callsIn(totals),
    errors: errorsIn(totals),
    duration_us: totals.duration_us,
    totals,
    endpoints,
  };
}
