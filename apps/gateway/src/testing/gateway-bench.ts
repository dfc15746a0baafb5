import type { AddressInfo } from 'node:net';
import type { DynamicModule, INestApplication, LoggerService } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { Registry } from 'prom-client';
import { MessageBus } from '@downbeat/message-bus';
import { HostSettings, HttpModule, Probes } from '@downbeat/service-host';
import { GatewayModule } from '../gateway.module';
import { limitHttp } from '../http/limits';
import { StartsUnderWay } from '../http/starts-under-way';
import { StreamSettings } from '../stream/stream-settings';
import { ViewSettings } from '../views/view-settings';
import { FakeBus } from './fake-bus';
import { hostSettings } from './host-settings';

/** What the process around the gateway provides. */
const hostModule = (bus: unknown): DynamicModule => ({
  module: class HostModule {},
  global: true,
  imports: [HttpModule.of('gateway', new Probes(), new Registry())],
  providers: [
    { provide: MessageBus, useValue: bus },
    { provide: HostSettings, useValue: hostSettings },
  ],
  exports: [MessageBus, HostSettings],
});

/** Everything the process would have logged. */
class Log implements LoggerService {
  readonly lines: string[] = [];
  readonly log = (): void => undefined;
  readonly warn = (...parts: unknown[]): void => this.keep(parts);
  readonly error = (...parts: unknown[]): void => this.keep(parts);

  private keep(parts: readonly unknown[]): void {
    this.lines.push(
      parts.map((part) => (typeof part === 'string' ? part : written(part))).join(' '),
    );
  }
}

/** Only under `err` does the process' log write an error out. */
const written = (part: unknown): string =>
  JSON.stringify(part, (name, value: unknown) =>
    name === 'err' && value instanceof Error ? value.stack : value,
  );

/** The gateway on a port of its own, over a bus that a test holds in its hand. */
export class GatewayBench<Bus = FakeBus> {
  private constructor(
    private readonly app: INestApplication,
    readonly bus: Bus,
    private readonly log: Log,
    readonly port: number,
  ) {}

  static start(settings?: StreamSettings, starts?: StartsUnderWay): Promise<GatewayBench> {
    return GatewayBench.over(new FakeBus(), settings, starts);
  }

  static async over<Bus>(
    bus: Bus,
    settings = new StreamSettings(),
    starts = new StartsUnderWay(),
    views = new ViewSettings(),
  ): Promise<GatewayBench<Bus>> {
    const log = new Log();
    const module = await Test.createTestingModule({ imports: [hostModule(bus), GatewayModule] })
      .overrideProvider(StreamSettings)
      .useValue(settings)
      .overrideProvider(StartsUnderWay)
      .useValue(starts)
      .overrideProvider(ViewSettings)
      .useValue(views)
      .setLogger(log)
      .compile();
    const app = module.createNestApplication<NestExpressApplication>();
    app.useLogger(log);
    limitHttp(app);
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    return new GatewayBench(app, bus, log, port);
  }

  /** As when it was started: starting one takes longer than most tests. */
  forget(this: GatewayBench): void {
    this.bus.forget();
    this.log.lines.splice(0);
    // Nest has one log for the process: that of whichever was started last.
    this.app.useLogger(this.log);
  }

  get logged(): string {
    return this.log.lines.join('\n');
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(this.url(path), { redirect: 'manual', ...init });
  }

  /** What a scrape sees. */
  async metrics(): Promise<string> {
    return (await this.fetch('/metrics')).text();
  }

  send(method: string, path: string, body: unknown, headers: Record<string, string> = {}) {
    return this.fetch(path, {
      method,
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'Content-Type': 'application/json', ...headers },
    });
  }

  stop(): Promise<void> {
    return this.app.close();
  }
}
