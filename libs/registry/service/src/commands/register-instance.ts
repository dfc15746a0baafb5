import { registryContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { fold, Rejection } from '@downbeat/eventsourcing';
import {
  instanceRegistration,
  instanceStream,
  serviceRegistration,
  serviceStream,
  unknownService,
  type RegistrationEvent,
} from '@downbeat/registry-domain';
import { carryOut, commandOf, refused } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { LiveDirectory } from '../directory/live-directory';

const { healthCheck } = registryContract;
const HEALTH_CHECK_ENDPOINT = '/health';
/** What callers know of a service travels in one message. */
const INSTANCES_MAX = 3_000;

export class RegisterInstance extends commandOf(registryContract.registerInstance) {}

@CommandHandler(RegisterInstance)
export class RegisterInstanceHandler implements ICommandHandler<RegisterInstance> {
  constructor(
    private readonly store: EventStore,
    private readonly directory: LiveDirectory,
  ) {}

  async execute({ data, at, cause }: RegisterInstance) {
    const past = await this.store.load<RegistrationEvent>(serviceStream(data.service_id));
    const service = fold(serviceRegistration, past);
    if (service.status === 'unknown') return refused(unknownService(data.service_id));
    if (this.isFull(data)) return refused(tooMany(data.service_id));

    const { health_check, health_check_endpoint } = service.description;
    const host = data.ip_address.includes(':') ? `[${data.ip_address}]` : data.ip_address;
    const url = `http://${host}:${data.port}${health_check_endpoint ?? HEALTH_CHECK_ENDPOINT}`;
    const { health_check_subject: subject, ...registered } = data;
    const check = {
      ...(health_check ?? healthCheck.parse({})),
      url,
      ...(subject !== undefined && { subject }),
    };
    if (check.kind === 'nats' && subject === undefined) return refused(noSubject(data.service_id));

    const stream = instanceStream(data.instance_id);
    const command = { type: 'RegisterInstance', data: { ...registered, check }, at } as const;
    return carryOut(this.store, instanceRegistration, stream, command, cause, () => ({
      service_id: data.service_id,
      instance_id: data.instance_id,
    }));
  }

  /** As far as this replica has read the log: a bound that may be passed by a few. */
  private isFull({ service_id, instance_id }: RegisterInstance['data']): boolean {
    const isNew = !this.directory.isPresent({ service_id, instance_id });
    return isNew && this.directory.presentInstances(service_id) >= INSTANCES_MAX;
  }
}

const tooMany = (service: string): Rejection =>
  new Rejection(
    'too-many-instances',
    `${service} has ${INSTANCES_MAX} instances, more are not kept`,
    'conflict',
    [{ field: 'service_id', message: `has ${INSTANCES_MAX} instances` }],
  );

const noSubject = (service: string): Rejection =>
  new Rejection('check-subject-missing', `${service} is checked over NATS`, 'invalid', [
    { field: 'health_check_subject', message: `must be given: ${service} is checked over NATS` },
  ]);
