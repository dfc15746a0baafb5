import { registryContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { serviceRegistration, serviceStream } from '@downbeat/registry-domain';
import { carryOut, commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';

export class UpdateService extends commandOf(registryContract.updateService) {}

@CommandHandler(UpdateService)
export class UpdateServiceHandler implements ICommandHandler<UpdateService> {
  constructor(private readonly store: EventStore) {}

  execute({ data, at, cause }: UpdateService) {
    const stream = serviceStream(data.service_id);
    const command = { type: 'UpdateService', data, at } as const;
    return carryOut(this.store, serviceRegistration, stream, command, cause, () => ({
      service_id: data.service_id,
    }));
  }
}
