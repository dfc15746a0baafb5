import { AuditLog } from '@downbeat/event-store';
import { MessageBus } from '@downbeat/message-bus';
import { Clock, DatabaseWatch, HostLifecycle } from '@downbeat/service-host';
import { Module, type OnApplicationBootstrap } from '@nestjs/common';
import { AuditDatabase } from './audit-database';
import { ChainHeads } from './chain-heads/chain-heads';
import { HeadPublisher } from './chain-heads/head-publisher';
import { EventsQueries } from './events/events.queries';
import { HeavyWork } from './heavy-work';
import { ReplayQueries } from './replay/replay.queries';
import { WhatIfQueries } from './replay/what-if.queries';
import { ReadModelVerifier } from './verify/read-model-verifier';
import { VerifyQueries } from './verify/verify.queries';

/**
 * What happened, how it was then, and whether anything was altered. Reads the whole log, writes
 * nothing into it, and publishes its head outside the database.
 */
@Module({
  imports: [AuditDatabase.configured],
  controllers: [EventsQueries, ReplayQueries, WhatIfQueries, VerifyQueries],
  providers: [HeavyWork, ReadModelVerifier, ChainHeads, HeadPublisher],
})
export class AuditModule implements OnApplicationBootstrap {
  private readonly database: DatabaseWatch;

  constructor(
    private readonly log: AuditLog,
    private readonly bus: MessageBus,
    private readonly heads: HeadPublisher,
    private readonly lifecycle: HostLifecycle,
    clock: Clock,
  ) {
    const ask = async (): Promise<void> => void (await log.headCommit());
    this.database = new DatabaseWatch({ ask }, 'audit', () => clock.now());
    lifecycle.watch({ context: 'audit', takesCommands: false, status: () => this.status() });
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.database.start();
    this.lifecycle.onStop('audit database', () => this.database.stop());
    this.heads.start();
    this.lifecycle.onStop('chain heads', () => this.heads.stop());
    this.bus.answer('query.audit.status', async () => ({
      ok: true,
      position: (await this.log.headCommit())?.last ?? 0,
      data: this.status(),
    }));
  }

  /** As other contexts say it: no read models of its own, nothing it reacts to. */
  private status() {
    const database = this.database.isReachable() ? 'reachable' : 'unreachable';
    return { context: 'audit', database, projections: [], reactors: {} };
  }
}
