import type { DataOf, registryContract } from '@downbeat/contracts';
import {
  Rejection,
  streamName,
  type Command,
  type Decider,
  type Decision,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';
import { isOlder } from './service-versions';

type Described = DataOf<typeof registryContract.registerService>;
type Changed = DataOf<typeof registryContract.updateService>;
type Retired = Omit<DataOf<typeof registryContract.retireService>, 'force'>;

type Registers = Command<
  'RegisterService',
  Described & {
    /** The version that describes the service, when nobody runs it any more. */
    readonly abandoned_version?: string | undefined;
  }
>;

export type RegistrationCommand =
  Registers | Command<'UpdateService', Changed> | Command<'RetireService', Retired>;

export type ServiceRegistered = Message<
  'ServiceRegistered',
  Described & {
    /** A newer version described it, which nobody ran any more. */
    readonly rolled_back_from?: string;
  }
>;
/** Holds the fields that changed, and only those; null takes back what was said. */
export type ServiceChanged = Message<
  'ServiceChanged',
  Changed & {
    /** Its version was set by who updates the service, and not said by who runs it. Absent in older events. */
    readonly is_version_set?: boolean;
  }
>;
/** It is no more, until it is registered again. */
export type ServiceRetired = Message<'ServiceRetired', Retired>;
export type RegistrationEvent = ServiceRegistered | ServiceChanged | ServiceRetired;

export type Registration =
  | { readonly status: 'unknown' }
  | {
      readonly status: 'registered' | 'retired';
      readonly description: Described;
      /** Somebody has set the version that stands: it stays when nobody runs it. */
      readonly isVersionSet?: boolean;
    };

export const serviceStream = (serviceName: string): StreamName =>
  streamName('service', serviceName);

/** What a service says it is: registered, changed any number of times, retired, and registered again. */
export const serviceRegistration: Decider<Registration, RegistrationCommand, RegistrationEvent> = {
  initialState: { status: 'unknown' },

  decide(command, state) {
    switch (command.type) {
      case 'RegisterService':
        return register(command.data, state);
      case 'UpdateService':
        return update(command.data, state);
      case 'RetireService':
        return retire(command.data, state);
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'ServiceRegistered': {
        const { rolled_back_from: _, ...description } = event.data;
        return { status: 'registered', description };
      }
      case 'ServiceChanged': {
        if (state.status === 'unknown') return state;
        const { service_id: _, is_version_set = false, ...fields } = event.data;
        const isVersionSet =
          fields.service_version === undefined ? state.isVersionSet : is_version_set;
        // `changes` leaves out what is undefined, so no known field is lost.
        const known = Object.entries({ ...state.description, ...fields });
        const said = known.filter(([, value]) => value !== null);
        const description = Object.fromEntries(said) as Described;
        return { status: state.status, description, ...(isVersionSet && { isVersionSet }) };
      }
      case 'ServiceRetired':
        return state.status === 'unknown' ? state : { ...state, status: 'retired' };
    }
  },
};

function register(
  { abandoned_version, ...data }: Registers['data'],
  state: Registration,
): Decision<RegistrationEvent> {
  if (state.status !== 'registered') return [{ type: 'ServiceRegistered', data }];
  if (isOutdated(data, state)) {
    const { service_version } = state.description;
    // Another version may have said what it is since that one was found to be abandoned.
    if (abandoned_version !== service_version || state.isVersionSet) return [];
    return [{ type: 'ServiceRegistered', data: { ...data, rolled_back_from: service_version } }];
  }
  const { service_name, ...fields } = data;
  return changes({ service_id: service_name, ...fields }, state.description);
}

/**
 * Whether it is said by a version that another one has followed: an instance that restarts while the
 * service is rolled out has no news of it. Who wants the service back as it was updates it, or ends all
 * instances of the newer version.
 */
export const isOutdated = ({ service_version }: Described, state: Registration): boolean =>
  state.status === 'registered' && isOlder(service_version, state.description.service_version);

function update(data: Changed, state: Registration): Decision<RegistrationEvent> {
  if (state.status === 'unknown') return unknownService(data.service_id);
  if (state.status === 'retired') return retiredService(data.service_id);
  return changes(data, state.description).map(({ type, data: changed }) => ({
    type,
    data: { ...changed, ...(changed.service_version !== undefined && { is_version_set: true }) },
  }));
}

function retire(data: Retired, state: Registration): Decision<RegistrationEvent> {
  if (state.status === 'unknown') return unknownService(data.service_id);
  return state.status === 'retired' ? [] : [{ type: 'ServiceRetired', data }];
}

/** Asking for what already holds is not a change. */
function changes(data: Changed, description: Described): readonly ServiceChanged[] {
  const { service_id, ...fields } = data;
  const changed = Object.entries(fields).filter(
    ([field, value]) =>
      value !== undefined &&
      JSON.stringify(value) !== JSON.stringify(description[field as keyof Described] ?? null),
  );
  if (changed.length === 0) return [];
  return [{ type: 'ServiceChanged', data: { service_id, ...Object.fromEntries(changed) } }];
}

export const unknownService = (service: string): Rejection =>
  new Rejection('service-unknown', `there is no service ${service}`, 'not-found');

export const retiredService = (service: string): Rejection =>
  new Rejection('service-retired', `${service} is retired: register it again`, 'conflict');
