import { type MiddlewareConsumer, Module, type NestModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { Documents } from './documents/documents';
import { Front } from './http/front';
import { NotFoundFilter } from './http/not-found-filter';
import { RequestMetrics } from './http/request-metrics';
import { API_PATH } from './http/route-table';
import { Routes } from './http/routes';
import { StartsUnderWay } from './http/starts-under-way';
import { SuiteStatus } from './http/suite-status';
import { EventStream } from './stream/event-stream';
import { LogReader } from './stream/log-reader';
import { StreamSettings } from './stream/stream-settings';
import { ViewSettings } from './views/view-settings';
import { ViewStreams } from './views/view-streams';

/**
 * The edge: HTTP in → command or query on the bus → JSON out. It needs a `MessageBus` from a global
 * module, and an application that `limitHttp` has seen.
 */
@Module({
  providers: [
    Documents,
    EventStream,
    Front,
    LogReader,
    RequestMetrics,
    Routes,
    SuiteStatus,
    ViewStreams,
    { provide: StartsUnderWay, useFactory: () => new StartsUnderWay() },
    { provide: StreamSettings, useFactory: () => new StreamSettings() },
    { provide: ViewSettings, useFactory: () => new ViewSettings() },
    { provide: APP_FILTER, useClass: NotFoundFilter },
  ],
})
export class GatewayModule implements NestModule {
  constructor(routes: Routes, status: SuiteStatus, stream: EventStream, documents: Documents) {
    routes.get('/orchestration/status', status.handler);
    routes.get(`${API_PATH}/status`, status.handler);
    routes.get(`${API_PATH}/stream`, stream.handler);
    for (const [path, handler] of documents.handlers) routes.get(path, handler);
  }

  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(Front).forRoutes('{*path}');
  }
}
