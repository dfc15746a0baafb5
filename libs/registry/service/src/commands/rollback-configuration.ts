import { registryContract } from '@downbeat/contracts';
import { commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Activations } from '../configuration/activations';

export class RollbackConfiguration extends commandOf(registryContract.rollbackConfiguration) {}

@CommandHandler(RollbackConfiguration)
export class RollbackConfigurationHandler implements ICommandHandler<RollbackConfiguration> {
  constructor(private readonly activations: Activations) {}

  execute({ data, at, cause }: RollbackConfiguration) {
    return this.activations.carryOut({ type: 'RollbackConfiguration', data }, at, cause);
  }
}
