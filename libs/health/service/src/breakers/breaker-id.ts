import { healthContract } from '@downbeat/contracts';
import type { BreakerKey } from '@downbeat/health-domain';
import { derivedId } from '@downbeat/service-host';

/** The id of whatever stands between these two for these endpoints: always the same. */
export const breakerIdOf = ({ service_name, target_service, endpoint_pattern }: BreakerKey) =>
  derivedId(healthContract.createCircuitBreaker, {
    service_name,
    target_service,
    endpoint_pattern,
  });
