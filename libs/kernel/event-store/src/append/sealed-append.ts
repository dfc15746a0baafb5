import { STREAM_NAME_LENGTH_MAX, type EventMeta, type StreamName } from '@downbeat/eventsourcing';
import { AppendRefused } from '../errors';
import { APPEND_EVENTS_MAX, TOGETHER_MAX, type Append } from '../event-store';
import { uuidV7 } from './uuid-v7';

const TEXT_LENGTH_MAX = 200;
/** Of the data of one event, as JSON text. */
export const EVENT_LENGTH_MAX = 16 * 1_048_576;
/** Of all events that are appended together, with their metas. */
export const TOGETHER_LENGTH_MAX = 2 * EVENT_LENGTH_MAX;
const SHA_256 = /^[0-9a-f]{64}$/;

/** Postgres stores neither a NUL nor half a surrogate pair. */
const UNSTORABLE = /[\0\p{Surrogate}]/u;

/** One event as it will be stored: the text of `data` is what readers and the hash chain will see. */
export interface SealedEvent {
  readonly id: string;
  readonly type: string;
  readonly schemaVersion: number;
  readonly data: string;
}

/** An append checked and turned into text, so that nothing about it can fail those it travels with. */
export interface SealedAppend {
  readonly append: Append;
  readonly meta: string;
  readonly answer: string | undefined;
  readonly events: readonly SealedEvent[];
  /** Characters of JSON, to bound a flush. */
  readonly length: number;
}

/**
 * Checks what the database would refuse, before it can spoil a flush shared with others, and takes
 * a copy as text: what the caller does with its objects afterwards does not matter.
 *
 * @param metas Those that were checked already, as text: appends that go together often share one.
 * @throws {AppendRefused}
 */
export function seal(append: Append, metas = new Map<EventMeta, string>()): SealedAppend {
  const refuse = (reason: string): never => {
    throw new AppendRefused(append.stream, reason);
  };
  const text = (name: string, value: string, lengthMax = TEXT_LENGTH_MAX): void => {
    if (typeof value !== 'string' || value.length === 0 || value.length > lengthMax)
      refuse(`${name} must have 1 to ${lengthMax} characters`);
    if (UNSTORABLE.test(value)) refuse(`${name} is not well-formed text`);
  };
  const count = (name: string, value: number, max = Number.MAX_SAFE_INTEGER): void => {
    if (!Number.isInteger(value) || value < 0 || value > max)
      refuse(`${name} must be an integer from 0 to ${max}`);
  };

  text('stream', append.stream, STREAM_NAME_LENGTH_MAX);
  count('expected', append.expected, 2 ** 31 - 1 - APPEND_EVENTS_MAX);
  count('the number of events', append.events.length, APPEND_EVENTS_MAX);
  const knownMeta = metas.get(append.meta);
  if (knownMeta === undefined)
    for (const [name, value] of Object.entries(append.meta))
      if (value !== undefined) text(`meta.${name}`, value);
  if (append.command) {
    text('command.id', append.command.id);
    const { payloadHash } = append.command;
    if (payloadHash !== undefined && !SHA_256.test(payloadHash))
      refuse('command.payloadHash must be a SHA-256 in hexadecimal');
  }
  if (append.lease) {
    text('lease.owner', append.lease.owner);
    count('lease.epoch', append.lease.epoch, 2 ** 31 - 1);
  }
  if (append.receipt) {
    text('receipt.consumer', append.receipt.consumer);
    text('receipt.source', append.receipt.source);
    count('receipt.number', append.receipt.number);
    const { first, number } = append.receipt;
    if (first !== undefined) count('receipt.first', first, number);
  }

  const json = (name: string, value: unknown): string => {
    const encoded = jsonText(value);
    if (encoded === undefined || encoded.length > EVENT_LENGTH_MAX)
      return refuse(`${name} must be JSON of at most ${EVENT_LENGTH_MAX} characters`);
    return encoded;
  };
  const events = append.events.map((event): SealedEvent => {
    text('an event type', event.type);
    const schemaVersion = event.schema_version ?? 1;
    count('schema_version', schemaVersion, 32_767);
    const data = json(`data of ${event.type}`, event.data);
    return { id: uuidV7(), type: event.type, schemaVersion, data };
  });
  const answer = append.command ? json('the answer', append.command.answer) : undefined;
  const meta = knownMeta ?? JSON.stringify(append.meta);
  metas.set(append.meta, meta);
  const length = events.reduce((sum, event) => sum + event.data.length + meta.length, 0);
  return { append, meta, answer, events, length };
}

/**
 * Several that stand or fall together.
 *
 * @throws {AppendRefused} Also when they are none, too many or more than 32 Mi characters of JSON, or two
 *         of them are to one stream or want to have the same thing remembered.
 */
export function sealTogether(appends: readonly Append[]): readonly SealedAppend[] {
  const [first] = appends;
  if (!first || appends.length > TOGETHER_MAX)
    throw new AppendRefused(
      first?.stream ?? NO_STREAM,
      `1 to ${TOGETHER_MAX} appends can stand together, not ${appends.length}`,
    );
  const streams = new Set<string>();
  for (const { stream } of appends) {
    if (streams.has(stream)) throw new AppendRefused(stream, 'it stands twice among its group');
    streams.add(stream);
  }
  for (const what of ['command', 'receipt'] as const)
    if (appends.filter((append) => append[what] !== undefined).length > 1)
      throw new AppendRefused(first.stream, `more than one of its group has a ${what}`);
  const metas = new Map<EventMeta, string>();
  let length = 0;
  return appends.map((append) => {
    const sealed = seal(append, metas);
    length += sealed.length;
    if (length > TOGETHER_LENGTH_MAX)
      throw new AppendRefused(
        append.stream,
        `its group has more than ${TOGETHER_LENGTH_MAX} characters of JSON: append fewer together`,
      );
    return sealed;
  });
}

const NO_STREAM = '' as StreamName;

/** Undefined for what JSON cannot say: undefined, a function, a cycle, a bigint, nesting without end. */
function jsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (fault) {
    if (fault instanceof TypeError || fault instanceof RangeError) return undefined;
    throw fault;
  }
}
