import {
  streamName,
  type Command,
  type Decider,
  type Instant,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';

/** One event holds no more. */
export const FLOW_ITEMS_MAX = 500;

/** Names a message wherever it stands: its queue, its sender, and the id that the sender gave it. */
export const messageKey = (queue: string, producer: string, messageId: string): string =>
  `${queue}/${producer}/${messageId}`;

/** What is known of a message without what stands in it. */
export interface ProducedMessage {
  readonly key: string;
  readonly queue_name: string;
  readonly producer: string;
  readonly message_id: string;
  readonly priority: string;
  readonly type: string;
  readonly bytes: number;
  /** On its stream. */
  readonly sequence: number;
  readonly published_at: Instant;
  readonly correlation_id?: string;
  readonly trace_id?: string;
  readonly expires_at?: Instant;
  readonly headers?: Readonly<Record<string, string>>;
}

export type SettledOutcome = 'consumed' | 'dead_letter' | 'failed';

/** What became of a message at one of its consumers. */
export interface SettledMessage {
  readonly key: string;
  readonly queue_name: string;
  /** `*`: one of those that share the queue; the server does not say which. */
  readonly service_name: string;
  /** Which of them, where it said so itself. */
  readonly by?: string;
  readonly sequence: number;
  readonly outcome: SettledOutcome;
  readonly deliveries: number;
  readonly at: Instant;
  /** From its last delivery on; absent where it is not known. */
  readonly processing_ms?: number;
  /** It was a dead letter that was sent again. */
  readonly is_redriven?: boolean;
  readonly error?: string;
  readonly dead_letter_id?: string;
}

export interface ExpiredMessage extends Pick<ProducedMessage, 'key' | 'sequence'> {
  /** Everyone who was to have it has had it in time. */
  readonly is_settled: boolean;
}

/** Stands for whichever service handles what is shared. */
export const SHARED = '*';

interface Batch {
  readonly batch_id: string;
  /** Which life of the stream the sequences are of. */
  readonly stream_created: string;
  readonly at: Instant;
}

export type MessagesProduced = Message<
  'MessagesProduced',
  Batch & { readonly messages: readonly ProducedMessage[] }
>;
export type MessagesSettled = Message<
  'MessagesSettled',
  Batch & { readonly messages: readonly SettledMessage[] }
>;
/** Their time was over: whoever has not been given them yet never is. */
export type MessagesExpired = Message<
  'MessagesExpired',
  Batch & { readonly messages: readonly ExpiredMessage[] }
>;
export interface ForgottenMessage {
  readonly key: string;
  readonly services: readonly string[];
  /** The message itself was forgotten before: one that came under its key since then stays. */
  readonly is_only_receipts?: boolean;
}

/** Older than their queue keeps them: the views forget them. */
export type MessagesForgotten = Message<
  'MessagesForgotten',
  Batch & {
    readonly messages: readonly ForgottenMessage[];
  }
>;
export type FlowEvent = MessagesProduced | MessagesSettled | MessagesExpired | MessagesForgotten;

export type RecordFlow = Command<'RecordFlow', { readonly event: FlowEvent }>;

export interface FlowRecorded {
  readonly isRecorded: boolean;
}

export const flowStream = (batchId: string): StreamName => streamName('message-flow', batchId);

/** A batch of what was seen: kept once, however often it is handed over. What it says may be said by another one too. */
export const messageFlow: Decider<FlowRecorded, RecordFlow, FlowEvent> = {
  initialState: { isRecorded: false },
  decide: ({ data: { event } }, { isRecorded }) => (isRecorded ? [] : [event]),
  evolve: () => ({ isRecorded: true }),
};
