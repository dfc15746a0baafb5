import { healthContract, integrationEvent } from '@downbeat/contracts';
import type {
  BreakerEvent,
  CheckEvent,
  NeedsChanged,
  ServiceCheckEvent,
} from '@downbeat/health-domain';
import { keepPrivate, type Publications } from '@downbeat/publishing';
import { breakerPublications } from './breaker.publications';

export const healthPublications: Publications<
  CheckEvent | NeedsChanged | ServiceCheckEvent | BreakerEvent
> = {
  ...breakerPublications,
  CheckStarted: keepPrivate,
  StartupPassed: keepPrivate,
  HealthChanged: ({ data }) => integrationEvent(healthContract.instanceHealthChanged, data),
  CheckStopped: keepPrivate,
  InstanceForgotten: keepPrivate,
  NeedsChanged: keepPrivate,
  ServiceCheckChanged: keepPrivate,
  ServiceForgotten: keepPrivate,
};
