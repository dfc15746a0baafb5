import { messagingContract } from '@downbeat/contracts';
import type { EventStore } from '@downbeat/event-store';
import { fold, type Instant } from '@downbeat/eventsourcing';
import type { MessageConsumer } from '@downbeat/message-bus';
import {
  deliveriesMaxOf,
  isShared,
  queueDeclaration,
  queueStream,
  type Queue,
  type QueueEvent,
} from '@downbeat/messaging-domain';
import { consumersOfTopic } from '../services/consumers-of';

const { MESSAGE_PRIORITIES, queueConsumer } = messagingContract;

/** What is said about queues right now; each name has one, of those that nobody declared too. */
export async function queuesOf(
  store: Pick<EventStore, 'load'>,
  names: readonly string[],
): Promise<ReadonlyMap<string, Queue>> {
  const all = await Promise.all(
    [...new Set(names)].map(async (name): Promise<[string, Queue]> => {
      const events = await store.load<QueueEvent>(queueStream(name));
      return [name, fold(queueDeclaration, events)];
    }),
  );
  return new Map(all);
}

export async function queueOf(store: Pick<EventStore, 'load'>, name: string): Promise<Queue> {
  return (await queuesOf(store, [name])).get(name) ?? queueDeclaration.initialState;
}

/** What a service pulls from: consumers of its own, or those that it shares with others. */
export function consumersOf(
  service: string,
  topic: string,
  subscribedAt: Instant,
  queue: Queue = queueDeclaration.initialState,
): readonly MessageConsumer[] {
  const [redriven, ...own] = consumersOfTopic(service, topic, subscribedAt);
  const deliveriesMax = deliveriesMaxOf(queue);
  const priorities = isShared(queue) ? sharedConsumers(topic, queue.createdAt) : own;
  const limited = priorities.map((one) =>
    deliveriesMax === undefined ? one : { ...one, deliveriesMax },
  );
  return redriven ? [redriven, ...limited] : limited;
}

/** Of a queue: they begin with it, whoever comes later. */
function sharedConsumers(topic: string, createdAt: Instant): readonly MessageConsumer[] {
  const [, ...likeOnes] = consumersOfTopic('anyone', topic, createdAt);
  return likeOnes.map((one, index) => {
    const priority = MESSAGE_PRIORITIES[index] ?? 'normal';
    return { ...one, durable: queueConsumer(topic, priority) };
  });
}

export const sharedDurables = (topic: string): readonly string[] =>
  MESSAGE_PRIORITIES.map((priority) => queueConsumer(topic, priority));

/** Whose consumer it is, of what; undefined for one that is not of the suite's making. */
export function consumerParts(
  durable: string,
):
  | { readonly service: string | undefined; readonly topic: string; readonly lane: string }
  | undefined {
  const [service = '', topic, lane, ...more] = durable.split('_');
  if (topic === undefined || lane === undefined || more.length > 0) return undefined;
  return { service: service === 'QUEUE' ? undefined : service, topic, lane };
}
