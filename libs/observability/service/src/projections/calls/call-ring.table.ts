import {
  callsIn,
  errorsIn,
  placesIn,
  withReport,
  type CallsForgotten,
  type CallsRecorded,
  type RecordedCalls,
  type Ring,
} from '@downbeat/observability-domain';
import type { Table } from '@downbeat/projections';

/** What an event of forgetting has for this ring. */
type RingName = keyof Pick<CallsForgotten['data'], 'minutes' | 'hours'>;

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
export const callRingTable = (
  name: string,
  ring: Ring,
  ringName: RingName,
): Table<CallRingRow, CallsRecorded | CallsForgotten> => ({
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
    CallsForgotten: {
      keys: ({ data }) => data[ringName].places,
      fold: (row, { data }) =>
        row && row.began_at >= data[ringName].began_before ? row : undefined,
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
