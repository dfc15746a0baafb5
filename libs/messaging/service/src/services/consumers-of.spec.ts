import type { Instant } from '@downbeat/eventsourcing';
import { consumersOfTopic } from './consumers-of';

it('has a consumer for each priority of a topic, and one for its dead letters that are sent again', () => {
  const consumers = consumersOfTopic('shop', 'paid', '2026-03-01T09:30:00.000Z' as Instant);
  const filters = consumers.map(({ durable, filter }) => [durable, filter]);
  expect(Object.fromEntries(filters)).toEqual({
    shop_paid_redriven: 'message.redriven.shop.*.paid',
    shop_paid_critical: 'message.critical.paid',
    shop_paid_high: 'message.high.paid',
    shop_paid_normal: 'message.normal.paid',
    shop_paid_low: 'message.low.paid',
  });
  expect(new Set(consumers.map(({ since }) => since))).toEqual(
    new Set(['2026-03-01T09:29:55.000Z']),
  );
});
