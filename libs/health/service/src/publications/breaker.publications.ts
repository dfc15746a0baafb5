import { healthContract, integrationEvent } from '@downbeat/contracts';
import { triggerOf, type BreakerEvent } from '@downbeat/health-domain';
import { keepPrivate, type Publications } from '@downbeat/publishing';

/** Who watches breakers hears of those that changed their state; of what was said to them by its effect. */
export const breakerPublications: Publications<BreakerEvent> = {
  BreakerTransitioned: ({ data }) =>
    data.from === data.to
      ? keepPrivate
      : integrationEvent(healthContract.circuitBreakerChanged, {
          breaker_id: data.breaker_id,
          service_name: data.service_name,
          target_service: data.target_service,
          endpoint_pattern: data.endpoint_pattern,
          holder: data.holder,
          from_state: data.from,
          to_state: data.to,
          trigger: triggerOf(data.cause),
          changed_at: data.at,
        }),
  BreakersCounted: keepPrivate,
  BreakerCreated: keepPrivate,
  BreakerChanged: keepPrivate,
  BreakerRemoved: keepPrivate,
  BreakerResetOrdered: keepPrivate,
  BreakerForceOrdered: keepPrivate,
  BreakerReleaseOrdered: keepPrivate,
  BreakerDefaultsSet: keepPrivate,
  BreakerDefaultsRemoved: keepPrivate,
};
