import { registryContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { instanceRegistration, instanceStream } from '@downbeat/registry-domain';
import { carryOut, commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';

export class DeregisterInstance extends commandOf(registryContract.deregisterInstance) {}

@CommandHandler(DeregisterInstance)
export class DeregisterInstanceHandler implements ICommandHandler<DeregisterInstance> {
  constructor(private readonly store: EventStore) {}

  execute({ data, at, cause }: DeregisterInstance) {
    const stream = instanceStream(data.instance_id);
    const command = { type: 'DeregisterInstance', data, at } as const;
    return carryOut(this.store, instanceRegistration, stream, command, cause, () => ({
      instance_id: data.instance_id,
      status: 'terminating',
    }));
  }
}
