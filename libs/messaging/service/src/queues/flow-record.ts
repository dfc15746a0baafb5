import { EventStore, execute } from '@downbeat/event-store';
import { Rejection, type Instant } from '@downbeat/eventsourcing';
import { flowStream, messageFlow, type FlowEvent } from '@downbeat/messaging-domain';
import { Injectable } from '@nestjs/common';

/** Appends what was seen of messages; the same batch again is one. */
@Injectable()
export class FlowRecord {
  constructor(private readonly store: EventStore) {}

  async append(event: FlowEvent): Promise<void> {
    const { batch_id, at } = event.data;
    const meta = { correlation_id: batch_id, causation_id: batch_id, actor: 'message-flow' };
    const command = { type: 'RecordFlow', data: { event }, at: at as Instant } as const;
    const stream = flowStream(batch_id);
    const result = await execute(this.store, messageFlow, stream, command, { meta });
    if (result instanceof Rejection) throw new Error(result.message);
  }
}
