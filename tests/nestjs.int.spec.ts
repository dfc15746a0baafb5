import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  DownbeatModule,
  DownbeatService,
  HandlesBroadcast,
  HandlesMessage,
  HandlesOperation,
  UnfitHandler,
} from '@downbeat/nestjs';
import { operation, topic, type CallInfo, type ServiceOptions } from '@downbeat/sdk';
import { eventually } from '@downbeat/test-bench';
import {
  Controller,
  Injectable,
  Module,
  Scope,
  type INestApplicationContext,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { z } from 'zod';
import { MessageBench, NO_GATEWAY, PATIENT } from './support/message-bench';
import { OpenNats } from './support/open-nats';
import type * as Program from './support/warehouse';

const README = join(__dirname, '..', 'libs', 'nestjs', 'README.md');
const PROGRAM = join(__dirname, 'support', 'warehouse.ts');

const greet = operation('greet', {
  input: z.object({ name: z.string() }),
  output: z.object({ text: z.string() }),
});
const notice = topic('notice', z.object({ text: z.string() }));

describe('the Nest module', () => {
  let nats: OpenNats;
  let bench: MessageBench;
  let apps: INestApplicationContext[];
  beforeAll(async () => {
    nats = await OpenNats.start();
    bench = await MessageBench.start(nats);
    process.env['NATS_URL'] = nats.urlOf();
    process.env['GATEWAY_URL'] = NO_GATEWAY;
  });
  beforeEach(() => (apps = []));
  afterEach(async () => {
    for (const app of apps) await app.close();
  });
  afterAll(() => bench.stop());

  const started = async (module: unknown): Promise<INestApplicationContext> => {
    const app = await NestFactory.createApplicationContext(module as never, {
      logger: false,
      abortOnError: false,
    });
    apps.push(app);
    return app;
  };
  const options = (name: string): ServiceOptions => ({
    gatewayUrl: NO_GATEWAY,
    natsUrl: nats.urlOf(),
    service: { service_name: name, service_version: '1.0.0' },
    drainMs: 500,
  });
  const asked = async (service: DownbeatService, name: string, body: unknown): Promise<unknown> => {
    const response = await fetch(`${service.url}/operations/${name}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    return response.json();
  };

  it('makes a service of the application that the README shows', async () => {
    const [, printed] =
      /<!-- begin warehouse -->\s+```ts\n([^]*?)```/.exec(readFileSync(README, 'utf8')) ?? [];
    expect(printed).toBe(readFileSync(PROGRAM, 'utf8'));
    const { orderPlaced, stockLow, Warehouse, WarehouseModule } =
      jest.requireActual<typeof Program>('./support/warehouse');
    const shop = bench.service('shop');
    const low: [number, string][] = [];
    shop.subscribe(stockLow, ({ left }, { priority }) => void low.push([left, priority]));
    await bench.started(shop, 'shop');
    const app = await started(WarehouseModule);
    expect(await asked(app.get(DownbeatService), 'reserve', { sku: 'a' })).toEqual({ left: 2 });
    await eventually(
      async () => {
        const { body } = await consumersOf(bench, 'warehouse');
        return body;
      },
      (count) => expect(count).toBe(5),
    );
    await shop.publish(orderPlaced, { sku: 'a' }, PATIENT);
    await eventually(
      () => low,
      (all) => expect(all).toEqual([[1, 'high']]),
    );
    expect(app.get(Warehouse).left).toBe(1);
  });

  it('takes options from other providers, hands out the service, and stops before the application', async () => {
    const order: string[] = [];
    let [begin, release] = [(): void => undefined, (): void => undefined];
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const released = new Promise<void>((resolve) => (release = resolve));
    @Injectable()
    class Settings {
      readonly options = options('greeter');
      onApplicationShutdown(): void {
        order.push('shut down');
      }
    }
    @Module({ providers: [Settings], exports: [Settings] })
    class SettingsModule {}

    const heard: string[] = [];
    @Controller()
    class Greeter {
      private readonly word = 'hello';
      constructor(readonly service: DownbeatService) {}

      @HandlesOperation(greet)
      async greet({ name }: { name: string }, { correlationId }: CallInfo) {
        begin();
        await released;
        order.push('answered');
        return { text: `${this.word} ${name} ${correlationId}` };
      }

      @HandlesBroadcast(notice)
      noticed({ text }: { text: string }): void {
        heard.push(text);
      }
    }
    @Module({
      imports: [
        DownbeatModule.forRootAsync({
          imports: [SettingsModule],
          inject: [Settings],
          useFactory: (settings: Settings) => settings.options,
        }),
        SettingsModule,
      ],
      controllers: [Greeter],
    })
    class GreeterModule {}
    const app = await started(GreeterModule);
    const { service } = app.get(Greeter);
    await eventually(
      () => {
        try {
          service.broadcast(notice, { text: 'to me too' });
        } catch {
          // It is not connected yet.
        }
        return heard;
      },
      (all) => expect(all).toContain('to me too'),
    );
    const answer = asked(service, 'greet', { name: 'ann' });
    await begun;
    const closed = app.close();
    release();
    await closed;
    expect(await answer).toEqual({ text: expect.stringMatching(/^hello ann [0-9a-f-]{36}$/) });
    expect(order).toEqual(['answered', 'shut down']);
  });

  it('does not start with a handler that is made for each request, nor with two for one thing', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      @HandlesMessage(notice)
      handle(): void {}
    }
    @Module({ imports: [DownbeatModule.forRoot(options('odd'))], providers: [PerRequest] })
    class OddModule {}
    await expect(started(OddModule)).rejects.toThrow(UnfitHandler);

    @Injectable()
    class Twice {
      @HandlesMessage(notice)
      one(): void {}
      @HandlesMessage(notice)
      other(): void {}
    }
    @Module({ imports: [DownbeatModule.forRoot(options('twice'))], providers: [Twice] })
    class TwiceModule {}
    await expect(started(TwiceModule)).rejects.toThrow('two handlers for notice');
  });

  it('has its decorators checked by the schemas', () => {
    class Wrong {
      // @ts-expect-error: the operation's input has no number.
      @HandlesOperation(greet)
      greet({ name }: { name: number }) {
        return { text: `${name}` };
      }

      // @ts-expect-error: the operation answers a text.
      @HandlesOperation(greet)
      other() {
        return { text: 7 };
      }
    }
    expect(Wrong).toBeDefined();
  });
});

const consumersOf = async (bench: MessageBench, service: string): Promise<{ body: number }> => {
  const reply = await bench.client.request('$JS.API.CONSUMER.LIST.message', '{}');
  const { consumers = [] } = reply.json<{ consumers?: { name: string }[] }>();
  return { body: consumers.filter(({ name }) => name.startsWith(`${service}_`)).length };
};
