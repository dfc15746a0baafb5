import type { BreakerControlEvent } from './breaker-control';
import type { BreakerDefaultsEvent } from './breaker-defaults';
import type { BreakerReportsEvent } from './breaker-reports';

/** Everything that is known of breakers. */
export type BreakerEvent = BreakerControlEvent | BreakerDefaultsEvent | BreakerReportsEvent;
