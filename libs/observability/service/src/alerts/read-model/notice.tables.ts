import type { Instant, RecordedEvent } from '@downbeat/eventsourcing';
import {
  noticeKey,
  type AlertEvent,
  type AlertFired,
  type AlertResolved,
  type AlertSaid,
  type DeliveryEvent,
  type NoticeKind,
  type WebhookDelivered,
  type WebhookFailed,
  type WebhookPrepared,
} from '@downbeat/observability-domain';
import { ignore, type Table } from '@downbeat/projections';
import { placeOf } from './alert.table';

/** What people are told, once and for all: one beginning or end of an alert. */
export interface NoticeRow {
  readonly [column: string]: unknown;
  readonly notice: string;
  readonly alert_id: string;
  readonly episode: number;
  readonly kind: NoticeKind;
  readonly at: Instant;
  readonly position: number;
  readonly reason: string;
  readonly value: number | null;
  /** Of a beginning. */
  readonly said: AlertSaid | null;
  readonly place: string;
}

type Told = AlertFired | AlertResolved;
const keyOf = ({ type, data }: Told): string =>
  noticeKey(data.alert_id, data.episode, type === 'AlertFired' ? 'fired' : 'resolved');

const noticeOf = (event: RecordedEvent<Told>, said: AlertSaid | null): NoticeRow => {
  const { alert_id, episode, at, reason, value } = event.data;
  const notice = keyOf(event as Told);
  return {
    notice,
    alert_id,
    episode,
    kind: event.type === 'AlertFired' ? 'fired' : 'resolved',
    at,
    position: event.position,
    reason,
    value: value ?? null,
    said,
    place: placeOf(event.position, alert_id),
  };
};

export const noticeTable: Table<NoticeRow, AlertEvent> = {
  name: 'alert_notice',
  key: 'notice',
  columns: {
    notice: 'text',
    alert_id: 'text',
    episode: 'bigint',
    kind: 'text',
    at: 'instant',
    position: 'bigint',
    reason: 'text',
    value: 'double?',
    said: 'json?',
    place: 'text',
  },
  indexes: [['alert_id', 'place']],
  on: {
    AlertFired: {
      keys: (event) => [keyOf(event as Told)],
      fold: (_, event) => {
        const { episode: __, at: ___, receivers: ____, ...said } = event.data;
        return noticeOf(event, said);
      },
    },
    AlertSilenced: ignore,
    AlertAcknowledged: ignore,
    AlertResolved: {
      keys: (event) => [keyOf(event as Told)],
      fold: (_, event) => noticeOf(event, null),
    },
  },
};

/** One notice for one receiver: it is owed from the commit of the alert on. */
export interface OwedRow {
  readonly [column: string]: unknown;
  readonly owed: string;
  readonly receiver_id: string;
  readonly notice: string;
  readonly alert_id: string;
  readonly episode: number;
  readonly kind: NoticeKind;
  readonly status: 'owed' | 'prepared' | 'delivered' | 'failed';
  readonly delivery_id: string | null;
  readonly reason: string | null;
  readonly place: string;
}

const owedKey = (receiverId: string, notice: string): string => `${receiverId} ${notice}`;
const owedKeys = (event: Told): readonly string[] =>
  event.data.receivers.map((receiver) => owedKey(receiver, keyOf(event)));

const owedOf = (event: RecordedEvent<Told>, owed: string): OwedRow => ({
  owed,
  receiver_id: owed.split(' ')[0] ?? '',
  notice: keyOf(event as Told),
  alert_id: event.data.alert_id,
  episode: event.data.episode,
  kind: event.type === 'AlertFired' ? 'fired' : 'resolved',
  status: 'owed',
  delivery_id: null,
  reason: null,
  place: placeOf(event.position, event.data.alert_id),
});

type WithNotices = WebhookPrepared | WebhookDelivered | WebhookFailed;
const settled = <Event extends WithNotices>(
  status: OwedRow['status'],
  reasonOf: (data: Event['data']) => string | null,
) => ({
  keys: ({ data }: RecordedEvent<Event>) =>
    (data as WithNotices['data']).notices.map((notice) =>
      owedKey((data as WithNotices['data']).receiver_id, notice),
    ),
  fold: (row: OwedRow | undefined, { data }: RecordedEvent<Event>): OwedRow | undefined =>
    row && {
      ...row,
      status,
      delivery_id: (data as WithNotices['data']).delivery_id,
      reason: reasonOf(data as Event['data']),
    },
});

export const owedTable: Table<OwedRow, AlertEvent | DeliveryEvent> = {
  name: 'alert_owed',
  key: 'owed',
  columns: {
    owed: 'text',
    receiver_id: 'text',
    notice: 'text',
    alert_id: 'text',
    episode: 'bigint',
    kind: 'text',
    status: 'text',
    delivery_id: 'text?',
    reason: 'text?',
    place: 'text',
  },
  indexes: [
    ['status', 'place'],
    ['alert_id', 'place'],
  ],
  on: {
    AlertFired: {
      keys: (event) => owedKeys(event as Told),
      fold: (_, event, key) => owedOf(event, key),
    },
    AlertSilenced: ignore,
    AlertAcknowledged: ignore,
    AlertResolved: {
      keys: (event) => owedKeys(event as Told),
      fold: (_, event, key) => owedOf(event, key),
    },
    WebhookPrepared: settled<WebhookPrepared>('prepared', () => null),
    WebhookAttemptFailed: ignore,
    WebhookDelivered: settled<WebhookDelivered>('delivered', () => null),
    WebhookFailed: settled<WebhookFailed>('failed', ({ reason }) => reason),
  },
};
