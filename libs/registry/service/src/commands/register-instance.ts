import { registryContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { Rejection } from '@downbeat/eventsourcing';
import { instanceStream } from '@downbeat/registry-domain';
import { carryOut, commandOf, refused } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { InstanceRoom } from './instance-room';
import { registeringOf, serviceOf, versionForInstance } from './registering';

export class RegisterInstance extends commandOf(registryContract.registerInstance) {}

@CommandHandler(RegisterInstance)
export class RegisterInstanceHandler implements ICommandHandler<RegisterInstance> {
  constructor(
    private readonly store: EventStore,
    private readonly room: InstanceRoom,
  ) {}

  async execute({ data, at, cause }: RegisterInstance) {
    const { service_id, instance_id } = data;
    const service = await serviceOf(this.store, service_id);
    const registering = registeringOf(data, service);
    if (registering instanceof Rejection) return refused(registering);

    const command = { type: 'RegisterInstance', data: registering, at } as const;
    const stream = instanceStream(instance_id);
    return this.room.during((admitting) =>
      carryOut(this.store, admitting, stream, command, cause, () => ({
        ...{ service_id, instance_id },
        ...versionForInstance(service),
      })),
    );
  }
}
