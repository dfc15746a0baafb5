import { registryContract } from '@downbeat/contracts';
import { EventStore, intent } from '@downbeat/event-store';
import { Rejection, streamName } from '@downbeat/eventsourcing';
import {
  dependencyGraph,
  dependencyStream,
  serviceRegistration,
  serviceStream,
} from '@downbeat/registry-domain';
import { carryOutTogether, commandOf } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { DeclaredDependencies } from '../dependencies/declared-dependencies';
import { LiveDirectory } from '../directory/live-directory';
import { serviceOf } from './registering';

const NAMED_MAX = 10;

export class RetireService extends commandOf(registryContract.retireService) {}

@CommandHandler(RetireService)
export class RetireServiceHandler implements ICommandHandler<RetireService> {
  constructor(
    private readonly store: EventStore,
    private readonly dependencies: DeclaredDependencies,
    private readonly directory: LiveDirectory,
  ) {}

  /** What it needs goes with it, by one transaction: a crash leaves both or none. */
  async execute({ data: { force = false, ...data }, at, cause }: RetireService) {
    const { service_id } = data;
    const refusal = await this.refusalOf(service_id, force);
    const nothing = { service_name: service_id, dependencies: [] };
    const intents = [
      intent(
        serviceRegistration,
        serviceStream(service_id),
        { type: 'RetireService', data, at },
        cause.meta,
      ),
      intent(
        dependencyGraph,
        dependencyStream,
        { type: 'DeclareDependencies', data: nothing, at },
        cause.meta,
      ),
    ];
    const stream = streamName('retirement', service_id);
    return carryOutTogether(this.store, stream, intents, cause, (decisions) => {
      const refused = decisions.find((decision) => decision instanceof Rejection);
      return refused ?? refusal ?? { service_id };
    });
  }

  private async refusalOf(serviceName: string, force: boolean): Promise<Rejection | undefined> {
    const instances = this.directory.presentInstances(serviceName);
    if (instances > 0)
      return new Rejection(
        'service-has-instances',
        `${serviceName} has ${instances} instances: take them out of service first`,
        'conflict',
      );
    const { status } = await serviceOf(this.store, serviceName);
    const isAsked = status === 'registered' && !force;
    const dependents = isAsked ? await this.dependencies.dependentsOf(serviceName) : [];
    if (dependents.length === 0) return undefined;
    const named = dependents.slice(0, NAMED_MAX).join(', ');
    const more = dependents.length > NAMED_MAX ? ` and ${dependents.length - NAMED_MAX} more` : '';
    return new Rejection(
      'service-is-needed',
      `${named}${more} cannot work without ${serviceName}: say so with force, or change what they need`,
      'conflict',
    );
  }
}
