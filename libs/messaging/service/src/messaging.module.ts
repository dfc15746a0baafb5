import { SessionLock } from '@downbeat/publishing';
import {
  ContextModule,
  ContextPool,
  ContextRuntime,
  HostLifecycle,
  SoleReplica,
} from '@downbeat/service-host';
import { Module, type OnApplicationBootstrap } from '@nestjs/common';
import { ConfirmRedriven, ConfirmRedrivenHandler } from './commands/confirm-redriven';
import { DiscardDeadLetter, DiscardDeadLetterHandler } from './commands/discard-dead-letter';
import { EditDeadLetter, EditDeadLetterHandler } from './commands/edit-dead-letter';
import {
  AbortDeadLetterOperation,
  AbortDeadLetterOperationHandler,
  StartDeadLetterOperation,
  StartDeadLetterOperationHandler,
} from './commands/letter-operation';
import { PurgeDeadLetter, PurgeDeadLetterHandler } from './commands/purge-dead-letter';
import { PublishMessage, PublishMessageHandler } from './commands/publish-message';
import { QuarantineMessage, QuarantineMessageHandler } from './commands/quarantine-message';
import { RedriveDeadLetter, RedriveDeadLetterHandler } from './commands/redrive-dead-letter';
import { SubscribeService, SubscribeServiceHandler } from './commands/subscribe-service';
import { UnsubscribeService, UnsubscribeServiceHandler } from './commands/unsubscribe-service';
import { Chronicle } from './dead-letters/chronicle';
import { DeadLettersQueries } from './dead-letters/dead-letters.queries';
import { KnownConsumers } from './dead-letters/known-consumers';
import { LetterHandling } from './dead-letters/letter-handling';
import { LetterTextsQueries } from './dead-letters/letter-texts.queries';
import { OldLetters } from './dead-letters/old-letters';
import { Quarantine } from './dead-letters/quarantine';
import { Redriver } from './dead-letters/redriver';
import { Sweep } from './dead-letters/sweep';
import { messagingConfig } from './messaging-config';
import { LetterOperationWatch } from './operations/letter-operation-watch';
import { LetterOperationsQueries } from './operations/letter-operations.queries';
import { LetterSelections } from './operations/selection';
import { deadLetters } from './projections/letters/letters.projection';
import { WaitingLetters } from './metering/waiting-letters';
import { subscriptions } from './projections/subscriptions/subscriptions.projection';
import { SubscriptionsQueries } from './projections/subscriptions/subscriptions.queries';
import { QueueWork } from './queues/queue-work';
import { queueCommandClasses, queueProviders } from './queues/queues.parts';
import { QueuesQueries } from './queues/queues.queries';
import { queues } from './queues/view/queues.projection';
import { MessageKeeper } from './services/message-keeper';

/** Messages between services: who has which kept; what was given up on, why, and what an operator does about it. */
@Module({
  imports: [
    ContextModule.of({
      context: 'messaging',
      projections: [subscriptions, deadLetters, queues],
      settings: messagingConfig,
      commands: [
        RedriveDeadLetter,
        DiscardDeadLetter,
        EditDeadLetter,
        PurgeDeadLetter,
        StartDeadLetterOperation,
        AbortDeadLetterOperation,
        SubscribeService,
        UnsubscribeService,
        PublishMessage,
        QuarantineMessage,
        ConfirmRedriven,
        ...queueCommandClasses,
      ],
    }),
  ],
  controllers: [
    DeadLettersQueries,
    LetterTextsQueries,
    LetterOperationsQueries,
    SubscriptionsQueries,
    QueuesQueries,
  ],
  providers: [
    RedriveDeadLetterHandler,
    DiscardDeadLetterHandler,
    EditDeadLetterHandler,
    PurgeDeadLetterHandler,
    StartDeadLetterOperationHandler,
    AbortDeadLetterOperationHandler,
    SubscribeServiceHandler,
    UnsubscribeServiceHandler,
    PublishMessageHandler,
    QuarantineMessageHandler,
    ConfirmRedrivenHandler,
    Quarantine,
    Redriver,
    Chronicle,
    LetterHandling,
    KnownConsumers,
    LetterSelections,
    LetterOperationWatch,
    OldLetters,
    Sweep,
    MessageKeeper,
    ...queueProviders,
    WaitingLetters,
  ],
})
export class MessagingModule implements OnApplicationBootstrap {
  constructor(
    private readonly runtime: ContextRuntime,
    private readonly pool: ContextPool,
    private readonly sweep: Sweep,
    private readonly chronicle: Chronicle,
    private readonly operations: LetterOperationWatch,
    private readonly oldLetters: OldLetters,
    private readonly keeper: MessageKeeper,
    private readonly queueWork: QueueWork,
    private readonly waiting: WaitingLetters,
    private readonly lifecycle: HostLifecycle,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.sweep.prepare();
    await this.queueWork.prepare();
    await this.runtime.start();
    this.waiting.start();
    this.lifecycle.onStop('count of dead letters', () => this.waiting.stop());
    const sweeping = new SoleReplica(new SessionLock(this.pool.pool, 'downbeat dead letters'), {
      begin: () => {
        this.sweep.start();
        this.chronicle.start();
        this.operations.begin();
        this.oldLetters.start();
      },
      end: async () => {
        await Promise.all([
          this.oldLetters.stop(),
          this.operations.end(),
          this.chronicle.stop(),
          this.sweep.stop(),
        ]);
      },
    });
    sweeping.start();
    const keeping = new SoleReplica(new SessionLock(this.pool.pool, 'downbeat service messages'), {
      begin: () => this.keeper.start(),
      end: () => this.keeper.stop(),
    });
    keeping.start();
    const queueing = new SoleReplica(new SessionLock(this.pool.pool, 'downbeat queues'), {
      begin: () => this.queueWork.start(),
      end: () => this.queueWork.stop(),
    });
    queueing.start();
    this.lifecycle.onStop('queues', () => queueing.stop());
    this.lifecycle.onStop("keeper of services' messages", () => keeping.stop());
    this.lifecycle.onStop('sweep of dead letters', () => sweeping.stop());
  }
}
