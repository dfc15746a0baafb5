import type { Instant, RecordedEvent } from '@downbeat/eventsourcing';
import {
  afterReport,
  type BreakerControlEvent,
  type BreakerEvent,
  type BreakerSettings,
  type Holders,
} from '@downbeat/health-domain';
import { ignore, type Table } from '@downbeat/projections';
import { afterOrder, type RecordedOrder } from './recorded-order';

export interface BreakerRow {
  readonly [column: string]: unknown;
  readonly breaker_id: string;
  readonly service_name: string;
  readonly target_service: string;
  readonly endpoint_pattern: string;
  readonly settings: BreakerSettings | null;
  /** The newest last. */
  readonly orders: readonly RecordedOrder[];
  readonly holders: Holders;
  readonly created_at: Instant;
  /** Of the newest event about it. */
  readonly changed_at: Instant;
}

const NEW = { settings: null, orders: [], holders: {} } as const;

/** What people said of one breaker. */
const said = <Event extends BreakerControlEvent>(
  change: (event: RecordedEvent<Event>, row: BreakerRow) => Partial<BreakerRow>,
) => ({
  keys: ({ data }: RecordedEvent<Event>) => [data.breaker_id],
  fold: (row: BreakerRow | undefined, event: RecordedEvent<Event>): BreakerRow => {
    const { breaker_id, service_name, target_service, endpoint_pattern } = event.data;
    const key = { breaker_id, service_name, target_service, endpoint_pattern };
    const changed_at = event.recorded_at;
    const before: BreakerRow = row ?? { ...NEW, ...key, created_at: changed_at, changed_at };
    return { ...before, ...change(event, before), changed_at };
  },
});

export const breakerTable: Table<BreakerRow, BreakerEvent> = {
  name: 'circuit_breaker',
  key: 'breaker_id',
  columns: {
    breaker_id: 'text',
    service_name: 'text',
    target_service: 'text',
    endpoint_pattern: 'text',
    settings: 'json?',
    orders: 'json',
    holders: 'json',
    created_at: 'instant',
    changed_at: 'instant',
  },
  indexes: [['service_name'], ['target_service']],
  on: {
    BreakerTransitioned: ignore,
    BreakersCounted: {
      keys: ({ data }) => data.breakers.map(({ breaker_id }) => breaker_id),
      fold: (row, { data, recorded_at }, id) => {
        const counted = data.breakers.find(({ breaker_id }) => breaker_id === id);
        if (!counted) return row;
        const { breaker_id, service_name, target_service, endpoint_pattern } = counted;
        const key = { breaker_id, service_name, target_service, endpoint_pattern };
        const before = row ?? { ...NEW, ...key, created_at: recorded_at };
        const holders = afterReport(before.holders, data, counted);
        return { ...before, holders, changed_at: recorded_at };
      },
    },
    BreakerCreated: said(({ data }) => ({ settings: data.settings })),
    BreakerChanged: said(({ data }) => ({ settings: data.settings })),
    BreakerRemoved: {
      keys: ({ data }) => [data.breaker_id],
      fold: (row, { recorded_at }) =>
        // What was never called and has no order to be carried out was made up by its settings.
        row && (Object.keys(row.holders).length > 0 || row.orders.length > 0)
          ? { ...row, settings: null, changed_at: recorded_at }
          : undefined,
    },
    BreakerResetOrdered: said((event, { orders }) => ({
      orders: afterOrder(orders, event, 'reset'),
    })),
    BreakerForceOrdered: said((event, { orders }) => ({
      orders: afterOrder(orders, event, event.data.mode, event.data.until),
    })),
    BreakerReleaseOrdered: said((event, { orders }) => ({
      orders: afterOrder(orders, event, 'release'),
    })),
    BreakerDefaultsSet: ignore,
    BreakerDefaultsRemoved: ignore,
  },
};
