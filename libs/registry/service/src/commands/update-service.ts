import { registryContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import {
  retiredService,
  serviceRegistration,
  serviceStream,
  unknownService,
} from '@downbeat/registry-domain';
import { carryOut, commandOf, refused } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { refusalOfSchema } from '../configuration/configuration-checks';
import { DeclaredDependencies } from '../dependencies/declared-dependencies';
import { serviceOf } from './registering';

export class UpdateService extends commandOf(registryContract.updateService) {}

@CommandHandler(UpdateService)
export class UpdateServiceHandler implements ICommandHandler<UpdateService> {
  constructor(
    private readonly store: EventStore,
    private readonly dependencies: DeclaredDependencies,
  ) {}

  async execute({ data, at, cause }: UpdateService) {
    const { service_id, dependencies } = data;
    const wrong = refusalOfSchema(data.configuration_schema);
    if (wrong) return refused(wrong);
    const stream = serviceStream(service_id);
    if (dependencies) {
      const { status } = await serviceOf(this.store, service_id);
      if (status === 'unknown') return refused(unknownService(service_id));
      if (status === 'retired') return refused(retiredService(service_id));
      const refusal = await this.dependencies.declare(service_id, dependencies, at, cause);
      if (refusal) return refused(refusal);
    }
    const command = { type: 'UpdateService', data, at } as const;
    return carryOut(this.store, serviceRegistration, stream, command, cause, () => ({
      service_id,
    }));
  }
}
