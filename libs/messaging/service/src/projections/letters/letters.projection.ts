import type { Instant } from '@downbeat/eventsourcing';
import type {
  DeadLetterEvent,
  DeadLetterQuarantined,
  LetterOperationEvent,
} from '@downbeat/messaging-domain';
import { ignore, type Projection, type Table } from '@downbeat/projections';
import { operationItems, operations } from './operations.tables';

/** A dead letter as the log tells of it; what it says stands in the quarantine alone. */
export interface LetterFactsRow {
  readonly [column: string]: unknown;
  readonly id: string;
  readonly consumer: string;
  readonly subject: string;
  readonly message_id: string;
  /** Without values. */
  readonly reason: string;
  readonly cause: string;
  readonly attempts: number;
  readonly status: 'quarantined' | 'redriving' | 'redriven' | 'discarded';
  readonly redrives: number;
  readonly revision: number;
  readonly body_bytes: number;
  readonly correlation_id: string;
  readonly quarantined_at: Instant;
  readonly changed_at: Instant;
  readonly resolution: string | null;
  readonly is_purged: boolean;
}

type Said = { readonly dead_letter_id: string; readonly at: Instant };

/** Events of before quarantines were told begin with what an operator did. */
const unseen = ({
  dead_letter_id: id,
  at,
  consumer,
  subject,
}: Said & { readonly consumer: string; readonly subject: string }): LetterFactsRow => ({
  ...{ id, consumer, subject, message_id: '', reason: '', cause: '', attempts: 0 },
  ...{ status: 'quarantined', redrives: 0, revision: 1, body_bytes: 0, correlation_id: '' },
  ...{ quarantined_at: at, changed_at: at, resolution: null, is_purged: false },
});

const keys = ({ data }: { readonly data: Said }) => [data.dead_letter_id];

const change = <Data extends Said>(how: (data: Data) => Partial<LetterFactsRow>) => ({
  keys,
  fold: (row: LetterFactsRow | undefined, { data }: { readonly data: Data }) =>
    row && { ...row, ...how(data), changed_at: data.at },
});

/** The same of an event that says enough for a row of its own. */
const decide = <Data extends Said & { readonly consumer: string; readonly subject: string }>(
  how: (data: Data) => Partial<LetterFactsRow>,
) => ({
  keys,
  fold: (row: LetterFactsRow | undefined, { data }: { readonly data: Data }) => ({
    ...(row ?? unseen(data)),
    ...how(data),
    changed_at: data.at,
  }),
});

function quarantined(
  row: LetterFactsRow | undefined,
  { at, dead_letter_id: id, consumer, subject, ...facts }: DeadLetterQuarantined['data'],
): LetterFactsRow {
  const { message_id, reason, cause, attempts, body_bytes, correlation_id } = facts;
  const told = { message_id, reason, cause, attempts, body_bytes, correlation_id };
  const before = row ?? unseen({ dead_letter_id: id, at, consumer, subject });
  return { ...before, ...told, quarantined_at: at };
}

const letters: Table<LetterFactsRow, DeadLetterEvent | LetterOperationEvent> = {
  name: 'dead_letter',
  key: 'id',
  columns: {
    ...{ id: 'text', consumer: 'text', subject: 'text', message_id: 'text', reason: 'text' },
    ...{ cause: 'text', attempts: 'bigint', status: 'text', redrives: 'bigint' },
    ...{ revision: 'bigint', body_bytes: 'bigint', correlation_id: 'text' },
    ...{ quarantined_at: 'instant', changed_at: 'instant', resolution: 'text?' },
    is_purged: 'boolean',
  },
  indexes: [['quarantined_at'], ['cause', 'quarantined_at']],
  on: {
    DeadLetterQuarantined: { keys, fold: (row, { data }) => quarantined(row, data) },
    DeadLetterEdited: change(({ revision }: Said & { revision: number }) => ({ revision })),
    DeadLetterRedriven: decide(({ redrive }) => ({
      ...{ status: 'redriving', redrives: redrive, resolution: null },
    })),
    DeadLetterHandled: change(() => ({ status: 'redriven', resolution: 'handled' })),
    DeadLetterReturned: change(
      ({
        reason,
        cause,
        attempts,
      }: Said & Pick<LetterFactsRow, 'reason' | 'cause' | 'attempts'>) => ({
        ...{ status: 'quarantined', reason, cause, attempts },
      }),
    ),
    DeadLetterDiscarded: decide(({ reason }) => ({ status: 'discarded', resolution: reason })),
    DeadLetterPurged: change(() => ({ is_purged: true })),
    DeadLetterOperationStarted: ignore,
    DeadLettersAnswered: ignore,
    DeadLetterOperationCompleted: ignore,
    DeadLetterOperationAborted: ignore,
  },
};

/** Dead letters and operations on many of them, as they were at any moment. */
export const deadLetters: Projection = {
  name: 'messaging.dead-letters',
  version: 1,
  tables: [letters, operations, operationItems],
};
