import type { Instant } from '@downbeat/eventsourcing';
import type { SubscriptionEvent } from '@downbeat/messaging-domain';
import type { Projection, Table } from '@downbeat/projections';

/** A topic whose messages are kept for a service. */
export interface SubscriptionRow {
  readonly [column: string]: unknown;
  /** `shipping/order-placed` */
  readonly id: string;
  readonly service_name: string;
  readonly topic: string;
  readonly subscribed_at: Instant;
}

interface About {
  readonly data: { readonly service_name: string; readonly topic: string };
}
const idOf = ({ data }: About): string => `${data.service_name}/${data.topic}`;

const subscription: Table<SubscriptionRow, SubscriptionEvent> = {
  name: 'subscription',
  key: 'id',
  columns: { id: 'text', service_name: 'text', topic: 'text', subscribed_at: 'instant' },
  indexes: [['service_name'], ['topic']],
  on: {
    TopicSubscribed: {
      keys: (event) => [idOf(event)],
      fold: (_, event) => ({
        id: idOf(event),
        service_name: event.data.service_name,
        topic: event.data.topic,
        subscribed_at: event.data.at,
      }),
    },
    TopicUnsubscribed: { keys: (event) => [idOf(event)], fold: () => undefined },
  },
};

/** Which services have messages of which topics kept for them. */
export const subscriptions: Projection = {
  name: 'messaging.subscriptions',
  version: 1,
  tables: [subscription],
};
