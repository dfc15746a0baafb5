import type { JsonObject, Position, StreamVersion } from '@downbeat/eventsourcing';
import type { Pool } from 'pg';
import { AppendRefused, LeaseLost, ReceiptConflict, StreamVersionConflict } from './errors';
import type { Appended } from './event-store';
import { intArray, textArray } from './array-literal';
import type { SealedAppend } from './sealed-append';

interface OutcomeRow {
  readonly outcome: 'appended' | 'repeated' | 'receipt' | 'lease' | 'foreign' | 'version';
  readonly version: StreamVersion;
  readonly position: Position;
  readonly answer: string | null;
}

/**
 * Sends appends as one prepared statement in autocommit: they are committed when this returns.
 *
 * @returns Per append, in order: what was appended, or the fault that is its own.
 * @throws What `pg` throws; then none was appended, or, after a lost connection, all or none.
 */
export async function appendMany(
  pool: Pool,
  logName: string,
  context: string,
  appends: readonly SealedAppend[],
): Promise<readonly (Appended | Error)[]> {
  const { rows } = await pool.query<OutcomeRow>({
    name: `append_many of ${logName}`,
    text: `select * from "${logName}".append_many($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
    values: parametersOf(context, appends),
  });
  return appends.map((append, index) => outcomeOf(append, rows[index]));
}

/** In the order of the parameters of `append_many`. */
function parametersOf(context: string, appends: readonly SealedAppend[]): string[] {
  const events = appends.flatMap((sealed) => sealed.events);
  const texts = (value: (sealed: SealedAppend) => string | undefined) =>
    textArray(appends.map(value));
  const ints = (value: (sealed: SealedAppend) => number | undefined) =>
    intArray(appends.map(value));
  return [
    context,
    texts(({ append }) => append.stream),
    ints(({ append }) => append.expected),
    ints((sealed) => sealed.events.length),
    texts(({ meta }) => meta),
    texts(({ append }) => append.command?.id),
    texts(({ answer }) => answer),
    texts(({ append }) => append.lease?.use),
    texts(({ append }) => append.lease?.owner),
    ints(({ append }) => append.lease?.epoch),
    texts(({ append }) => append.receipt?.consumer),
    texts(({ append }) => append.receipt?.source),
    ints(({ append }) => append.receipt?.number),
    textArray(events.map((event) => event.id)),
    textArray(events.map((event) => event.type)),
    intArray(events.map((event) => event.schemaVersion)),
    textArray(events.map((event) => event.data)),
  ];
}

function outcomeOf(
  { append, answer }: SealedAppend,
  row: OutcomeRow | undefined,
): Appended | Error {
  if (row === undefined) return new Error('append_many returned too few rows');
  const { stream, lease, receipt } = append;
  const remembered = row.outcome === 'repeated' ? row.answer : answer;
  switch (row.outcome) {
    case 'appended':
    case 'repeated':
      return {
        version: row.version,
        position: row.position,
        ...(remembered !== undefined &&
          remembered !== null && { answer: JSON.parse(remembered) as JsonObject }),
        repeated: row.outcome === 'repeated',
      };
    case 'receipt':
      if (receipt) return new ReceiptConflict(receipt, row.position);
      break;
    case 'lease':
      if (lease) return new LeaseLost(stream, lease.owner, lease.epoch);
      break;
    case 'foreign':
      return new AppendRefused(stream, 'the stream belongs to another context');
    case 'version':
      return new StreamVersionConflict(stream, append.expected, row.version);
  }
  return new Error(`append_many answered ${row.outcome} to an append without one`);
}
