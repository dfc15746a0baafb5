import { instantOf } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import {
  subscription,
  TOPICS_OF_SERVICE_MAX,
  type SubscriptionCommand,
  type SubscriptionEvent,
} from './subscription';

const { given } = specification(subscription);

const at = instantOf(1_000_000);
const later = instantOf(2_000_000);
const service_name = 'shipping';
const subscribe = (topics: string[], now = at): SubscriptionCommand => ({
  type: 'SubscribeService',
  data: { service_name, topics },
  at: now,
});
const unsubscribe = (...topics: string[]): SubscriptionCommand => ({
  type: 'UnsubscribeService',
  data: { service_name, topics, reason: 'gone' },
  at: later,
});
const subscribed = (topic: string, when = at): SubscriptionEvent => ({
  type: 'TopicSubscribed',
  data: { service_name, topic, at: when },
});
const unsubscribed = (topic: string): SubscriptionEvent => ({
  type: 'TopicUnsubscribed',
  data: { service_name, topic, reason: 'gone', at: later },
});

describe('what is kept for a service', () => {
  it('begins with each topic it names', () =>
    given()
      .when(subscribe(['paid', 'sent']))
      .then(subscribed('paid'), subscribed('sent')));

  it('does not begin again when another instance asks', () =>
    given(subscribed('paid'))
      .when(subscribe(['paid'], later))
      .thenNothing());

  it('grows by what is new', () =>
    given(subscribed('paid'))
      .when(subscribe(['paid', 'sent'], later))
      .then(subscribed('sent', later)));

  it('ends when it is told to, once', () => {
    given(subscribed('paid')).when(unsubscribe('paid', 'other')).then(unsubscribed('paid'));
    given(subscribed('paid'), unsubscribed('paid')).when(unsubscribe('paid')).thenNothing();
  });

  it('begins anew after its end', () =>
    given(subscribed('paid'), unsubscribed('paid'))
      .when(subscribe(['paid'], later))
      .then(subscribed('paid', later)));

  it('is bounded', () => {
    const many = Array.from({ length: TOPICS_OF_SERVICE_MAX }, (_, n) => `t${n}`);
    const before = many.map((topic) => subscribed(topic));
    given(...before)
      .when(subscribe(['one-more']))
      .thenRejected('too-many-topics');
    given(...before)
      .when(subscribe([many[0] ?? '']))
      .thenNothing();
  });
});
