import { hash, randomUUID } from 'node:crypto';
import { checkUntrusted, messagingContract, validate } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { MessageNotPublished, MessageTooLarge } from './errors';
import { HEADER, wrongHeaders, wrongId } from './headers';
import type { Topic } from './topic';

/** What goes along with a message. */
export interface Enclosed {
  /** The same for every repetition of one message, which has the same body too. Default: a new one, that nobody can guess. */
  readonly messageId?: string;
  readonly correlationId?: string;
  /** W3C trace context to go on with. */
  readonly traceparent?: string;
  /** Nobody is given it for the first time later than this after it was published; 100 at least. */
  readonly ttlMs?: number;
  /** Further ones; names that begin with `nats-`, `downbeat-` or `ce-` are taken. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A message as it travels. */
export interface Outgoing {
  readonly id: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

const TTL_MS_MIN = 100;
const TTL_MS_MAX = 7 * 86_400_000;

/** What is wrong with a time that somebody chose; undefined when nothing is. */
export const wrongSpan = (
  what: string,
  ms: number | undefined,
  min: number,
  max: number,
): string | undefined =>
  ms === undefined || (ms >= min && ms <= max) ? undefined : `${what} must be ${min} to ${max}`;

const endOf = (ttlMs: number): string => new Date(Date.now() + ttlMs).toISOString();

/**
 * Checks a message, and writes it.
 *
 * @param payloadMax What the server takes, in bytes; undefined when that is not known yet.
 * @throws {MessageNotPublished} @throws {MessageTooLarge} Before anything is sent.
 */
export function outgoing(
  topic: Topic,
  message: unknown,
  enclosed: Enclosed,
  sender: string,
  payloadMax: number | undefined,
): Outgoing {
  const refuse = (why: string): MessageNotPublished =>
    new MessageNotPublished(topic.name, 'not-sent', why);
  const { messageId: id = randomUUID(), headers: own = {} } = enclosed;
  const { correlationId = id, traceparent, ttlMs } = enclosed;
  const wrong =
    wrongId('message id', id) ??
    wrongId('correlation id', correlationId) ??
    wrongSpan('ttlMs', ttlMs, TTL_MS_MIN, TTL_MS_MAX) ??
    wrongHeaders({ ...own, ...(traceparent === undefined ? {} : { trace: traceparent }) });
  if (wrong !== undefined) throw refuse(wrong);
  const body = bodyOf(topic, message);
  if (body instanceof Rejection) throw refuse(body.message);
  const headers = {
    ...own,
    [HEADER.duplicateId]: `${sender}/${topic.name}/${id} ${hash('sha256', body, 'base64url')}`,
    [HEADER.messageId]: id,
    [HEADER.correlationId]: correlationId,
    [HEADER.sender]: sender,
    ...(traceparent === undefined ? {} : { [HEADER.traceparent]: traceparent }),
    ...(ttlMs === undefined ? {} : { [HEADER.expiresAt]: endOf(ttlMs) }),
    ...cloudEvent(topic.name, id, sender),
  };
  const bytes = messagingContract.bytesOfMessage(body, headers);
  const bytesMax = messagingContract.bytesOfMessageMax(payloadMax);
  if (bytes > bytesMax) throw new MessageTooLarge(topic.name, bytes, bytesMax);
  return { id, body, headers };
}

/** What a subscriber would refuse is refused here. */
function bodyOf({ schema }: Topic, message: unknown): string | Rejection {
  const checked = validate(schema, message);
  if (checked instanceof Rejection) return checked;
  const value = checked.value ?? null;
  const unfit = checkUntrusted(value);
  return unfit ?? JSON.stringify(value);
}

/** @see CloudEvents 1.0, NATS protocol binding, section 3.1. */
const cloudEvent = (type: string, id: string, source: string) => ({
  'ce-specversion': '1.0',
  'ce-id': id,
  'ce-source': source,
  'ce-type': type,
  'ce-time': new Date().toISOString(),
  'content-type': 'application/json',
});
