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

type Described = DataOf<typeof registryContract.registerService>;
type Changed = DataOf<typeof registryContract.updateService>;

export type RegistrationCommand =
  Command<'RegisterService', Described> | Command<'UpdateService', Changed>;

export type ServiceRegistered = Message<'ServiceRegistered', Described>;
/** Holds the fields that changed, and only those. */
export type ServiceChanged = Message<'ServiceChanged', Changed>;
export type RegistrationEvent = ServiceRegistered | ServiceChanged;

export type Registration =
  | { readonly status: 'unknown' }
  | { readonly status: 'registered'; readonly description: Described };

export const serviceStream = (serviceName: string): StreamName =>
  streamName('service', serviceName);

/** What a service says it is: registered once, changed any number of times. */
export const serviceRegistration: Decider<Registration, RegistrationCommand, RegistrationEvent> = {
  initialState: { status: 'unknown' },

  decide(command, state) {
    switch (command.type) {
      case 'RegisterService':
        return register(command.data, state);
      case 'UpdateService':
        return update(command.data, state);
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'ServiceRegistered':
        return { status: 'registered', description: event.data };
      case 'ServiceChanged': {
        if (state.status === 'unknown') return state;
        const { service_id: _, ...fields } = event.data;
        // `changes` leaves out what is undefined, so no known field is lost.
        const description = { ...state.description, ...fields } as Described;
        return { status: 'registered', description };
      }
    }
  },
};

function register(data: Described, state: Registration): Decision<RegistrationEvent> {
  if (state.status === 'unknown') return [{ type: 'ServiceRegistered', data }];
  const { service_name, ...fields } = data;
  return changes({ service_id: service_name, ...fields }, state.description);
}

function update(data: Changed, state: Registration): Decision<RegistrationEvent> {
  if (state.status === 'unknown') return unknownService(data.service_id);
  return changes(data, state.description);
}

/** Asking for what already holds is not a change. */
function changes(data: Changed, description: Described): Decision<RegistrationEvent> {
  const { service_id, ...fields } = data;
  const changed = Object.entries(fields).filter(
    ([field, value]) =>
      value !== undefined &&
      JSON.stringify(value) !== JSON.stringify(description[field as keyof Described]),
  );
  if (changed.length === 0) return [];
  return [{ type: 'ServiceChanged', data: { service_id, ...Object.fromEntries(changed) } }];
}

export const unknownService = (service: string): Rejection =>
  new Rejection('service-unknown', `there is no service ${service}`, 'not-found');
