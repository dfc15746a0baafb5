import { SessionLock } from '@downbeat/publishing';
import {
  ContextModule,
  ContextPool,
  ContextRuntime,
  HostLifecycle,
  SoleReplica,
} from '@downbeat/service-host';
import { Module, type OnApplicationBootstrap } from '@nestjs/common';
import { DiscardDeadLetter, DiscardDeadLetterHandler } from './commands/discard-dead-letter';
import { RedriveDeadLetter, RedriveDeadLetterHandler } from './commands/redrive-dead-letter';
import { DeadLettersQueries } from './dead-letters/dead-letters.queries';
import { Quarantine } from './dead-letters/quarantine';
import { Redriver } from './dead-letters/redriver';
import { Sweep } from './dead-letters/sweep';

/** What was given up on, why, and what an operator does about it. */
@Module({
  imports: [
    ContextModule.of({
      context: 'messaging',
      projections: [],
      commands: [RedriveDeadLetter, DiscardDeadLetter],
    }),
  ],
  controllers: [DeadLettersQueries],
  providers: [RedriveDeadLetterHandler, DiscardDeadLetterHandler, Quarantine, Redriver, Sweep],
})
export class MessagingModule implements OnApplicationBootstrap {
  constructor(
    private readonly runtime: ContextRuntime,
    private readonly pool: ContextPool,
    private readonly sweep: Sweep,
    private readonly lifecycle: HostLifecycle,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.sweep.prepare();
    await this.runtime.start();
    const sweeping = new SoleReplica(new SessionLock(this.pool.pool, 'downbeat dead letters'), {
      begin: () => this.sweep.start(),
      end: () => this.sweep.stop(),
    });
    sweeping.start();
    this.lifecycle.onStop('sweep of dead letters', () => sweeping.stop());
  }
}
