import { AuditLog } from '@downbeat/event-store';
import {
  contextConfig,
  ContextPool,
  HostLifecycle,
  HostSettings,
  loadConfig,
  type ConfiguredModule,
} from '@downbeat/service-host';
import { Logger, Module } from '@nestjs/common';
import { auditConfig } from './audit-config';

/** A question to the audit may look through much of the log. */
const STATEMENT_TIMEOUT_MS = 20_000;

/** The log as the audit role sees it, which is all of it; and a pool for the lock among replicas. */
@Module({})
export class AuditDatabase {
  static readonly configured: ConfiguredModule = {
    module: AuditDatabase,
    settings: contextConfig('audit').extend(auditConfig.shape),
    providers: [
      {
        provide: AuditLog,
        inject: [HostSettings, HostLifecycle],
        useFactory: ({ config, environment }: HostSettings, lifecycle: HostLifecycle) => {
          const logger = new Logger(AuditLog.name);
          const log = new AuditLog({
            databaseUrl: databaseUrlIn(environment),
            logName: config.LOG_NAME,
            timeouts: { statementMs: STATEMENT_TIMEOUT_MS },
            report: (fault) => logger.warn({ err: fault }, 'a database connection broke'),
          });
          lifecycle.onClose('audit log', () => log.close());
          return log;
        },
      },
      {
        provide: ContextPool,
        inject: [HostSettings, HostLifecycle],
        useFactory: ({ environment }: HostSettings, lifecycle: HostLifecycle) => {
          const pool = new ContextPool(databaseUrlIn(environment), 'audit');
          lifecycle.onClose('audit pool', () => pool.close());
          return pool;
        },
      },
    ],
    exports: [AuditLog, ContextPool],
  };
}

const databaseUrlIn = (environment: HostSettings['environment']): string =>
  String(loadConfig(contextConfig('audit'), environment)['DATABASE_URL_AUDIT']);
