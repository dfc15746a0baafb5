import { DownbeatService, topic, type ServiceOptions } from '@downbeat/sdk';
import { Injectable, Module, Scope, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { z } from 'zod';
import { HandlesMessage } from './decorators';
import { DownbeatModule } from './downbeat.module';
import { SecondService, UnfitHandler } from './handlers';

const paid = topic('paid', z.object({}));
const sent = topic('sent', z.object({}));
const options = (service_name: string): ServiceOptions => ({
  gatewayUrl: 'http://127.0.0.1:9',
  natsUrl: 'nats://127.0.0.1:9',
  service: { service_name, service_version: '1.0.0' },
});

describe('the handlers of an application', () => {
  const subscribed: [string, string][] = [];
  /** By the handler that ran last. */
  let said = '';
  let app: INestApplicationContext | undefined;
  beforeEach(() => {
    subscribed.length = 0;
    jest.spyOn(DownbeatService.prototype, 'start').mockResolvedValue(undefined as never);
    jest.spyOn(DownbeatService.prototype, 'stop').mockResolvedValue(undefined);
    jest.spyOn(DownbeatService.prototype, 'subscribe').mockImplementation(function (
      this: DownbeatService,
      { name },
      handle,
    ) {
      said = '';
      void handle({} as never, {} as never);
      subscribed.push([name, said]);
      return this;
    });
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
    jest.restoreAllMocks();
  });
  const start = async (
    providers: readonly (new (...injected: never[]) => object)[],
    services = ['shop'],
  ): Promise<void> => {
    @Module({
      imports: services.map((name) => DownbeatModule.forRoot(options(name))),
      providers: [...providers],
    })
    class Application {}
    app = await NestFactory.createApplicationContext(Application, {
      logger: false,
      abortOnError: false,
    });
  };

  it.each([
    ['each request', Scope.REQUEST],
    ['everybody who has it injected', Scope.TRANSIENT],
  ])('belong to no provider that is made anew for %s', async (_, scope) => {
    @Injectable({ scope })
    class Often {
      @HandlesMessage(paid)
      handle(): void {}
    }
    @Injectable()
    class User {
      constructor(readonly often: Often) {}
    }
    await expect(start([Often, User])).rejects.toThrow(UnfitHandler);
    await expect(start([Often])).rejects.toThrow(UnfitHandler);
    expect(subscribed).toEqual([]);
  });

  it('are those of one service', async () => {
    await expect(start([], ['shop', 'mail'])).rejects.toThrow(SecondService);
    await start([], ['shop']);
  });

  it('stay handlers when they are overridden, unless the override says what it handles', async () => {
    class Base {
      @HandlesMessage(paid)
      one(): void {
        said = 'base';
      }
      @HandlesMessage(paid)
      other(): void {
        said = 'base';
      }
    }
    class Between extends Base {}
    @Injectable()
    class Derived extends Between {
      override one(): void {
        super.one();
        said = `derived from ${said}`;
      }
      @HandlesMessage(sent)
      override other(): void {
        said = 'derived';
      }
    }
    await start([Derived]);
    expect(subscribed).toEqual([
      ['paid', 'derived from base'],
      ['sent', 'derived'],
    ]);
  });
});
