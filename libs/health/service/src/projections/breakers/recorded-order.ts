import type { Instant, RecordedEvent } from '@downbeat/eventsourcing';
import type {
  BreakerForceOrdered,
  BreakerReleaseOrdered,
  BreakerResetOrdered,
  ForcedMode,
} from '@downbeat/health-domain';

/** What somebody wanted of a breaker. */
export interface RecordedOrder {
  readonly order_no: number;
  readonly kind: 'reset' | 'release' | ForcedMode;
  readonly reason: string;
  readonly until?: Instant;
  readonly ordered_at: Instant;
  readonly ordered_by: string;
}

const ORDERS_MAX = 8;

/** The newest eight. */
export function afterOrder(
  orders: readonly RecordedOrder[],
  { data, meta }: RecordedEvent<BreakerResetOrdered | BreakerForceOrdered | BreakerReleaseOrdered>,
  kind: RecordedOrder['kind'],
  until?: Instant,
): readonly RecordedOrder[] {
  const { order_no, reason, at: ordered_at } = data;
  const order = { order_no, kind, reason, ordered_at, ordered_by: meta.actor };
  return [...orders, { ...order, ...(until !== undefined && { until }) }].slice(-ORDERS_MAX);
}
