import type { DataOf, registryContract } from '@downbeat/contracts';
import {
  streamName,
  type Command,
  type Decider,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';
import { withPath } from './check-plan';
import type { Check } from './check-request';

type Changed = DataOf<typeof registryContract.serviceCheckChanged>;

export type ServiceCheckCommand =
  | Command<'ChangeServiceCheck', Changed>
  | Command<'ForgetService', { readonly service_name: string }>;
export type ServiceCheckChanged = Message<'ServiceCheckChanged', Changed>;
/** It is no more: nobody waits for an instance of it, and its next one is checked as it says itself. */
export type ServiceForgotten = Message<'ServiceForgotten', { readonly service_name: string }>;
export type ServiceCheckEvent = ServiceCheckChanged | ServiceForgotten;

/** What a service says of the checks of all its instances; what it does not say, they bring along. */
export type ServiceCheck = Pick<Changed, 'health_check' | 'health_check_endpoint'>;

/** One word, as stream names are joined by hyphens: `service-check-a` could be the service `check-a`. */
export const serviceCheckStream = (serviceName: string): StreamName =>
  streamName('servicecheck', serviceName);

/** How a service wants its instances checked, once it has changed that. */
export const serviceCheck: Decider<ServiceCheck, ServiceCheckCommand, ServiceCheckEvent> = {
  initialState: {},

  decide({ type, data }, state) {
    switch (type) {
      case 'ChangeServiceCheck':
        return JSON.stringify(withChange(state, data)) === JSON.stringify(state)
          ? []
          : [{ type: 'ServiceCheckChanged', data }];
      case 'ForgetService':
        return [{ type: 'ServiceForgotten', data }];
    }
  },

  evolve: (state, event) =>
    event.type === 'ServiceForgotten' ? {} : withChange(state, event.data),
};

function withChange(
  state: ServiceCheck,
  { health_check, health_check_endpoint }: ServiceCheck,
): ServiceCheck {
  return {
    health_check: health_check ?? state.health_check,
    health_check_endpoint: health_check_endpoint ?? state.health_check_endpoint,
  };
}

/**
 * How an instance is checked: as it was registered, unless its service has said otherwise since.
 * Where the instance is remains its own word.
 */
export function effectiveCheck(registered: Check, service: ServiceCheck = {}): Check {
  const { health_check, health_check_endpoint } = service;
  const { subject } = registered;
  const url =
    health_check_endpoint === undefined
      ? registered.url
      : withPath(registered.url, health_check_endpoint);
  if (!health_check) return { ...registered, url };
  return { ...health_check, url, ...(subject !== undefined && { subject }) };
}
