import { PostgresDeadLetters } from '@downbeat/dead-letters';
import { EventStore, Leases, PostgresLeases } from '@downbeat/event-store';
import type { Message } from '@downbeat/eventsourcing';
import { DeadLetters, MessageBus } from '@downbeat/message-bus';
import { ProjectionRunner, ReadModels, startProjections } from '@downbeat/projections';
import { Logger, Module } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { CommandBus, CqrsModule } from '@nestjs/cqrs';
import { contextConfig } from '../config/host-config';
import { HostSettings } from '../config/host-settings';
import { InvalidConfig, loadConfig } from '../config/load-config';
import type { ConfiguredModule } from '../config/settings-of';
import { DebugLogs } from '../debugging/debug-logs';
import { HostMetrics } from '../metering/host-metrics';
import { Clock } from './clock';
import type { ContextDefinition } from './context-definition';
import { ContextPool } from './context-pool';
import { ContextRuntime } from './context-runtime';
import { HostLifecycle } from './host-lifecycle';
import { logHints } from './log-hints';
import { TracedEventStore } from './traced-event-store';
import { tellApplied } from './traced-steps';

/**
 * The store, the read models and the runtime of one context, as providers of the module that
 * imports it. Two contexts in one process have two of everything, and none sees the other's.
 */
@Module({})
export class ContextModule {
  static of<Event extends Message>(definition: ContextDefinition<Event>): ConfiguredModule {
    const { context, projections } = definition;
    const log = new Logger(`${context} store`);
    const report = (fault: Error): void => log.warn({ err: fault }, 'a database connection broke');
    const databaseOf = ({ config, environment }: HostSettings) => {
      const key = `DATABASE_URL_${context.toUpperCase()}`;
      const databaseUrl = loadConfig(contextConfig(context), environment)[key];
      if (databaseUrl === undefined) throw new InvalidConfig([{ key, message: 'is missing' }]);
      return { databaseUrl, logName: config.LOG_NAME, context, report };
    };

    return {
      module: ContextModule,
      settings: contextConfig(context).extend(definition.settings?.shape ?? {}),
      imports: [CqrsModule],
      providers: [
        {
          provide: ContextPool,
          inject: [HostSettings, HostLifecycle],
          useFactory: (settings: HostSettings, lifecycle: HostLifecycle) => {
            const pool = new ContextPool(databaseOf(settings).databaseUrl, context);
            lifecycle.onClose(`${context} pool`, () => pool.close());
            return pool;
          },
        },
        {
          provide: EventStore,
          inject: [HostSettings, MessageBus, HostLifecycle, DebugLogs, HostMetrics],
          useFactory: (
            settings: HostSettings,
            bus: MessageBus,
            lifecycle: HostLifecycle,
            debugLogs: DebugLogs,
            metrics: HostMetrics,
          ) => {
            const hints = logHints(bus, settings.config.LOG_NAME);
            const tell = debugLogs.of(`downbeat:${context}:events`);
            const options = { ...databaseOf(settings), hints };
            const store = new TracedEventStore(options, metrics.log, tell);
            lifecycle.onClose(`${context} store`, () => store.close());
            return store;
          },
        },
        {
          provide: Leases,
          inject: [HostSettings, HostLifecycle],
          useFactory: (settings: HostSettings, lifecycle: HostLifecycle) => {
            const leases = new PostgresLeases(databaseOf(settings));
            lifecycle.onClose(`${context} leases`, () => leases.close());
            return leases;
          },
        },
        {
          provide: ProjectionRunner,
          inject: [HostSettings, EventStore, HostLifecycle, DebugLogs],
          useFactory: async (
            settings: HostSettings,
            store: EventStore,
            lifecycle: HostLifecycle,
            debugLogs: DebugLogs,
          ) => {
            const debug = debugLogs.of(`downbeat:${context}:read-models`);
            const runner = await startProjections({
              url: databaseOf(settings).databaseUrl,
              schema: context,
              applicationName: `downbeat-${context}-read-models`,
              store,
              projections,
              pace: { pastKeptMs: settings.config.READ_MODELS_PAST_HOURS * 3_600_000 },
              onApplied: tellApplied,
              log: {
                info: (facts, message) => log.log(facts, message),
                warn: (facts, message) => log.warn(facts, message),
                error: (facts, message) => log.error(facts, message),
                ...(debug && { debug }),
              },
            });
            lifecycle.onStop(`${context} projections`, () => runner.stop());
            return runner;
          },
        },
        {
          provide: ReadModels,
          inject: [ProjectionRunner],
          useFactory: (runner: ProjectionRunner) => runner.readModels,
        },
        {
          provide: DeadLetters,
          inject: [HostSettings, ContextPool, HostMetrics],
          useFactory: ({ config }: HostSettings, pool: ContextPool, metrics: HostMetrics) =>
            metrics.deadLetters.counted(
              context,
              new PostgresDeadLetters(pool.pool, config.LOG_NAME),
            ),
        },
        {
          provide: ContextRuntime,
          inject: [
            MessageBus,
            EventStore,
            ContextPool,
            ProjectionRunner,
            DeadLetters,
            CommandBus,
            Clock,
            HostLifecycle,
            HostSettings,
            ModulesContainer,
            DebugLogs,
            HostMetrics,
          ],
          useFactory: (
            bus: MessageBus,
            store: EventStore,
            pool: ContextPool,
            runner: ProjectionRunner,
            deadLetters: DeadLetters,
            commands: CommandBus,
            clock: Clock,
            lifecycle: HostLifecycle,
            { config }: HostSettings,
            modules: ModulesContainer,
            debugLogs: DebugLogs,
            metrics: HostMetrics,
          ) => {
            const { LOG_NAME: logName, COMMAND_ANSWERS_KEPT_DAYS: answersKeptDays } = config;
            const parts = {
              bus,
              store,
              pool,
              runner,
              deadLetters,
              commands,
              clock,
              logName,
              answersKeptDays,
              modules,
              debugLogs,
              metrics,
            };
            const runtime = new ContextRuntime(definition, parts);
            lifecycle.onStop(`${context} runtime`, () => runtime.stop());
            lifecycle.watch(runtime);
            return runtime;
          },
        },
      ],
      exports: [
        CqrsModule,
        ContextPool,
        DeadLetters,
        EventStore,
        Leases,
        ReadModels,
        ProjectionRunner,
        ContextRuntime,
      ],
    };
  }
}
