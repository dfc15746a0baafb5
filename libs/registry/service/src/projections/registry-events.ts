import type {
  DependenciesDeclared,
  InstanceEvent,
  RegistrationEvent,
} from '@downbeat/registry-domain';
import { ignore } from '@downbeat/projections';

export type RegistryEvent = RegistrationEvent | DependenciesDeclared | InstanceEvent;

/** For tables of services. */
export const INSTANCE_EVENTS_IGNORED = {
  InstanceRegistered: ignore,
  InstanceSessionMoved: ignore,
  InstanceAdjusted: ignore,
  InstanceLifecycleAnnounced: ignore,
  InstanceHealthObserved: ignore,
  InstanceSuppressed: ignore,
  InstanceReleased: ignore,
  InstanceTerminating: ignore,
  InstanceRemoved: ignore,
} as const;
