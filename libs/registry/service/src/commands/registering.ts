import { registryContract, type DataOf } from '@downbeat/contracts';
import type { EventStore } from '@downbeat/event-store';
import { fold, Rejection } from '@downbeat/eventsourcing';
import {
  retiredService,
  serviceRegistration,
  serviceStream,
  unknownService,
  type Begun,
  type Registering,
  type Registration,
  type RegistrationEvent,
} from '@downbeat/registry-domain';

const { healthCheck } = registryContract;
const HEALTH_CHECK_ENDPOINT = '/health';

type Instance = DataOf<typeof registryContract.registerInstance>;
type Service = DataOf<typeof registryContract.registerService>;

export async function serviceOf(store: EventStore, name: string): Promise<Registration> {
  return fold(serviceRegistration, await store.load<RegistrationEvent>(serviceStream(name)));
}

/** Which version describes the service, for the answer. */
export const versionOf = (service: Registration): { service_version?: string } =>
  service.status === 'registered' ? { service_version: service.description.service_version } : {};

/**
 * The same for an instance, which says again what its service is when another version describes it. A
 * version that somebody has set is to stay as it is: it is not named.
 */
export const versionForInstance = (service: Registration): { service_version?: string } =>
  service.status === 'registered' && service.isVersionSet ? {} : versionOf(service);

/** How a service wants its instances checked, with what holds where it does not say. */
export const checkOf = ({
  health_check = healthCheck.parse({}),
  health_check_endpoint = HEALTH_CHECK_ENDPOINT,
}: Pick<Service, 'health_check' | 'health_check_endpoint'>) => ({
  health_check,
  health_check_endpoint,
});

/** The instance with how its service wants it checked, or why it cannot be one of that service. */
export function registeringOf(
  data: Instance,
  service: Registration,
): (Registering & Begun) | Rejection {
  if (service.status === 'unknown') return unknownService(data.service_id);
  if (service.status === 'retired') return retiredService(data.service_id);
  const { health_check, health_check_endpoint } = checkOf(service.description);
  const host = data.ip_address.includes(':') ? `[${data.ip_address}]` : data.ip_address;
  const url = `http://${host}:${data.port}${health_check_endpoint}`;
  const { health_check_subject: subject, ...registered } = data;
  const check = {
    ...health_check,
    url,
    ...(subject !== undefined && { subject }),
  };
  if (data.lifecycle === undefined && data.lifecycle_detail !== undefined)
    return noLifecycle(data.instance_id);
  if (check.kind === 'nats' && subject === undefined) return noSubject(data.service_id);
  return { ...registered, check };
}

const noSubject = (service: string): Rejection =>
  new Rejection('check-subject-missing', `${service} is checked over NATS`, 'invalid', [
    { field: 'health_check_subject', message: `must be given: ${service} is checked over NATS` },
  ]);

const noLifecycle = (instance: string): Rejection =>
  new Rejection('lifecycle-missing', `${instance} says more of a lifecycle than which`, 'invalid', [
    { field: 'lifecycle', message: 'must be given, as there is a `lifecycle_detail`' },
  ]);
