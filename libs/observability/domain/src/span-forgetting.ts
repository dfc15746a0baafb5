import {
  streamName,
  type Command,
  type Decider,
  type Instant,
  type Message,
  type Position,
  type StreamName,
} from '@downbeat/eventsourcing';

/** A batch of which nothing is shown any more. */
export interface ForgottenBatch {
  readonly batch_id: string;
  /** Where it stands in the log. */
  readonly position: Position;
  readonly span_count: number;
  readonly trace_ids: readonly string[];
}

interface Forgetting {
  /** Of the newest batch that is forgotten; those before it are forgotten too. */
  readonly up_to_position: Position;
  readonly batches: readonly ForgottenBatch[];
}

export type ForgetSpans = Command<'ForgetSpans', Forgetting>;

/** The oldest batches left the views of traces: a view that is built again forgets them as well. */
export type SpansForgotten = Message<'SpansForgotten', Forgetting & { readonly at: Instant }>;

/** One stream for each place up to which is forgotten: replicas that find the same forget it once. */
export const spanForgettingStream = (upToPosition: Position): StreamName =>
  streamName('forgotten-spans', `${upToPosition}`);

export const spanForgetting: Decider<boolean, ForgetSpans, SpansForgotten> = {
  initialState: false,
  decide: ({ data, at }, isForgotten) =>
    isForgotten || data.batches.length === 0
      ? []
      : [{ type: 'SpansForgotten', data: { ...data, at } }],
  evolve: () => true,
};
