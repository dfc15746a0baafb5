import type { Instant } from '@downbeat/eventsourcing';
import {
  dependencyGraph,
  instanceRegistration,
  serviceRegistration,
  type DeclareDependencies,
  type DependenciesDeclared,
  type InstanceCommand,
  type InstanceEvent,
  type RegistrationCommand,
  type RegistrationEvent,
} from '@downbeat/registry-domain';
import { DeciderReplay } from './decider-replay';
import type { Replayer } from './replayer';

const context = 'registry';

export const serviceReplayer: Replayer = {
  context,
  begin: () =>
    new DeciderReplay(serviceRegistration, ([event], _, at) => event && serviceCause(event, at)),
};

export const instanceReplayer: Replayer = {
  context,
  begin: () =>
    new DeciderReplay(instanceRegistration, ([event], _, at) => event && instanceCause(event, at)),
};

export const dependenciesReplayer: Replayer = {
  context,
  begin: () =>
    new DeciderReplay(dependencyGraph, ([event], _, at) => event && dependenciesCause(event, at)),
};

/** What is declared is a command that leaves nothing out. */
function dependenciesCause({ data }: DependenciesDeclared, at: Instant): DeclareDependencies {
  const { service_name, dependencies } = data;
  return {
    type: 'DeclareDependencies',
    data: { service_name, dependencies: [...dependencies] },
    at,
  };
}

function serviceCause(event: RegistrationEvent, at: Instant): RegistrationCommand {
  switch (event.type) {
    case 'ServiceRegistered':
      return { type: 'RegisterService', data: event.data, at };
    case 'ServiceChanged':
      return { type: 'UpdateService', data: event.data, at };
  }
}

function instanceCause(event: InstanceEvent, at: Instant): InstanceCommand {
  switch (event.type) {
    case 'InstanceRegistered':
      return { type: 'RegisterInstance', data: event.data, at };
    case 'InstanceHealthObserved':
      return { type: 'ObserveHealth', data: event.data, at };
    // Heartbeats that stayed away lead to the same event, with a reason of their own.
    case 'InstanceTerminating':
      return { type: 'DeregisterInstance', data: event.data, at };
    case 'InstanceRemoved':
      return { type: 'RemoveInstance', data: event.data, at };
  }
}
