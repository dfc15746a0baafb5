import { EventStore } from '@downbeat/event-store';
import type { Position } from '@downbeat/eventsourcing';
import { MessageBus, type MessageProgress } from '@downbeat/message-bus';
import { ReadModelBehind, ReadModels } from '@downbeat/projections';
import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { outgoingMessage, type MessageToSend } from './outgoing-message';
import { keyOf } from './produced';
import { queues } from './view/queues.projection';

const DOUBTS_MAX = 1_000;
/** Others are held up for as long. */
const VIEW_WAIT_MS = 100;

type Mark = Pick<MessageProgress, 'streamCreated' | 'lastSequence'>;

/** Whether a delayed message is on its stream already: the view says it once it knows all that was there. */
@Injectable()
export class SentBefore {
  private readonly logger = new Logger(SentBefore.name);
  /** Up to where the stream was when the doubt began; what comes meanwhile needs no waiting for. */
  private readonly marks = new LRUCache<string, Mark>({ max: DOUBTS_MAX });
  /** Up to where the view must be for that; what is appended meanwhile needs no waiting for either. */
  private readonly positions = new LRUCache<string, Position>({ max: DOUBTS_MAX });
  private progress: Promise<MessageProgress | undefined> | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly bus: MessageBus,
    private readonly readModels: ReadModels,
  ) {}

  /** What another process did meanwhile is not known here. */
  begin(): void {
    this.marks.clear();
    this.positions.clear();
  }

  /** From now on the server is asked anew, once for all. */
  newRound(): void {
    this.progress = undefined;
  }

  /** @returns Undefined: that is not known yet. */
  async ask(delayedId: string, message: MessageToSend): Promise<boolean | undefined> {
    const min_position = this.positions.get(delayedId) ?? (await this.followedTo(delayedId));
    if (min_position === undefined) return undefined;
    const key = keyOf(outgoingMessage(message, 0));
    const isThere = await this.isInView(key, min_position);
    if (isThere === undefined) {
      this.positions.set(delayedId, min_position);
      return undefined;
    }
    // Who tries and fails after this is in doubt anew.
    this.marks.delete(delayedId);
    this.positions.delete(delayedId);
    return isThere;
  }

  /** @returns Undefined: the view is not there yet, or is being built. */
  private async isInView(key: string, min_position: Position): Promise<boolean | undefined> {
    try {
      const as = { min_position, waitMs: VIEW_WAIT_MS };
      const { data } = await this.readModels.ask(queues, as, (manager) =>
        manager.query<object[]>('select from queue_message where key = $1', [key]),
      );
      return data.length > 0;
    } catch (fault) {
      if (fault instanceof ReadModelBehind) return undefined;
      throw fault;
    }
  }

  /** @returns Before where the log says all that was on the stream; undefined: it does not yet. */
  private async followedTo(delayedId: string): Promise<Position | undefined> {
    return (await this.isFollowed(delayedId)) ? this.store.head() : undefined;
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
