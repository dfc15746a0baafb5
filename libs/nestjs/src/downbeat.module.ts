import { DownbeatService, type ServiceOptions } from '@downbeat/sdk';
import {
  Module,
  type DynamicModule,
  type FactoryProvider,
  type ModuleMetadata,
} from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { Handlers } from './handlers';

/** Options that are known once other providers are there. */
export interface DownbeatAsyncOptions {
  readonly imports?: ModuleMetadata['imports'];
  readonly inject?: FactoryProvider['inject'];
  readonly useFactory: (...injected: never[]) => Promise<ServiceOptions> | ServiceOptions;
}

/**
 * Makes the application a service of the suite: {@link DownbeatService} can be injected everywhere;
 * it starts when the application has, and stops before it does. For signals to stop it, the application
 * calls `enableShutdownHooks()`.
 */
@Module({})
export class DownbeatModule {
  static forRoot(options: ServiceOptions): DynamicModule {
    return DownbeatModule.forRootAsync({ useFactory: () => options });
  }

  static forRootAsync({
    imports = [],
    inject = [],
    useFactory,
  }: DownbeatAsyncOptions): DynamicModule {
    const service: FactoryProvider<DownbeatService> = {
      provide: DownbeatService,
      inject,
      useFactory: async (...injected: unknown[]) =>
        new DownbeatService(await useFactory(...(injected as never[]))),
    };
    return {
      module: DownbeatModule,
      global: true,
      imports: [DiscoveryModule, ...imports],
      providers: [service, Handlers],
      exports: [DownbeatService],
    };
  }
}
