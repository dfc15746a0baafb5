import { MessageBus } from '@downbeat/message-bus';
import { Global, Module, type DynamicModule, type Type } from '@nestjs/common';
import type { HostConfig } from './config/host-config';
import { HttpModule } from './http/http.module';
import { Probes } from './http/probes';
import { logging } from './logging';
import { Clock, SystemClock } from './runtime/clock';
import { HostLifecycle } from './runtime/host-lifecycle';

/** The settings every process has; its own injection token. */
export abstract class HostSettings {
  abstract readonly config: HostConfig;
}

export interface HostParts {
  readonly name: string;
  readonly module: Type;
  readonly config: HostConfig;
  readonly bus: MessageBus;
  readonly probes: Probes;
  readonly lifecycle: HostLifecycle;
}

/** What every process of the suite has, around the module it runs. */
@Global()
@Module({})
export class HostModule {
  static of({ name, module, config, bus, probes, lifecycle }: HostParts): DynamicModule {
    return {
      module: HostModule,
      imports: [logging(name, config.LOG_LEVEL), HttpModule.of(name, probes), module],
      providers: [
        { provide: MessageBus, useValue: bus },
        { provide: Clock, useClass: SystemClock },
        { provide: HostLifecycle, useValue: lifecycle },
        { provide: HostSettings, useValue: { config } satisfies HostSettings },
      ],
      exports: [MessageBus, Clock, HostLifecycle, HostSettings],
    };
  }
}
