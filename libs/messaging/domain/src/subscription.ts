import type { DataOf, messagingContract } from '@downbeat/contracts';
import {
  Rejection,
  streamName,
  type Command,
  type Decider,
  type Decision,
  type Instant,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';

export type SubscribeService = Command<
  'SubscribeService',
  DataOf<typeof messagingContract.subscribeService>
>;
export type UnsubscribeService = Command<
  'UnsubscribeService',
  DataOf<typeof messagingContract.unsubscribeService>
>;
export type SubscriptionCommand = SubscribeService | UnsubscribeService;

/** Messages of the topic are kept for the service from `at` on, until it is unsubscribed. */
export type TopicSubscribed = Message<
  'TopicSubscribed',
  { readonly service_name: string; readonly topic: string; readonly at: Instant }
>;
export type TopicUnsubscribed = Message<
  'TopicUnsubscribed',
  {
    readonly service_name: string;
    readonly topic: string;
    readonly reason: string;
    readonly at: Instant;
  }
>;
export type SubscriptionEvent = TopicSubscribed | TopicUnsubscribed;

/** The topics of one service, and since when each is kept for it. */
export type Subscriptions = ReadonlyMap<string, Instant>;

/** Each topic costs the server a consumer for each priority. */
export const TOPICS_OF_SERVICE_MAX = 100;

export const subscriptionStream = (service: string): StreamName =>
  streamName('subscription', service);

/** Which topics' messages are kept for a service; asked for again by every instance that starts. */
export const subscription: Decider<Subscriptions, SubscriptionCommand, SubscriptionEvent> = {
  initialState: new Map(),

  decide(command, state) {
    switch (command.type) {
      case 'SubscribeService':
        return subscribe(command, state);
      case 'UnsubscribeService':
        return unsubscribe(command, state);
    }
  },

  evolve(state, { type, data }) {
    const topics = new Map(state);
    switch (type) {
      case 'TopicSubscribed':
        return topics.set(data.topic, data.at);
      case 'TopicUnsubscribed':
        topics.delete(data.topic);
        return topics;
    }
  },
};

function subscribe(
  { data: { service_name, topics }, at }: SubscribeService,
  state: Subscriptions,
): Decision<SubscriptionEvent> {
  const added = topics.filter((topic) => !state.has(topic));
  if (state.size + added.length > TOPICS_OF_SERVICE_MAX)
    return new Rejection(
      'too-many-topics',
      `${service_name} would have ${state.size + added.length} topics, at most ${TOPICS_OF_SERVICE_MAX} are allowed; unsubscribe those it no longer handles`,
    );
  return added.map((topic) => ({ type: 'TopicSubscribed', data: { service_name, topic, at } }));
}

function unsubscribe(
  { data: { service_name, topics, reason }, at }: UnsubscribeService,
  state: Subscriptions,
): Decision<SubscriptionEvent> {
  return topics
    .filter((topic) => state.has(topic))
    .map((topic) => ({ type: 'TopicUnsubscribed', data: { service_name, topic, reason, at } }));
}
