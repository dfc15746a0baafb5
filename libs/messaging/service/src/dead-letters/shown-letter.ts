import { checkUntrusted, type AnswerOf, type messagingContract } from '@downbeat/contracts';
import type { Instant, Json } from '@downbeat/eventsourcing';

export type ShownLetter = AnswerOf<typeof messagingContract.getDeadLetter>;

/** A row as Postgres gives it, `body` cut to what is shown. */
export interface LetterRow {
  readonly id: string;
  readonly subject: string;
  readonly consumer: string;
  readonly message_id: string;
  readonly reason: string;
  readonly cause: string;
  readonly attempts: number;
  readonly status: ShownLetter['status'];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly body_bytes: number;
  readonly correlation_id: string;
  readonly quarantined_at: Date;
  readonly changed_at: Date;
  readonly resolution: string | null;
}

const TEXT_MAX = 1_024;
const HEADERS_MAX = 64;

const cut = (text: string): string =>
  text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX)}… (${text.length} characters)`;

/** Whoever sent the message chose what is in it, so nothing of it may be too large or too deep to be shown. */
export function shownLetter(row: LetterRow): ShownLetter {
  const isResolved = row.status === 'redriven' || row.status === 'discarded';
  return {
    id: row.id,
    subject: cut(row.subject),
    consumer: row.consumer,
    message_id: cut(row.message_id),
    reason: row.reason,
    cause: row.cause,
    attempts: row.attempts,
    status: row.status,
    headers: Object.fromEntries(
      Object.entries(row.headers)
        .slice(0, HEADERS_MAX)
        .map(([name, value]) => [cut(name), cut(value)]),
    ),
    body: shownBody(row.body, row.body_bytes),
    correlation_id: cut(row.correlation_id),
    quarantined_at: row.quarantined_at.toISOString() as Instant,
    ...(isResolved ? { resolved_at: row.changed_at.toISOString() as Instant } : {}),
    ...(row.resolution === null ? {} : { resolution: row.resolution }),
  };
}

/** Parsed when it is JSON of the usual limits, text otherwise. */
function shownBody(body: Buffer, bytes: number): Json {
  const text = body.toString('utf8');
  if (bytes > body.length) return `${text}… (cut, ${bytes} bytes in all)`;
  try {
    const value = JSON.parse(text) as Json;
    return checkUntrusted(value) ? text : value;
  } catch (fault) {
    if (!(fault instanceof SyntaxError)) throw fault;
    return text;
  }
}
