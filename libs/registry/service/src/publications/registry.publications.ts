import { integrationEvent, registryContract } from '@downbeat/contracts';
import { keepPrivate, type Publications } from '@downbeat/publishing';
import type { InstanceEvent, RegistrationEvent } from '@downbeat/registry-domain';

const { instanceRegistered, instanceTerminating, instanceRemoved } = registryContract;

export const registryPublications: Publications<RegistrationEvent | InstanceEvent> = {
  ServiceRegistered: keepPrivate,
  ServiceChanged: keepPrivate,
  InstanceRegistered: ({ data }) =>
    integrationEvent(instanceRegistered, {
      service_name: data.service_id,
      instance_id: data.instance_id,
      check: data.check,
    }),
  InstanceHealthObserved: keepPrivate,
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
