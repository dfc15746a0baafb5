import type { Instant } from '@downbeat/eventsourcing';
import type {
  DeadLetterEvent,
  LetterOperationEvent,
  LetterOperationRequest,
  LettersAnswered,
} from '@downbeat/messaging-domain';
import { ignore, type Table } from '@downbeat/projections';

export interface LetterOperationRow {
  readonly [column: string]: unknown;
  readonly operation_id: string;
  readonly request: LetterOperationRequest;
  readonly status: 'running' | 'completed' | 'aborted';
  readonly count: number;
  readonly accepted: number;
  readonly refused: number;
  readonly handled: number;
  readonly failed_again: number;
  readonly started_at: Instant;
  readonly started_by: string;
  readonly ended_at: Instant | null;
  readonly aborted_because: string | null;
  readonly started_position: number;
}

export interface LetterOperationItemRow {
  readonly [column: string]: unknown;
  readonly id: string;
  readonly operation_id: string;
  readonly place: number;
  readonly dead_letter_id: string;
  /** `accepted`, or the code of a refusal; null until it is asked. */
  readonly answer: string | null;
}

type Row = LetterOperationRow;

const change = <Data extends { readonly operation_id: string }>(
  how: (data: Data, row: Row) => Partial<Row>,
) => ({
  keys: ({ data }: { readonly data: Data }) => [data.operation_id],
  fold: (row: Row | undefined, { data }: { readonly data: Data }) =>
    row && { ...row, ...how(data, row) },
});

/** A letter that an operation sent again has been handled, or failed. */
const end = (counted: 'handled' | 'failed_again') => ({
  keys: ({ data }: { readonly data: { readonly operation_id?: string } }) =>
    data.operation_id === undefined ? [] : [data.operation_id],
  fold: (row: Row | undefined) => row && { ...row, [counted]: Number(row[counted]) + 1 },
});

type Event = DeadLetterEvent | LetterOperationEvent;
const NO_LETTERS = {
  DeadLetterQuarantined: ignore,
  DeadLetterEdited: ignore,
  DeadLetterRedriven: ignore,
  DeadLetterDiscarded: ignore,
  DeadLetterPurged: ignore,
} as const;

export const operations: Table<Row, Event> = {
  name: 'dead_letter_operation',
  key: 'operation_id',
  columns: {
    ...{ operation_id: 'text', request: 'json', status: 'text', count: 'bigint' },
    ...{ accepted: 'bigint', refused: 'bigint', handled: 'bigint', failed_again: 'bigint' },
    ...{ started_at: 'instant', started_by: 'text', ended_at: 'instant?' },
    ...{ aborted_because: 'text?', started_position: 'bigint' },
  },
  indexes: [['started_position'], ['status']],
  on: {
    ...NO_LETTERS,
    DeadLetterHandled: end('handled'),
    DeadLetterReturned: end('failed_again'),
    DeadLetterOperationStarted: {
      keys: ({ data }) => [data.operation_id],
      fold: (_, { data, position, meta }) => ({
        ...{ operation_id: data.operation_id, request: data.request, status: 'running' },
        count: data.dead_letter_ids.length,
        ...{ accepted: 0, refused: 0, handled: 0, failed_again: 0 },
        ...{ started_at: data.at, started_by: meta.actor, ended_at: null },
        ...{ aborted_because: null, started_position: position },
      }),
    },
    DeadLettersAnswered: change<LettersAnswered['data']>(({ answers }, row) => {
      const accepted = answers.filter((answer) => answer === 'accepted').length;
      return {
        accepted: Number(row.accepted) + accepted,
        refused: Number(row.refused) + answers.length - accepted,
      };
    }),
    DeadLetterOperationCompleted: change(({ at }: { operation_id: string; at: Instant }) => ({
      ...{ status: 'completed', ended_at: at },
    })),
    DeadLetterOperationAborted: change(
      ({ at, reason }: { operation_id: string; at: Instant; reason: string }) => ({
        ...{ status: 'aborted', ended_at: at, aborted_because: reason },
      }),
    ),
  },
};

const PLACE_DIGITS = 5;
const idOf = (operationId: string, place: number): string =>
  `${operationId}/${String(place).padStart(PLACE_DIGITS, '0')}`;
const placeOf = (id: string): number => Number(id.slice(-PLACE_DIGITS));

export const operationItems: Table<LetterOperationItemRow, Event> = {
  name: 'dead_letter_operation_item',
  key: 'id',
  columns: {
    ...{ id: 'text', operation_id: 'text', place: 'bigint', dead_letter_id: 'text' },
    answer: 'text?',
  },
  indexes: [['operation_id', 'place']],
  on: {
    ...NO_LETTERS,
    DeadLetterHandled: ignore,
    DeadLetterReturned: ignore,
    DeadLetterOperationStarted: {
      keys: ({ data }) => data.dead_letter_ids.map((_, place) => idOf(data.operation_id, place)),
      fold: (_, { data }, id) => {
        const place = placeOf(id);
        const dead_letter_id = data.dead_letter_ids[place] ?? '';
        return { id, operation_id: data.operation_id, place, dead_letter_id, answer: null };
      },
    },
    DeadLettersAnswered: {
      keys: ({ data }) =>
        data.answers.map((_, index) => idOf(data.operation_id, data.from + index)),
      fold: (row, { data }, id) =>
        row && { ...row, answer: data.answers[placeOf(id) - data.from] ?? null },
    },
    DeadLetterOperationCompleted: ignore,
    DeadLetterOperationAborted: ignore,
  },
};
