import { registryContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { serviceRegistration, serviceStream } from '@downbeat/registry-domain';
import { carryOut, commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';

export class RegisterService extends commandOf(registryContract.registerService) {}

@CommandHandler(RegisterService)
export class RegisterServiceHandler implements ICommandHandler<RegisterService> {
  constructor(private readonly store: EventStore) {}

  execute({ data, at, cause }: RegisterService) {
    const stream = serviceStream(data.service_name);
    const command = { type: 'RegisterService', data, at } as const;
    return carryOut(this.store, serviceRegistration, stream, command, cause, () => ({
      service_id: data.service_name,
    }));
  }
}
