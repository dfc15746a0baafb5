import { EventStore, execute } from '@downbeat/event-store';
import { Rejection, type Instant, type Position } from '@downbeat/eventsourcing';
import { flowStream, messageFlow, type FlowEvent } from '@downbeat/messaging-domain';
import { ReadModels } from '@downbeat/projections';
import { Injectable } from '@nestjs/common';
import { queues } from './view/queues.projection';

/** So many batches the view may be behind: it folds what it finds at once, and each is hundreds of rows. */
const AHEAD_MAX = 4;

/** Appends what was seen of messages; the same batch again is one. */
@Injectable()
export class FlowRecord {
  private readonly ahead: Position[] = [];

  constructor(
    private readonly store: EventStore,
    private readonly readModels: ReadModels,
  ) {}

  /**
   * The same, no faster than the view can follow: what comes faster waits on its stream.
   *
   * @throws {ReadModelBehind} It is appended; the view was not there in time. The same again is safe.
   */
  async appendInStep(event: FlowEvent): Promise<void> {
    this.ahead.push(await this.append(event));
    while (this.ahead.length > AHEAD_MAX) {
      const [min_position = 0] = this.ahead;
      await this.readModels.ask(queues, { min_position }, () => Promise.resolve());
      this.ahead.shift();
    }
  }

  /** @returns Where it is. */
  async append(event: FlowEvent): Promise<Position> {
    const { batch_id, at } = event.data;
    const meta = { correlation_id: batch_id, causation_id: batch_id, actor: 'message-flow' };
    const command = { type: 'RecordFlow', data: { event }, at: at as Instant } as const;
    const stream = flowStream(batch_id);
    const result = await execute(this.store, messageFlow, stream, command, { meta });
    if (result instanceof Rejection) throw new Error(result.message);
    return result.position;
  }
}
