import { isUtf8 } from 'node:buffer';
import { messagingContract, parseUntrustedJson, type AnswerOf } from '@downbeat/contracts';
import { Rejection, type Instant } from '@downbeat/eventsourcing';
import { HEADER } from '@downbeat/message-bus';

export type ShownLetter = AnswerOf<
  typeof messagingContract.listDeadLetters
>['dead_letters'][number];

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
  readonly redrives: number;
  readonly revision: number;
  readonly is_purged: boolean;
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
    ...sentBetweenServices(row),
    reason: row.reason,
    cause: row.cause,
    attempts: row.attempts,
    status: row.status,
    redrives: row.redrives,
    revision: row.revision,
    is_purged: row.is_purged,
    ...traceOf(row.headers),
    ...shownText(row),
    correlation_id: cut(row.correlation_id),
    quarantined_at: row.quarantined_at.toISOString() as Instant,
    ...(isResolved ? { resolved_at: row.changed_at.toISOString() as Instant } : {}),
    ...(row.resolution === null ? {} : { resolution: row.resolution }),
  };
}

/** W3C trace context: version, trace, span, flags. */
const TRACEPARENT = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;

function traceOf(headers: LetterRow['headers']): Pick<ShownLetter, 'trace_id'> {
  const [, trace_id] = TRACEPARENT.exec(headers[HEADER.traceparent] ?? '') ?? [];
  return trace_id === undefined ? {} : { trace_id };
}

/** Headers and body, of a letter or of what was written instead. */
export const shownText = ({
  headers,
  body,
  body_bytes,
}: Pick<LetterRow, 'headers' | 'body' | 'body_bytes'>): Pick<ShownLetter, 'headers'> &
  ShownBody => ({
  headers: Object.fromEntries(
    Object.entries(headers)
      .slice(0, HEADERS_MAX)
      .map(([name, value]) => [cut(name), cut(value)]),
  ),
  ...shownBody(body, body_bytes),
});

/** A message between services says so by its subject, which only a service's consumer has. */
function sentBetweenServices({
  subject,
  consumer,
}: LetterRow): Pick<ShownLetter, 'service_name' | 'topic'> {
  const [kind, , topic = ''] = subject.split('.');
  return kind === messagingContract.MESSAGE_STREAM ? { service_name: consumer, topic } : {};
}

type ShownBody = Pick<
  ShownLetter,
  'body' | 'body_encoding' | 'body_bytes' | 'is_body_cut' | 'body_json'
>;

/** Exactly what came; parsed beside it, because parsing loses what no number or object can hold. */
function shownBody(bytes: Buffer, whole: number): ShownBody {
  const isCut = whole > bytes.length;
  const shown = isCut ? withoutHalfCharacter(bytes) : bytes;
  const facts = { body_bytes: whole, is_body_cut: isCut };
  if (!isUtf8(shown)) return { body: bytes.toString('base64'), body_encoding: 'base64', ...facts };
  const body = shown.toString('utf8');
  return { body, body_encoding: 'utf-8', ...facts, ...(isCut ? {} : parsed(body)) };
}

/** A number of three letters may take twenty digits: what is shown twice must fit into an answer. */
const PARSED_LENGTH_MAX = 262_144;

function parsed(text: string): Pick<ShownBody, 'body_json'> {
  const outcome = parseUntrustedJson(text);
  if (outcome instanceof Rejection) return {};
  return JSON.stringify(outcome.value).length > PARSED_LENGTH_MAX
    ? {}
    : { body_json: outcome.value };
}

const CHARACTER_BYTES_MAX = 4;

/** Without what the cut left of the last character of UTF-8. */
function withoutHalfCharacter(bytes: Buffer): Buffer {
  for (let left = 0; left < CHARACTER_BYTES_MAX; left++) {
    const end = bytes.length - left;
    if (isUtf8(bytes.subarray(0, end))) return bytes.subarray(0, end);
  }
  return bytes;
}
