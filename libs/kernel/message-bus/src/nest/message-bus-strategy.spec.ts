import { Controller, Module, type INestMicroservice } from '@nestjs/common';
import {
  Ctx,
  EventPattern,
  MessagePattern,
  Payload,
  RpcException,
  type BaseRpcContext,
} from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { of } from 'rxjs';
import type { QueryOutcome } from '../command-outcome';
import { eventually } from '@downbeat/local-servers/testing';
import { MemoryMessageBus } from '../testing/memory-message-bus';
import { MessageBusStrategy } from './message-bus-strategy';

const heard: unknown[] = [];

@Controller()
class Services {
  @MessagePattern('query.registry.list-services')
  list(@Payload() payload: unknown, @Ctx() context: BaseRpcContext): Promise<QueryOutcome> {
    const data = { payload, headers: context.getArgByIndex(0) as unknown };
    return Promise.resolve({ ok: true, position: 1, data });
  }

  @MessagePattern('query.registry.observed')
  observed() {
    return of({ ok: true, position: 2, data: 'observed' });
  }

  @MessagePattern('query.registry.refused')
  refused(): never {
    throw new RpcException({ code: 'no-service', message: 'there is none', kind: 'not-found' });
  }

  @MessagePattern('query.registry.broken')
  broken(): never {
    throw new Error('password=secret');
  }

  @MessagePattern('query.registry.not-an-outcome')
  notAnOutcome() {
    return { services: [] };
  }

  @EventPattern('hint.log.main')
  hint(@Payload() payload: unknown): void {
    heard.push(payload);
  }
}

@Module({ controllers: [Services] })
class ServicesModule {}

describe('the bus as a Nest transport', () => {
  const bus = new MemoryMessageBus();
  let app: INestMicroservice;
  beforeAll(async () => {
    const module = await Test.createTestingModule({ imports: [ServicesModule] }).compile();
    app = module.createNestMicroservice({ strategy: new MessageBusStrategy(bus), logger: false });
    await app.listen();
  });
  afterAll(async () => {
    await app.close();
    await bus.close();
  });

  const ask = (name: string) =>
    bus.query(`query.registry.${name}`, { a: 1 }, { correlationId: 'k' });

  it('answers with what the controller returns', async () => {
    expect(await ask('list-services')).toEqual({
      ok: true,
      position: 1,
      data: { payload: { a: 1 }, headers: { 'Downbeat-Correlation-Id': 'k' } },
    });
    expect(await ask('observed')).toEqual({ ok: true, position: 2, data: 'observed' });
  });

  it('answers with the problem that the controller throws as one', async () => {
    expect(await ask('refused')).toEqual({
      ok: false,
      problem: { code: 'no-service', message: 'there is none', kind: 'not-found' },
    });
  });

  it.each(['broken', 'not-an-outcome'])('says of %s only that it failed', async (name) => {
    const outcome = await ask(name);
    expect(outcome).toMatchObject({ ok: false, problem: { code: 'internal', kind: 'internal' } });
    expect(JSON.stringify(outcome)).not.toContain('secret');
  });

  it('hands hints to event handlers', async () => {
    bus.hint('hint.log.main', { position: 3 });
    await eventually(() => expect(heard).toEqual([{ position: 3 }]));
  });
});
