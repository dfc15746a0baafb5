import type { Instant } from '@downbeat/eventsourcing';
import type { DeliveryEvent } from '@downbeat/observability-domain';
import type { Table } from '@downbeat/projections';
import { placeOf } from './alert.table';

/** A webhook, from its preparation to its end. */
export interface DeliveryRow {
  readonly [column: string]: unknown;
  readonly delivery_id: string;
  readonly receiver_id: string;
  readonly status: 'prepared' | 'delivered' | 'failed';
  readonly notices: readonly string[];
  readonly attempts: number;
  readonly prepared_at: Instant;
  readonly next_attempt_at: Instant | null;
  readonly ended_at: Instant | null;
  readonly last_reason: string | null;
  readonly place: string;
}

const ofDelivery = ({ data }: { readonly data: { readonly delivery_id: string } }) => [
  data.delivery_id,
];

export const deliveryTable: Table<DeliveryRow, DeliveryEvent> = {
  name: 'alert_delivery',
  key: 'delivery_id',
  columns: {
    delivery_id: 'text',
    receiver_id: 'text',
    status: 'text',
    notices: 'json',
    attempts: 'bigint',
    prepared_at: 'instant',
    next_attempt_at: 'instant?',
    ended_at: 'instant?',
    last_reason: 'text?',
    place: 'text',
  },
  indexes: [['status', 'next_attempt_at'], ['place']],
  on: {
    WebhookPrepared: {
      keys: ofDelivery,
      fold: (_, { data: { delivery_id, receiver_id, notices, at }, position }) => ({
        delivery_id,
        receiver_id,
        status: 'prepared',
        notices,
        attempts: 0,
        prepared_at: at,
        next_attempt_at: at,
        ended_at: null,
        last_reason: null,
        place: placeOf(position, delivery_id),
      }),
    },
    WebhookAttemptFailed: {
      keys: ofDelivery,
      fold: (row, { data: { attempt, reason, retry_at } }) =>
        row && { ...row, attempts: attempt, next_attempt_at: retry_at, last_reason: reason },
    },
    WebhookDelivered: {
      keys: ofDelivery,
      fold: (row, { data: { attempts, at, status } }) =>
        row && {
          ...row,
          status: 'delivered',
          attempts,
          next_attempt_at: null,
          ended_at: at,
          last_reason: `HTTP ${status}`,
        },
    },
    WebhookFailed: {
      keys: ofDelivery,
      fold: (row, { data: { attempts, at, reason } }) =>
        row && {
          ...row,
          status: 'failed',
          attempts,
          next_attempt_at: null,
          ended_at: at,
          last_reason: reason,
        },
    },
  },
};
