import { Rejection, type Instant } from '@downbeat/eventsourcing';
import type { StoredMessage } from '@downbeat/message-bus';
import { letterOf } from './failed-message';

const subscribedAt = '2026-03-01T09:30:00.000Z' as Instant;
const letter = (message: Partial<StoredMessage>) =>
  letterOf(
    {
      subject: 'message.high.paid',
      headers: { 'Downbeat-Message-Id': 'm-1' },
      body: Buffer.from('{}'),
      publishedAt: new Date(subscribedAt),
      ...message,
    },
    {
      service: 'shipping',
      subscriptions: new Map([['paid', subscribedAt]]),
      streamCreated: 'life-1',
      sequence: 7,
      attempts: 3,
      error: 'no such warehouse',
    },
  );
const before = (ms: number) => new Date(Date.parse(subscribedAt) - ms);

describe('the dead letter of a message', () => {
  it.each<[string, Partial<StoredMessage>]>([
    ['of another topic', { subject: 'message.high.other' }],
    ['below the topic', { subject: 'message.high.paid.more' }],
    ['of no priority', { subject: 'message.odd.paid' }],
    ['from long before the subscription', { publishedAt: before(5_001) }],
    ['that is sent again to another service', { subject: 'message.redriven.mailing.high.paid' }],
    ['of a longer name', { subject: 'message.redriven.shipping-2.high.paid' }],
  ])('is not made of one %s', (_, message) => expect(letter(message)).toBeInstanceOf(Rejection));

  it.each<[string, Partial<StoredMessage>]>([
    ['of the topic', {}],
    ['from just before the subscription', { publishedAt: before(5_000) }],
    [
      'that is sent again, however old',
      { subject: 'message.redriven.shipping.high.paid', publishedAt: before(86_400_000) },
    ],
  ])('is made of one %s', (_, message) =>
    expect(letter(message)).toMatchObject({ subject: 'message.high.paid', message_id: 'm-1' }),
  );

  it('says of which redrive the copy was, and nothing of an original', () => {
    const headers = { 'Downbeat-Dead-Letter': 'l-1', 'Nats-Msg-Id': 'l-1:2' };
    const subject = 'message.redriven.shipping.high.paid';
    expect(letter({ subject, headers })).toMatchObject({ id: 'l-1', redrive: 2 });
    expect(letter({ headers })).not.toHaveProperty('redrive');
  });

  it.each([
    ['a\0b', 'a b'],
    ['\0', 'life-1:7'],
    ['x'.repeat(300), 'x'.repeat(200)],
  ])('has ids that can be kept: %j', (id, kept) => {
    const headers = { 'Downbeat-Message-Id': id, 'Downbeat-Correlation-Id': id };
    expect(letter({ headers })).toMatchObject({ message_id: kept, correlation_id: kept, headers });
  });
});
