import { Rejection } from '@downbeat/eventsourcing';
import { cursorOf, pageOf, type ContextPool, type Page } from '@downbeat/service-host';
import type { LetterFactsRow } from '../projections/letters/letters.projection';
import type { Quarantine } from './quarantine';
import type { LetterRow, ShownLetter } from './shown-letter';

/** What is shown of a body; an answer has to fit into one message of the bus. */
export const BODY_BYTES_MAX = 131_072;
const LISTED_BODY_BYTES_MAX = 16_384;
const PAGE_BYTES_MAX = 400_000;

interface TextRow {
  readonly [column: string]: unknown;
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly body_bytes: number;
  readonly is_purged: boolean;
}

const text = (bytesMax: number): string =>
  `d.id, d.headers, substring(d.body from 1 for ${bytesMax}) as body,
   octet_length(d.body) as body_bytes, d.purged_at is not null as is_purged`;

const columns = (bytesMax: number): string =>
  `${text(bytesMax)}, d.subject, d.consumer, d.message_id, d.reason, d.cause, d.attempts, d.status,
   d.redrives, d.revision, d.correlation_id, d.quarantined_at, d.changed_at, d.resolution`;

/** Reads letters with what they say, cut to what an answer may hold. */
export class LetterRows {
  /** Columns of a letter in a list, for a query that calls the table `d`. */
  readonly listed = columns(LISTED_BODY_BYTES_MAX);

  constructor(
    private readonly pool: { query: ContextPool['query'] },
    private readonly quarantine: Pick<Quarantine, 'table'>,
  ) {}

  async find(id: string): Promise<LetterRow | undefined> {
    const { rows } = await this.pool.query<LetterRow & Record<string, unknown>>(
      `select ${columns(BODY_BYTES_MAX)} from ${this.quarantine.table} d where d.id = $1`,
      [id],
    );
    return rows[0];
  }

  /** What they say is told by no event: it is what the quarantine holds now, and may have been purged since. */
  async withTexts(
    facts: readonly LetterFactsRow[],
    size: 'listed' | 'whole' = 'listed',
  ): Promise<readonly LetterRow[]> {
    const bytesMax = size === 'listed' ? LISTED_BODY_BYTES_MAX : BODY_BYTES_MAX;
    const { rows } = await this.pool.query<TextRow>(
      `select ${text(bytesMax)} from ${this.quarantine.table} d where d.id = any($1::uuid[])`,
      [facts.map(({ id }) => id)],
    );
    const texts = new Map(rows.map((row) => [row.id, row]));
    return facts.map((row) => {
      const { headers = {}, body = Buffer.alloc(0), body_bytes } = texts.get(row.id) ?? NONE;
      return {
        ...{ id: row.id, subject: row.subject, consumer: row.consumer },
        ...{ message_id: row.message_id, reason: row.reason, cause: row.cause },
        ...{ status: row.status, correlation_id: row.correlation_id, resolution: row.resolution },
        ...{ attempts: Number(row.attempts), redrives: Number(row.redrives) },
        ...{ revision: Number(row.revision), headers, body, body_bytes },
        is_purged: texts.get(row.id)?.is_purged ?? true,
        quarantined_at: new Date(row.quarantined_at),
        changed_at: new Date(row.changed_at),
      };
    });
  }
}

const NONE = { headers: {}, body: Buffer.alloc(0), body_bytes: 0 };

/** As many as are asked for and fit into an answer. */
export function fitting(letters: readonly ShownLetter[], limitMax: number): Page<ShownLetter> {
  let bytes = 0;
  const found = letters.findIndex((letter) => {
    bytes += Buffer.byteLength(JSON.stringify(letter));
    return bytes > PAGE_BYTES_MAX;
  });
  const limit = found < 0 ? limitMax : Math.max(1, Math.min(found, limitMax));
  return pageOf(letters, limit, ({ quarantined_at, id }) => `${quarantined_at} ${id}`);
}

export interface Key {
  readonly at: string;
  readonly id: string;
}

const KEY =
  /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

export function keyOf(cursor: string | undefined): Key | undefined | Rejection {
  const key = cursorOf(cursor);
  if (key === null) return undefined;
  const [, at, id] = KEY.exec(key) ?? [];
  if (at !== undefined && id !== undefined && !Number.isNaN(Date.parse(at))) return { at, id };
  const message = 'does not belong to this list';
  return new Rejection('invalid-input', `cursor ${message}`, 'invalid', [
    { field: 'cursor', message },
  ]);
}
