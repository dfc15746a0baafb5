import { Global, Module, type DynamicModule } from '@nestjs/common';
import { Registry } from 'prom-client';
import { HOST_NAME } from '../host-name';
import { HealthController } from './health.controller';
import { MetricsController } from './metrics.controller';
import { Probes } from './probes';

/** What every process answers over HTTP, whatever else it does. */
@Global()
@Module({})
export class HttpModule {
  static of(name: string, probes: Probes, metrics: Registry): DynamicModule {
    return {
      module: HttpModule,
      controllers: [HealthController, MetricsController],
      providers: [
        { provide: HOST_NAME, useValue: name },
        { provide: Probes, useValue: probes },
        { provide: Registry, useValue: metrics },
      ],
      exports: [HOST_NAME, Probes, Registry],
    };
  }
}
