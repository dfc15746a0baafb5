import { observabilityContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { redactedSpans, spanBatch, spanBatchStream } from '@downbeat/observability-domain';
import { carryOut, commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';

export class RecordSpans extends commandOf(observabilityContract.recordSpans) {}

@CommandHandler(RecordSpans)
export class RecordSpansHandler implements ICommandHandler<RecordSpans> {
  constructor(private readonly store: EventStore) {}

  execute({ data, at, cause }: RecordSpans) {
    const { batch_id } = data;
    // Not by the rule of the batch itself: batches that older releases recorded follow from it too.
    const resources = redactedSpans(data.resources);
    const command = { type: 'RecordSpans', data: { batch_id, resources }, at } as const;
    return carryOut(
      this.store,
      spanBatch,
      spanBatchStream(batch_id),
      command,
      cause,
      ({ spanCount: span_count }) => ({ batch_id, span_count }),
    );
  }
}
