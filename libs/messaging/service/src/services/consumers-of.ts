import { messagingContract } from '@downbeat/contracts';
import { epochMs, instantOf, type Instant } from '@downbeat/eventsourcing';
import type { MessageConsumer, StoredMessage } from '@downbeat/message-bus';
import type { Subscriptions } from '@downbeat/messaging-domain';

const { MESSAGE_PRIORITIES, messageConsumer, messageSubject, redrivenConsumer, redrivenLead } =
  messagingContract;

/** The clocks of the NATS server and of this process differ by less. What is too much is handled, what is missing is lost. */
const CLOCKS_DIFFER_MS = 5_000;

/**
 * What a service pulls from: one consumer for each priority of a topic, and one for the topic's dead letters that are
 * sent again. An instance that lacks the topic so gets none of them: it could only give them back, which counts.
 */
export function consumersOfTopic(
  service: string,
  topic: string,
  subscribedAt: Instant,
): readonly MessageConsumer[] {
  const since = instantOf(epochMs(subscribedAt) - CLOCKS_DIFFER_MS);
  const redriven = {
    durable: redrivenConsumer(service, topic),
    filter: `${redrivenLead(service)}*.${topic}`,
    since,
  };
  const ofPriorities = MESSAGE_PRIORITIES.map((priority) => ({
    durable: messageConsumer(service, topic, priority),
    filter: messageSubject(priority, topic),
    since,
  }));
  return [redriven, ...ofPriorities];
}

/** Whether a service gets a message from one of them. */
export function wasFor(
  { subject, publishedAt }: Pick<StoredMessage, 'subject' | 'publishedAt'>,
  service: string,
  subscriptions: Subscriptions,
): boolean {
  const topic = subject.slice(subject.lastIndexOf('.') + 1);
  const subscribedAt = subscriptions.get(topic);
  if (subscribedAt === undefined) return false;
  return consumersOfTopic(service, topic, subscribedAt).some(
    ({ filter, since }) => filter === subject && Date.parse(since) <= publishedAt.getTime(),
  );
}
