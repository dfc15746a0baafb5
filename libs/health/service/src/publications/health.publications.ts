import { healthContract, integrationEvent } from '@downbeat/contracts';
import type { CheckEvent, NeedsChanged, ServiceCheckChanged } from '@downbeat/health-domain';
import { keepPrivate, type Publications } from '@downbeat/publishing';

export const healthPublications: Publications<CheckEvent | NeedsChanged | ServiceCheckChanged> = {
  CheckStarted: keepPrivate,
  StartupPassed: keepPrivate,
  HealthChanged: ({ data }) => integrationEvent(healthContract.instanceHealthChanged, data),
  CheckStopped: keepPrivate,
  InstanceForgotten: keepPrivate,
  NeedsChanged: keepPrivate,
  ServiceCheckChanged: keepPrivate,
};
