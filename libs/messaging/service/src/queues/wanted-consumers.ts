import type { Instant } from '@downbeat/eventsourcing';
import type { MessageConsumer } from '@downbeat/message-bus';
import type { Queue } from '@downbeat/messaging-domain';
import type { EntityManager } from 'typeorm';
import { consumersOf } from './declared-queues';
import type { ConsumerRow, QueueRow } from './view/queue.tables';

const iso = (at: Instant | Date): Instant => new Date(at).toISOString() as Instant;

/** A row of the view as the domain knows it. */
export const declaredIn = (row: QueueRow): Queue => ({
  status: 'declared',
  type: row.queue_type,
  options: row.options,
  createdAt: iso(row.created_at),
});

export interface WantedConsumer extends MessageConsumer {
  readonly service: string;
  readonly topic: string;
}

/** All that should be there, of everyone who has subscribed. */
export async function wantedConsumers(manager: EntityManager): Promise<readonly WantedConsumer[]> {
  const declared = await manager.query<QueueRow[]>('select * from queue');
  const queues = new Map(declared.map((row) => [row.queue_name, declaredIn(row)]));
  const subscribed = await manager.query<ConsumerRow[]>('select * from queue_consumer');
  const all = subscribed.flatMap(({ service_name, queue_name, subscribed_at }) =>
    consumersOf(service_name, queue_name, iso(subscribed_at), queues.get(queue_name)).map(
      (one) => ({ ...one, service: service_name, topic: queue_name }),
    ),
  );
  return [...new Map(all.map((one) => [one.durable, one])).values()];
}
