import { registryContract } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { Controller, Module, type Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { CommandHandler } from '@nestjs/cqrs';
import { Test } from '@nestjs/testing';
import { Answers } from '../entrance/answers';
import { commandOf } from '../entrance/context-command';
import { assertServed, ContractNotServed } from './served-contracts';

const { heartbeat, deregisterInstance, getService, directory } = registryContract;
const contracts = { commands: [heartbeat, deregisterInstance], queries: [getService, directory] };

class Heartbeat extends commandOf(heartbeat) {}
class DeregisterInstance extends commandOf(deregisterInstance) {}

@CommandHandler(Heartbeat)
class HeartbeatHandler {}
@CommandHandler(DeregisterInstance)
class DeregisterInstanceHandler {}

@Controller()
class ServiceQueries {
  @Answers(getService)
  getService() {
    return Promise.resolve(new Rejection('none', 'none'));
  }
}
@Controller()
class DirectoryQueries {
  @Answers(directory)
  directory() {
    return Promise.resolve(new Rejection('none', 'none'));
  }
}

const classes = [Heartbeat, DeregisterInstance];
const handlers = [HeartbeatHandler, DeregisterInstanceHandler];
const controllers = [ServiceQueries, DirectoryQueries];

async function check(
  commands: typeof classes,
  providers: readonly Type[],
  answering: readonly Type[],
  promised: typeof contracts | undefined = contracts,
): Promise<void> {
  @Module({ providers: [...providers], controllers: [...answering] })
  class Context {}
  const module = await Test.createTestingModule({ imports: [Context] }).compile();
  const definition = { context: 'registry', commands, contracts: promised } as const;
  assertServed(definition, module.get(ModulesContainer));
}

describe('the contracts of a context', () => {
  it('are served when each command has a handler and each query an answer', () =>
    expect(check(classes, handlers, controllers)).resolves.toBeUndefined());

  it.each([
    [
      'a command its module forgot',
      [Heartbeat],
      handlers,
      controllers,
      'command DeregisterInstance is not among the commands of its module',
    ],
    [
      'a command nobody handles',
      classes,
      [HeartbeatHandler],
      controllers,
      'command DeregisterInstance has no handler among the providers',
    ],
    [
      'a query nobody answers',
      classes,
      handlers,
      [ServiceQueries],
      'query directory is answered by no controller',
    ],
  ])('are not with %s', async (_, commands, providers, answering, missing) => {
    const refused = check(commands, providers, answering);
    await expect(refused).rejects.toBeInstanceOf(ContractNotServed);
    await expect(refused).rejects.toThrow(
      `registry does not serve all of its contracts: ${missing}`,
    );
  });

  it('are all of the suite has for it, unless a module says otherwise', async () => {
    const module = await Test.createTestingModule({}).compile();
    const modules = module.get(ModulesContainer);
    const nothing = { context: 'registry', commands: [] } as const;
    const refused = (): void => assertServed(nothing, modules);
    for (const { name } of [
      ...registryContract.registry.commands,
      ...registryContract.registry.queries,
    ])
      expect(refused).toThrow(name);
    expect(() =>
      assertServed({ ...nothing, contracts: { commands: [], queries: [] } }, modules),
    ).not.toThrow();
  });
});
