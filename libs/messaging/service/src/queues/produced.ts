import { messagingContract } from '@downbeat/contracts';
import { withoutValues } from '@downbeat/dead-letters';
import type { Instant } from '@downbeat/eventsourcing';
import {
  HEADER,
  oneLine,
  REDRIVEN_LEAD,
  traceIdOf,
  type FlowedMessage,
  type MessageHeaders,
  type ServiceMessage,
} from '@downbeat/message-bus';
import { messageKey, type ProducedMessage } from '@downbeat/messaging-domain';

const ID_LENGTH_MAX = 200;
const TYPE_LENGTH_MAX = 200;
const HEADERS_MAX = 16;
const VALUE_LENGTH_MAX = 256;
const UNKNOWN = 'unknown';
const TRACE = /^00-[0-9a-f]{32}-[0-9a-f]{16}-/;
const NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const SERVICE_LENGTH_MAX = 63;

/** The suite's and the server's own, which are shown by fields of their own. */
const OWN_HEADER = /^(nats-|downbeat-|ce-|content-type$|traceparent$|tracestate$)/i;
const SECRET = /(authorization|cookie|password|passwd|token|secret|api[-_]?key|credential)/i;
const REDACTED = '[redacted]';
/** Of the copy that a dead-letter queue gets: why the message was given up on, exactly. */
export const DEAD_LETTER_REASON = 'Dead-Letter-Reason';

type Stored = Pick<FlowedMessage, 'subject' | 'sequence' | 'headers'>;

/** Which message it is, whoever reads it; a copy that was sent again is the same. */
export interface MessageIdentity {
  readonly key: string;
  readonly queue: string;
  readonly producer: string;
  readonly messageId: string;
  readonly isRedriven: boolean;
}

export function identityOf(
  { subject, sequence, headers }: Stored,
  streamCreated: string,
): MessageIdentity {
  const queue = subject.slice(subject.lastIndexOf('.') + 1);
  const producer = producerOf(headers);
  const messageId =
    storable(headers[HEADER.originalId]) ||
    storable(headers[HEADER.messageId]) ||
    `${streamCreated}:${sequence}`;
  const isRedriven = subject.startsWith(REDRIVEN_LEAD);
  return { key: messageKey(queue, producer, messageId), queue, producer, messageId, isRedriven };
}

/** The key that a message of the suite's own gets when it is seen on its stream. */
export function keyOf({ subject, messageId, headers }: ServiceMessage): string {
  const onStream = { ...headers, [HEADER.messageId]: messageId };
  return identityOf({ subject, sequence: 0, headers: onStream }, '').key;
}

/** What is kept of a message. Undefined: it stands where no message between services does. */
export function producedMessage(
  message: FlowedMessage,
  identity: MessageIdentity,
): ProducedMessage | undefined {
  const { headers, subject, bytes, sequence, publishedAt } = message;
  const [, priority = '', ...rest] = subject.split('.');
  const isKnown = (messagingContract.MESSAGE_PRIORITIES as readonly string[]).includes(priority);
  if (!isKnown || rest.length !== 1) return undefined;
  if (!messagingContract.topicName.safeParse(identity.queue).success) return undefined;
  const correlation_id = storable(headers[HEADER.correlationId]);
  const traceparent = headers[HEADER.traceparent];
  const trace_id = TRACE.test(traceparent ?? '') ? traceIdOf(traceparent ?? '') : undefined;
  const expires_at = instantIn(headers[HEADER.expiresAt]);
  const own = ownHeaders(headers);
  return {
    key: identity.key,
    queue_name: identity.queue,
    producer: identity.producer,
    message_id: identity.messageId,
    priority,
    type: storable(headers['ce-type'], TYPE_LENGTH_MAX) || identity.queue,
    bytes,
    sequence,
    published_at: publishedAt.toISOString() as Instant,
    ...(correlation_id !== '' && { correlation_id }),
    ...(trace_id !== undefined && { trace_id }),
    ...(expires_at !== undefined && { expires_at }),
    ...(Object.keys(own).length > 0 && { headers: own }),
  };
}

/** Who sent it, as it says itself. */
function producerOf(headers: MessageHeaders): string {
  const said = headers[HEADER.actor] ?? '';
  return NAME.test(said) && said.length <= SERVICE_LENGTH_MAX ? said : UNKNOWN;
}

/** Those that the sender set. What may be a secret, or a value of a dead letter, is left out: the log forgets nothing. */
function ownHeaders(headers: MessageHeaders): Readonly<Record<string, string>> {
  const own = Object.entries(headers).filter(([name]) => !OWN_HEADER.test(name));
  return Object.fromEntries(
    own
      .slice(0, HEADERS_MAX)
      .map(([name, value]) => [
        storable(name, 128),
        SECRET.test(name) ? REDACTED : storable(tellable(name, value), VALUE_LENGTH_MAX),
      ]),
  );
}

const tellable = (name: string, value: string | undefined): string | undefined =>
  name.toLowerCase() === DEAD_LETTER_REASON.toLowerCase() ? withoutValues(value ?? '') : value;

/** Postgres refuses some characters that a sender may send. */
const storable = (text = '', lengthMax = ID_LENGTH_MAX): string =>
  oneLine(text.replace(/\p{Surrogate}/gu, ''), lengthMax);

function instantIn(text: string | undefined): Instant | undefined {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? undefined : (new Date(ms).toISOString() as Instant);
}
