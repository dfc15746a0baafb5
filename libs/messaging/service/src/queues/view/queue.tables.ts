import type { Instant } from '@downbeat/eventsourcing';
import type { QueueEvent, QueueOptions, SubscriptionEvent } from '@downbeat/messaging-domain';
import type { Table } from '@downbeat/projections';

/** A queue that somebody declared. */
export interface QueueRow {
  readonly [column: string]: unknown;
  readonly queue_name: string;
  readonly queue_type: 'topic' | 'queue' | 'dead_letter';
  readonly options: QueueOptions;
  readonly created_at: Instant;
}

const keyOf = ({ data }: { readonly data: { readonly queue_name: string } }) => [data.queue_name];

export const queueTable: Table<QueueRow, QueueEvent> = {
  name: 'queue',
  key: 'queue_name',
  columns: { queue_name: 'text', queue_type: 'text', options: 'json', created_at: 'instant' },
  on: {
    QueueCreated: {
      keys: keyOf,
      fold: (_, { data: { queue_name, queue_type, at, ...options } }) => ({
        queue_name,
        queue_type,
        options,
        created_at: at,
      }),
    },
    QueueChanged: {
      keys: keyOf,
      fold: (row, { data: { queue_name: _, at: __, ...options } }) => row && { ...row, options },
    },
    QueueRemoved: { keys: keyOf, fold: () => undefined },
  },
};

/** Who consumes what: each topic that a service has subscribed to is a queue. */
export interface ConsumerRow {
  readonly [column: string]: unknown;
  readonly id: string;
  readonly queue_name: string;
  readonly service_name: string;
  readonly subscribed_at: Instant;
}

const idOf = ({ data }: SubscriptionEvent | { readonly data: SubscriptionEvent['data'] }) =>
  `${data.topic}/${data.service_name}`;

export const queueConsumerTable: Table<ConsumerRow, SubscriptionEvent> = {
  name: 'queue_consumer',
  key: 'id',
  columns: { id: 'text', queue_name: 'text', service_name: 'text', subscribed_at: 'instant' },
  indexes: [['queue_name'], ['service_name']],
  on: {
    TopicSubscribed: {
      keys: (event) => [idOf(event)],
      fold: (_, event) => ({
        id: idOf(event),
        queue_name: event.data.topic,
        service_name: event.data.service_name,
        subscribed_at: event.data.at,
      }),
    },
    TopicUnsubscribed: { keys: (event) => [idOf(event)], fold: () => undefined },
  },
};
