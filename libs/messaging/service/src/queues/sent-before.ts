import { EventStore } from '@downbeat/event-store';
import { MessageBus, type MessageProgress } from '@downbeat/message-bus';
import { ReadModels } from '@downbeat/projections';
import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { outgoingMessage, type MessageToSend } from './outgoing-message';
import { keyOf } from './produced';
import { queues } from './view/queues.projection';

const DOUBTS_MAX = 1_000;

type Mark = Pick<MessageProgress, 'streamCreated' | 'lastSequence'>;

/** Whether a delayed message is on its stream already: the view says it once it knows all that was there. */
@Injectable()
export class SentBefore {
  private readonly logger = new Logger(SentBefore.name);
  /** Up to where the stream was when the doubt began; what comes meanwhile needs no waiting for. */
  private readonly marks = new LRUCache<string, Mark>({ max: DOUBTS_MAX });
  private progress: Promise<MessageProgress | undefined> | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly bus: MessageBus,
    private readonly readModels: ReadModels,
  ) {}

  /** From now on the server is asked anew, once for all. */
  newRound(): void {
    this.progress = undefined;
  }

  /** @returns Undefined: that is not known yet. */
  async ask(delayedId: string, message: MessageToSend): Promise<boolean | undefined> {
    if (!(await this.isFollowed(delayedId))) return undefined;
    // Who tries and fails after this is in doubt anew.
    this.marks.delete(delayedId);
    const key = keyOf(outgoingMessage(message, 0));
    const min_position = await this.store.head();
    const { data } = await this.readModels.ask(queues, { min_position }, (manager) =>
      manager.query<object[]>('select from queue_message where key = $1', [key]),
    );
    return data.length > 0;
  }

  private async isFollowed(delayedId: string): Promise<boolean> {
    const progress = await (this.progress ??= this.bus.serviceMessages.progress());
    if (!progress) return true;
    const { streamCreated, lastSequence, followedThrough } = progress;
    const earlier = this.marks.get(delayedId);
    const isOfThis = earlier?.streamCreated === streamCreated;
    if (followedThrough >= (isOfThis ? earlier.lastSequence : lastSequence)) return true;
    if (isOfThis) return false;
    this.marks.set(delayedId, { streamCreated, lastSequence });
    this.logger.warn({ delayed_id: delayedId }, 'whether it was sent will be known later');
    return false;
  }
}
