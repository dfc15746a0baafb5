import { registryContract } from '@downbeat/contracts';
import { EventStore, type Intent } from '@downbeat/event-store';
import { fold, Rejection, streamName } from '@downbeat/eventsourcing';
import {
  isOutdated,
  serviceRegistration,
  serviceStream,
  type Registration,
  type RegistrationCommand,
  type RegistrationEvent,
} from '@downbeat/registry-domain';
import { carryOut, carryOutTogether, commandOf, refused, type Cause } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { refusalOfSchema } from '../configuration/configuration-checks';
import { DeclaredDependencies } from '../dependencies/declared-dependencies';
import { AbandonedVersions } from './abandoned-versions';
import { serviceOf, versionOf } from './registering';

export class RegisterService extends commandOf(registryContract.registerService) {}

type Registers = Extract<RegistrationCommand, { type: 'RegisterService' }>;

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
    const command: Registers = {
      type: 'RegisterService',
      data: { ...data, abandoned_version },
      at,
    };
    if (isOld && abandoned_version === undefined) return this.register(command, cause);
    return this.dependencies.declaring(service_name, dependencies, at, cause, (declared) =>
      declared ? this.registerWith(declared, command, cause) : this.register(command, cause),
    );
  }

  private register(command: Registers, cause: Cause) {
    const { service_name } = command.data;
    const stream = serviceStream(service_name);
    return carryOut(this.store, serviceRegistration, stream, command, cause, (state) => ({
      service_id: service_name,
      ...versionOf(state),
    }));
  }

  /** What it needs is said by one transaction with what it is, and by nobody who has no news of it by now. */
  private registerWith(declared: Intent, command: Registers, cause: Cause) {
    const { service_name } = command.data;
    let after: Registration = serviceRegistration.initialState;
    const registered: Intent = {
      stream: serviceStream(service_name),
      meta: cause.meta,
      decide: (past) => {
        const state = fold(serviceRegistration, past as readonly RegistrationEvent[]);
        const decision = serviceRegistration.decide(command, state);
        after = decision instanceof Rejection ? state : fold(serviceRegistration, decision, state);
        return decision;
      },
    };
    // Decided after it: whoever is outdated still was not heard.
    const needed: Intent = {
      ...declared,
      decide: (past) => (isOutdated(command.data, after) ? [] : declared.decide(past)),
    };
    const stream = streamName('registration', service_name);
    return carryOutTogether(this.store, stream, [registered, needed], cause, (decisions) => {
      const refusal = decisions.find((decision) => decision instanceof Rejection);
      return refusal ?? { service_id: service_name, ...versionOf(after) };
    });
  }
}
