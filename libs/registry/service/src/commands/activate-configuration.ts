import { registryContract } from '@downbeat/contracts';
import { commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Activations } from '../configuration/activations';

export class ActivateConfiguration extends commandOf(registryContract.activateConfiguration) {}

@CommandHandler(ActivateConfiguration)
export class ActivateConfigurationHandler implements ICommandHandler<ActivateConfiguration> {
  constructor(private readonly activations: Activations) {}

  execute({ data, at, cause }: ActivateConfiguration) {
    return this.activations.carryOut({ type: 'ActivateConfiguration', data }, at, cause);
  }
}
