import { MessageBus, reasonOf, type Following } from '@downbeat/message-bus';
import { Injectable, Logger } from '@nestjs/common';
import { Periodic } from '@downbeat/service-host';
import { DelayedMessages } from './delayed-messages';
import { EndedMessages } from './ended-messages';
import { FlowRecorder } from './flow-recorder';
import { Reconciler } from './reconciler';

const TRY_EVERY_MS = 2_000;

/** All that one replica does about queues for all: it watches, sends what is due, and ends what is over. */
@Injectable()
export class QueueWork {
  private readonly logger = new Logger(QueueWork.name);
  private following: Following | undefined;
  private readonly followingBegin = new Periodic('following messages', TRY_EVERY_MS, () =>
    this.follow(),
  );

  constructor(
    private readonly bus: MessageBus,
    private readonly recorder: FlowRecorder,
    private readonly reconciler: Reconciler,
    private readonly ended: EndedMessages,
    private readonly delayed: DelayedMessages,
  ) {}

  async prepare(): Promise<void> {
    await this.delayed.prepare();
  }

  start(): void {
    this.followingBegin.start({ atOnce: true });
    this.reconciler.start();
    this.ended.start();
    this.delayed.start();
  }

  async stop(): Promise<void> {
    await this.followingBegin.stop();
    const { following } = this;
    this.following = undefined;
    await Promise.all([
      following?.stop(),
      this.reconciler.stop(),
      this.ended.stop(),
      this.delayed.stop(),
    ]);
  }

  /** Goes on by itself once it has begun. */
  private async follow(): Promise<void> {
    if (this.following) return;
    try {
      this.following = await this.bus.followMessages({
        onMessages: (batch) => this.recorder.messages(batch),
        onSettlements: (batch) => this.recorder.settlements(batch),
      });
    } catch (fault) {
      this.logger.warn({ reason: reasonOf(fault) }, 'messages are not followed yet');
    }
  }
}
