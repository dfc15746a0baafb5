import type { JsonObject, Position, StreamVersion } from '@downbeat/eventsourcing';
import type { Pool } from 'pg';
import { AppendRefused, LeaseLost, ReceiptConflict, StreamVersionConflict } from '../errors';
import type { Appended } from '../event-store';
import type { SealedAppend } from './sealed-append';

interface OutcomeRow {
  readonly outcome:
    'appended' | 'repeated' | 'receipt' | 'lease' | 'foreign' | 'version' | 'together';
  readonly version: StreamVersion;
  readonly position: Position;
  readonly answer: string | null;
  readonly recorded_at: string | null;
  readonly commit_no: number | null;
}

/** When and in which commit events were recorded, as Postgres writes it. */
export interface Moment {
  readonly recordedAt: string;
  readonly commitNo: number;
}

export interface Outcome {
  readonly appended: Appended;
  /** Undefined: nothing was appended now. */
  readonly moment: Moment | undefined;
}

/** Appends that stand or fall together: mostly one. */
export type SealedGroup = readonly SealedAppend[];

/**
 * Sends groups of appends as one prepared statement in autocommit: they are committed when this returns.
 *
 * @returns Per group, in order: what was appended, or the fault that is its own.
 * @throws What `pg` throws; then none was appended, or, after a lost connection, all or none.
 */
export async function appendMany(
  pool: Pool,
  logName: string,
  context: string,
  groups: readonly SealedGroup[],
): Promise<readonly (readonly Outcome[] | Error)[]> {
  const { rows } = await pool.query<OutcomeRow>({
    name: `append_many of ${logName}`,
    text: `select * from "${logName}".append_many($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`,
    values: parametersOf(context, groups),
  });
  let next = 0;
  return groups.map((group) => outcomesOf(group, rows.slice(next, (next += group.length))));
}

/** In the order of the parameters of `append_many`. */
function parametersOf(context: string, groups: readonly SealedGroup[]): unknown[] {
  const appends = groups.flat();
  const events = appends.flatMap((sealed) => sealed.events);
  return [
    context,
    appends.map(({ append }) => append.stream),
    appends.map(({ append }) => append.expected),
    appends.map((sealed) => sealed.events.length),
    arrayOfJson(appends.map(({ meta }) => meta)),
    appends.map(({ append }) => append.command?.id),
    arrayOfJson(appends.map(({ answer }) => answer)),
    appends.map(({ append }) => append.lease?.use),
    appends.map(({ append }) => append.lease?.owner),
    appends.map(({ append }) => append.lease?.epoch),
    appends.map(({ append }) => append.receipt?.consumer),
    appends.map(({ append }) => append.receipt?.source),
    appends.map(({ append }) => append.receipt?.number),
    events.map((event) => event.id),
    events.map((event) => event.type),
    events.map((event) => event.schemaVersion),
    arrayOfJson(events.map((event) => event.data)),
    appends.map(({ append }) => byteaOf(append.command?.payloadHash)),
    // From 0: below it are the numbers that the database gives to appends that are alone.
    groups.flatMap((group, index) => group.map(() => (group.length > 1 ? index : null))),
    appends.map(({ append }) => append.receipt?.first),
  ];
}

const byteaOf = (hex: string | undefined): string | undefined =>
  hex === undefined ? undefined : `\\x${hex}`;

/**
 * Postgres' literal of an array of JSON texts. Encoding them as JSON once more escapes quotes and
 * backslashes just as that literal wants it, and finds nothing else to escape, for JSON text has no
 * control characters. 0.4 µs for 300 bytes where the driver's general way takes 1.1 µs.
 */
const arrayOfJson = (texts: readonly (string | undefined)[]): string =>
  `{${JSON.stringify(texts).slice(1, -1)}}`;

/** A group whose command was answered before has that answer; else the first fault of its own is its fault. */
function outcomesOf(group: SealedGroup, rows: readonly OutcomeRow[]): readonly Outcome[] | Error {
  const at = rows.findIndex(({ outcome }) => outcome === 'repeated');
  const outcomes: Outcome[] = [];
  for (const [index, append] of group.entries()) {
    const row = rows[at < 0 ? index : at];
    if (row?.outcome === 'together') continue;
    const outcome = outcomeOf(append, row);
    if (outcome instanceof Error) return outcome;
    outcomes.push(outcome);
  }
  if (outcomes.length === group.length) return outcomes;
  return new Error('append_many refused a group and no append of it');
}

function outcomeOf({ append, answer }: SealedAppend, row: OutcomeRow | undefined): Outcome | Error {
  if (row === undefined) return new Error('append_many returned too few rows');
  const { stream, lease, receipt } = append;
  const remembered = row.outcome === 'repeated' ? row.answer : answer;
  switch (row.outcome) {
    case 'appended':
    case 'repeated':
      return {
        appended: {
          version: row.version,
          position: row.position,
          ...(remembered !== undefined &&
            remembered !== null && { answer: JSON.parse(remembered) as JsonObject }),
          repeated: row.outcome === 'repeated',
        },
        moment: momentOf(row),
      };
    case 'receipt':
      if (receipt) return new ReceiptConflict(receipt, row.position);
      break;
    case 'lease':
      if (lease) return new LeaseLost(stream, lease.owner, lease.epoch);
      break;
    case 'foreign':
      return new AppendRefused(stream, 'the stream belongs to another context');
    case 'together':
      break;
    case 'version':
      return new StreamVersionConflict(stream, append.expected, row.version);
  }
  return new Error(`append_many answered ${row.outcome} to an append without one`);
}

const momentOf = ({ recorded_at, commit_no }: OutcomeRow): Moment | undefined =>
  recorded_at == null || commit_no == null
    ? undefined
    : { recordedAt: recorded_at, commitNo: commit_no };
