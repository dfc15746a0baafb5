import { DiscardPolicy, nanos, RetentionPolicy } from 'nats';
import type { BusMetrics } from '../bus-metrics';
import { jsonOf } from '../handling/arrival';
import type { FlowedMessage, FlowedSettlement, FlowListener, Following } from '../message-flow';
import { MESSAGE_STREAM } from '../service-messages';
import type { Subjects } from '../subjects';
import type { Connection } from './connection';
import { FlowConsumer, type FlowArrival } from './flow-consumer';
import type { NatsSettings } from './nats-message-bus-options';
import type { StreamSpec } from './stream-spec';
import type { Streams } from './streams';

/** What the server says about acknowledgements is kept on a stream of its own until the suite has read it. */
const SETTLED_STREAM = 'message-settled';
const SETTLED_BYTES_MAX = 2 ** 28;
const SETTLED_AGE_MAX_MS = 24 * 3_600_000;
export const FLOW_DURABLE = 'suite_flow';
const SIZE_HEADER = 'Nats-Msg-Size';
const NANOS_PER_MS = 1_000_000;

export interface FlowParts {
  readonly settings: NatsSettings;
  readonly connection: Connection;
  readonly subjects: Subjects;
  readonly streams: Streams;
  readonly metrics: BusMetrics;
  /** The stream of messages. */
  readonly messages: StreamSpec;
}

/** Follows all that is sent between services, and all that becomes of it: also what others' clients do. */
export async function followMessages(
  parts: FlowParts,
  { onMessages, onSettlements }: FlowListener,
): Promise<Following> {
  const { subjects, streams, messages } = parts;
  const sent = consumerOf(parts, {
    stream: messages,
    filter: subjects.physical('message.>'),
    headersOnly: true,
    handle: (arrivals, streamCreated) =>
      onMessages({ streamCreated, items: arrivals.map((one) => messageOf(one, subjects)) }),
  });
  const settledStream = settledSpec(subjects);
  const settled = consumerOf(parts, {
    stream: settledStream,
    filter: '$JS.EVENT.>',
    handle: async (arrivals) => {
      const found = await streams.find(messages.name);
      if (!found) return;
      const streamCreated = String(found.created);
      // What was said of the one before is about other messages.
      const items = arrivals
        .flatMap((arrival) => settlementOf(arrival, subjects))
        .filter(({ at }) => at >= new Date(streamCreated));
      if (items.length > 0) await onSettlements({ streamCreated, items });
    },
  });
  await Promise.all([sent.start(), settled.start()]);
  return {
    stop: async () => {
      await Promise.all([sent.stop(), settled.stop()]);
    },
  };
}

/** Captured by the server itself, so that a consumer that knows nothing of the suite is seen too. */
function settledSpec(subjects: Subjects): StreamSpec {
  const of = subjects.nameOf(MESSAGE_STREAM);
  return {
    name: subjects.nameOf(SETTLED_STREAM),
    subjects: [
      `$JS.EVENT.METRIC.CONSUMER.ACK.${of}.>`,
      `$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${of}.>`,
    ],
    retention: RetentionPolicy.Limits,
    max_bytes: SETTLED_BYTES_MAX,
    max_age: nanos(SETTLED_AGE_MAX_MS),
    discard: DiscardPolicy.Old,
    // Nobody publishes there who would wait for an acknowledgement.
    no_ack: true,
  };
}

interface Followed {
  readonly stream: StreamSpec;
  readonly filter: string;
  readonly headersOnly?: boolean;
  readonly handle: (arrivals: readonly FlowArrival[], streamCreated: string) => Promise<void>;
}

function consumerOf(parts: FlowParts, { stream, filter, headersOnly, handle }: Followed) {
  const { settings, connection, subjects, streams, metrics } = parts;
  const { backOff, heartbeatMs, checkMs, ackWaitMs, log } = settings;
  const consumer = {
    durable: subjects.nameOf(FLOW_DURABLE),
    filter,
    ackWaitMs,
    ...(headersOnly === true && { headersOnly }),
  };
  return new FlowConsumer({
    ...{ connection, streams, stream, consumer, handle },
    ...{ backOff, heartbeatMs, checkMs, metrics, log },
  });
}

const messageOf = (arrival: FlowArrival, subjects: Subjects): FlowedMessage => {
  const { [SIZE_HEADER]: size = '0', ...headers } = arrival.headers;
  return {
    subject: subjects.logical(arrival.subject),
    sequence: arrival.sequence,
    headers,
    bytes: Number(size) || arrival.body.length,
    publishedAt: arrival.storedAt,
  };
};

interface Said {
  readonly consumer?: unknown;
  readonly stream_seq?: unknown;
  readonly deliveries?: unknown;
  readonly ack_time?: unknown;
  readonly timestamp?: unknown;
}

/** Anybody with the right to the subject may have written there: what makes no sense says nothing. */
function settlementOf(
  { subject, body }: FlowArrival,
  subjects: Subjects,
): readonly FlowedSettlement[] {
  const said = saidIn(body);
  const { consumer, stream_seq: sequence, deliveries, ack_time = 0, timestamp } = said;
  const at = new Date(String(timestamp));
  const isWhole =
    typeof consumer === 'string' &&
    Number.isSafeInteger(sequence) &&
    Number.isSafeInteger(deliveries) &&
    Number.isSafeInteger(ack_time) &&
    !Number.isNaN(at.getTime());
  if (!isWhole) return [];
  const isAck = subject.startsWith('$JS.EVENT.METRIC.');
  return [
    {
      settled: isAck ? 'acknowledged' : 'exhausted',
      consumer: consumer.slice(subjects.nameOf('x').length - 1),
      sequence: Number(sequence),
      deliveries: Number(deliveries),
      handledMs: Number(ack_time) / NANOS_PER_MS,
      at,
    },
  ];
}

function saidIn(body: Uint8Array): Said {
  try {
    return (jsonOf(body) ?? {}) as Said;
  } catch (fault) {
    if (!(fault instanceof SyntaxError)) throw fault;
    return {};
  }
}
