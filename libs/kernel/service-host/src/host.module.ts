import { MessageBus } from '@downbeat/message-bus';
import { Global, Module, type DynamicModule, type Type } from '@nestjs/common';
import { HostSettings } from './config/host-settings';
import { HttpModule } from './http/http.module';
import { DebugLogs } from './debugging/debug-logs';
import { Probes } from './http/probes';
import { logging } from './logging';
import type { HttpLogger } from 'pino-http';
import { HostMetrics } from './metering/host-metrics';
import { Clock, SystemClock } from './runtime/clock';
import { HostLifecycle } from './runtime/host-lifecycle';

export interface HostParts {
  readonly name: string;
  readonly module: Type;
  readonly settings: HostSettings;
  readonly log: HttpLogger;
  readonly metrics: HostMetrics;
  readonly bus: MessageBus;
  readonly probes: Probes;
  readonly lifecycle: HostLifecycle;
  readonly debugLogs: DebugLogs;
}

/** What every process of the suite has, around the module it runs. */
@Global()
@Module({})
export class HostModule {
  static of({
    name,
    module,
    settings,
    log,
    metrics,
    bus,
    probes,
    lifecycle,
    debugLogs,
  }: HostParts): DynamicModule {
    return {
      module: HostModule,
      imports: [logging(log), HttpModule.of(name, probes, metrics.registry), module],
      providers: [
        { provide: MessageBus, useValue: bus },
        { provide: Clock, useClass: SystemClock },
        { provide: HostLifecycle, useValue: lifecycle },
        { provide: HostSettings, useValue: settings },
        { provide: DebugLogs, useValue: debugLogs },
        { provide: HostMetrics, useValue: metrics },
      ],
      exports: [MessageBus, Clock, HostLifecycle, HostSettings, DebugLogs, HostMetrics],
    };
  }
}
