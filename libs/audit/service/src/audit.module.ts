import { AuditLog } from '@downbeat/event-store';
import { MessageBus } from '@downbeat/message-bus';
import {
  Clock,
  contextConfig,
  DatabaseWatch,
  HostLifecycle,
  HostSettings,
  loadConfig,
} from '@downbeat/service-host';
import { Logger, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { EventsQueries } from './events/events.queries';
import { HeavyWork } from './heavy-work';
import { ReplayQueries } from './replay/replay.queries';
import { ReadModelVerifier } from './verify/read-model-verifier';
import { VerifyQueries } from './verify/verify.queries';

/** A question to the audit may look through much of the log. */
const STATEMENT_TIMEOUT_MS = 20_000;

/** What happened, how it was then, and whether anything was altered. Reads the whole log and writes nothing. */
@Module({
  controllers: [EventsQueries, ReplayQueries, VerifyQueries],
  providers: [
    HeavyWork,
    ReadModelVerifier,
    {
      provide: AuditLog,
      inject: [HostSettings, HostLifecycle],
      useFactory: ({ config, environment }: HostSettings, lifecycle: HostLifecycle) => {
        const logger = new Logger(AuditLog.name);
        const settings = loadConfig(contextConfig('audit'), environment);
        const log = new AuditLog({
          databaseUrl: settings['DATABASE_URL_AUDIT'] ?? '',
          logName: config.LOG_NAME,
          timeouts: { statementMs: STATEMENT_TIMEOUT_MS },
          report: (fault) => logger.warn({ err: fault }, 'a database connection broke'),
        });
        lifecycle.onClose('audit log', () => log.close());
        return log;
      },
    },
  ],
})
export class AuditModule implements OnApplicationBootstrap {
  private readonly database: DatabaseWatch;

  constructor(
    private readonly log: AuditLog,
    private readonly bus: MessageBus,
    private readonly lifecycle: HostLifecycle,
    clock: Clock,
  ) {
    const ask = async (): Promise<void> => void (await log.headCommit());
    this.database = new DatabaseWatch({ ask }, 'audit', () => clock.now());
    lifecycle.watch({ context: 'audit', status: () => this.status() });
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.database.start();
    this.lifecycle.onStop('audit database', () => this.database.stop());
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
