import type { Instant } from '@downbeat/eventsourcing';
import { ignore, type Projection, type Table } from '@downbeat/projections';
import type { BulkAborted, BulkAnswered, BulkEvent, BulkStarted } from '@downbeat/saga-domain';

export interface BulkRow {
  readonly [column: string]: unknown;
  readonly bulk_id: string;
  readonly request: BulkStarted['data']['request'];
  readonly status: 'running' | 'completed' | 'aborted';
  readonly count: number;
  readonly accepted: number;
  readonly refused: number;
  readonly started_at: Instant;
  readonly ended_at: Instant | null;
  readonly aborted_because: string | null;
  readonly started_position: number;
}

export interface BulkRunRow {
  readonly [column: string]: unknown;
  readonly id: string;
  readonly bulk_id: string;
  readonly place: number;
  readonly workflow_id: string;
  /** `accepted`, or the code of a refusal; null until it is asked. */
  readonly answer: string | null;
}

const change = <Data extends { readonly bulk_id: string }>(
  how: (data: Data, row: BulkRow) => Partial<BulkRow>,
) => ({
  keys: ({ data }: { readonly data: Data }) => [data.bulk_id],
  fold: (row: BulkRow | undefined, { data }: { readonly data: Data }) =>
    row && { ...row, ...how(data, row) },
});

const operations: Table<BulkRow, BulkEvent> = {
  name: 'bulk_operation',
  key: 'bulk_id',
  columns: {
    bulk_id: 'text',
    request: 'json',
    status: 'text',
    count: 'bigint',
    accepted: 'bigint',
    refused: 'bigint',
    started_at: 'instant',
    ended_at: 'instant?',
    aborted_because: 'text?',
    started_position: 'bigint',
  },
  indexes: [['started_position'], ['status']],
  on: {
    BulkOperationStarted: {
      keys: ({ data }) => [data.bulk_id],
      fold: (_, { data, position }) => ({
        bulk_id: data.bulk_id,
        request: data.request,
        status: 'running',
        count: data.workflow_ids.length,
        accepted: 0,
        refused: 0,
        started_at: data.at,
        ended_at: null,
        aborted_because: null,
        started_position: position,
      }),
    },
    BulkRunsAnswered: change<BulkAnswered['data']>(({ answers }, row) => {
      const accepted = answers.filter((answer) => answer === 'accepted').length;
      return {
        accepted: Number(row.accepted) + accepted,
        refused: Number(row.refused) + answers.length - accepted,
      };
    }),
    BulkOperationCompleted: change(({ at }: { bulk_id: string; at: Instant }) => ({
      status: 'completed',
      ended_at: at,
    })),
    BulkOperationAborted: change<BulkAborted['data']>(({ at, reason }) => ({
      status: 'aborted',
      ended_at: at,
      aborted_because: reason,
    })),
    BulkOperationForgotten: {
      keys: ({ data }) => [data.bulk_id],
      fold: () => undefined,
    },
  },
};

const PLACE_DIGITS = 5;
const idOf = (bulkId: string, place: number): string =>
  `${bulkId}/${String(place).padStart(PLACE_DIGITS, '0')}`;
const placeOf = (id: string): number => Number(id.slice(-PLACE_DIGITS));

const runs: Table<BulkRunRow, BulkEvent> = {
  name: 'bulk_run',
  key: 'id',
  columns: { id: 'text', bulk_id: 'text', place: 'bigint', workflow_id: 'text', answer: 'text?' },
  indexes: [['bulk_id', 'place']],
  on: {
    BulkOperationStarted: {
      keys: ({ data }) => data.workflow_ids.map((_, place) => idOf(data.bulk_id, place)),
      fold: (_, { data }, id) => {
        const place = placeOf(id);
        const workflow_id = data.workflow_ids[place] ?? '';
        return { id, bulk_id: data.bulk_id, place, workflow_id, answer: null };
      },
    },
    BulkRunsAnswered: {
      keys: ({ data }) => data.answers.map((_, index) => idOf(data.bulk_id, data.from + index)),
      fold: (row, { data }, id) =>
        row && { ...row, answer: data.answers[placeOf(id) - data.from] ?? null },
    },
    BulkOperationCompleted: ignore,
    BulkOperationAborted: ignore,
    BulkOperationForgotten: {
      keys: ({ data }) =>
        Array.from({ length: data.count }, (_, place) => idOf(data.bulk_id, place)),
      fold: () => undefined,
    },
  },
};

/** Operations on many runs, and what each of those said. */
export const bulkOperations: Projection = {
  name: 'saga.bulk-operations',
  version: 2,
  tables: [operations, runs],
};
