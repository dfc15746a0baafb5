import { integrationEvent, registryContract } from '@downbeat/contracts';
import { keepPrivate, type Publications } from '@downbeat/publishing';
import type {
  ConfigurationAcknowledged,
  ConfigurationEvent,
  DependenciesDeclared,
  InstanceEvent,
  RegistrationEvent,
} from '@downbeat/registry-domain';
import { checkOf } from '../commands/registering';

const {
  dependenciesDeclared,
  instanceRegistered,
  instanceTerminating,
  instanceRemoved,
  serviceCheckChanged,
  serviceRetired,
} = registryContract;

export const registryPublications: Publications<
  | RegistrationEvent
  | DependenciesDeclared
  | InstanceEvent
  | ConfigurationEvent
  | ConfigurationAcknowledged
> = {
  ConfigurationCreated: keepPrivate,
  ConfigurationActivated: keepPrivate,
  ActivationConfirmed: keepPrivate,
  ActivationReverted: keepPrivate,
  ConfigurationAcknowledged: keepPrivate,
  DependenciesDeclared: ({ data: { service_name, dependencies } }) =>
    integrationEvent(dependenciesDeclared, { service_name, dependencies: [...dependencies] }),
  // Instances that are there were to be checked as another version wanted it.
  ServiceRegistered: ({ data: { service_name, rolled_back_from, ...service } }) =>
    rolled_back_from === undefined
      ? keepPrivate
      : integrationEvent(serviceCheckChanged, { service_name, ...checkOf(service) }),
  ServiceChanged: ({ data: { service_id, health_check, health_check_endpoint } }) =>
    health_check === undefined && health_check_endpoint === undefined
      ? keepPrivate
      : integrationEvent(serviceCheckChanged, {
          service_name: service_id,
          health_check,
          health_check_endpoint,
        }),
  ServiceRetired: ({ data: { service_id } }) =>
    integrationEvent(serviceRetired, { service_name: service_id }),
  InstanceRegistered: ({ data }) =>
    integrationEvent(instanceRegistered, {
      service_name: data.service_id,
      instance_id: data.instance_id,
      check: data.check,
    }),
  InstanceSessionMoved: keepPrivate,
  InstanceAdjusted: keepPrivate,
  InstanceLifecycleAnnounced: keepPrivate,
  InstanceHealthObserved: keepPrivate,
  InstanceSuppressed: keepPrivate,
  InstanceReleased: keepPrivate,
  InstanceTerminating: ({ data }) =>
    integrationEvent(instanceTerminating, {
      service_name: data.service_id,
      instance_id: data.instance_id,
      reason: data.reason,
    }),
  InstanceRemoved: ({ data }) =>
    integrationEvent(instanceRemoved, {
      service_name: data.service_id,
      instance_id: data.instance_id,
    }),
};
