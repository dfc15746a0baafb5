import { AuditLog } from '@downbeat/event-store';
import { SessionLock } from '@downbeat/publishing';
import {
  ContextPool,
  HostSettings,
  loadConfig,
  Periodic,
  SoleReplica,
} from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { auditConfig } from '../audit-config';
import { ChainHeads, type ChainHead } from './chain-heads';

/**
 * Publishes the head of the hash chain outside the database, whenever it has moved and at a bounded
 * rate; one replica does it for all. It keeps nothing: what is held last says what is to be done, so
 * a stream that was lost gets the head again.
 *
 * @see Haber and Stornetta, "How to Time-Stamp a Digital Document" (1991): linking, and publishing widely.
 */
@Injectable()
export class HeadPublisher {
  private readonly logger = new Logger(HeadPublisher.name);
  private readonly turns: SoleReplica;

  constructor(
    private readonly log: AuditLog,
    private readonly heads: ChainHeads,
    pool: ContextPool,
    { config, environment }: HostSettings,
  ) {
    const { AUDIT_HEAD_EVERY_MS: everyMs } = loadConfig(auditConfig, environment);
    const periodic = new Periodic('publishing the head of the chain', everyMs, () => this.look());
    this.turns = new SoleReplica(
      new SessionLock(pool.pool, `downbeat chain heads ${config.LOG_NAME}`),
      { begin: () => periodic.start({ atOnce: true }), end: () => periodic.stop() },
    );
  }

  start(): void {
    this.turns.start();
  }

  async stop(): Promise<void> {
    await this.turns.stop();
  }

  private async look(): Promise<void> {
    // The bus says itself that it is away.
    if (!this.heads.isWithinReach()) return;
    const head = await this.log.headCommit();
    const published = await this.heads.newest();
    if (!head || (published?.commit_no === head.commit_no && published.hash === head.hash)) return;
    if (published) await this.compare(published);
    const chainHead = await this.heads.publish(head);
    // The log of this process is a second witness, wherever it is shipped to.
    this.logger.log({ chain_head: chainHead }, 'head of the hash chain');
  }

  /** The log must still have what it was last seen with. */
  private async compare(published: ChainHead): Promise<void> {
    const [stored] = await this.log.commitsNumbered([published.commit_no]);
    if (stored?.hash === published.hash) return;
    this.logger.error(
      { published, stored: stored ?? null },
      'the log is not what was published: it was rewritten, cut off, or replaced by another',
    );
  }
}
