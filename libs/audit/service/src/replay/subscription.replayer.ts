import {
  subscription,
  type SubscriptionCommand,
  type SubscriptionEvent,
} from '@downbeat/messaging-domain';
import { DeciderReplay } from './decider-replay';
import type { Replayer } from './replayer';

export const subscriptionReplayer: Replayer = {
  context: 'messaging',
  begin: () => new DeciderReplay(subscription, causeOf),
};

/** One command names all topics that it begins or ends; those that changed nothing are forgotten. */
function causeOf(events: readonly SubscriptionEvent[]): SubscriptionCommand | undefined {
  const [first] = events;
  if (!first) return undefined;
  const { service_name, at } = first.data;
  const topics = events.map(({ data }) => data.topic);
  switch (first.type) {
    case 'TopicSubscribed':
      return { type: 'SubscribeService', data: { service_name, topics }, at };
    case 'TopicUnsubscribed':
      return {
        type: 'UnsubscribeService',
        data: { service_name, topics, reason: first.data.reason },
        at,
      };
  }
}
