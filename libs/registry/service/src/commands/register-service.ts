import { registryContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { isOutdated, serviceRegistration, serviceStream } from '@downbeat/registry-domain';
import { carryOut, commandOf, refused } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { refusalOfSchema } from '../configuration/configuration-checks';
import { DeclaredDependencies } from '../dependencies/declared-dependencies';
import { AbandonedVersions } from './abandoned-versions';
import { serviceOf, versionOf } from './registering';

export class RegisterService extends commandOf(registryContract.registerService) {}

@CommandHandler(RegisterService)
export class RegisterServiceHandler implements ICommandHandler<RegisterService> {
  constructor(
    private readonly store: EventStore,
    private readonly dependencies: DeclaredDependencies,
    private readonly abandoned: AbandonedVersions,
  ) {}

  async execute({ data, at, cause }: RegisterService) {
    const { service_name, dependencies } = data;
    const wrong = refusalOfSchema(data.configuration_schema);
    if (wrong) return refused(wrong);
    const isOld = isOutdated(data, await serviceOf(this.store, service_name));
    const abandoned_version = isOld
      ? await this.abandoned.of(service_name, data.service_version)
      : undefined;
    const isNews = !isOld || abandoned_version !== undefined;
    const refusal =
      isNews && (await this.dependencies.declare(service_name, dependencies, at, cause));
    if (refusal) return refused(refusal);
    const stream = serviceStream(service_name);
    const said = { ...data, abandoned_version };
    const command = { type: 'RegisterService', data: said, at } as const;
    return carryOut(this.store, serviceRegistration, stream, command, cause, (state) => ({
      service_id: service_name,
      ...versionOf(state),
    }));
  }
}
