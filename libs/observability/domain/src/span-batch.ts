import type { DataOf, observabilityContract } from '@downbeat/contracts';
import {
  epochMs,
  Rejection,
  streamName,
  type Command,
  type Decider,
  type Instant,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';
import { clockFault } from './clock-fault';
import type { SpansOfResource } from './span';

export type RecordSpans = Command<'RecordSpans', DataOf<typeof observabilityContract.recordSpans>>;

/** What an exporter handed over at once. */
export type SpansRecorded = Message<
  'SpansRecorded',
  {
    readonly batch_id: string;
    readonly resources: readonly SpansOfResource[];
    readonly at: Instant;
  }
>;

export interface SpanBatch {
  readonly spanCount: number;
}

export const spanBatchStream = (batchId: string): StreamName => streamName('spans', batchId);

/** A batch of spans: kept once, however often it is handed over. */
export const spanBatch: Decider<SpanBatch, RecordSpans, SpansRecorded> = {
  initialState: { spanCount: 0 },

  decide({ data: { batch_id, resources }, at }, { spanCount }) {
    if (spanCount > 0) return [];
    const atUs = epochMs(at) * 1_000;
    for (const [r, { spans }] of resources.entries())
      for (const [s, span] of spans.entries()) {
        const fault = clockFault(span, atUs);
        if (fault) return misdated(`resources.${r}.spans.${s}.${fault.field}`, fault.message);
      }
    return [{ type: 'SpansRecorded', data: { batch_id, resources, at } }];
  },

  evolve: (_, { data: { resources } }) => ({
    spanCount: resources.reduce((sum, { spans }) => sum + spans.length, 0),
  }),
};

const misdated = (field: string, message: string): Rejection =>
  new Rejection('span-misdated', `${field} ${message}`, 'invalid', [{ field, message }]);
