import { refusedOf } from './refused';

it.each([
  ['publish', 'message.low.order-placed', 'publish', 'order-placed'],
  ['publish', 'broadcast.notice', 'publish', 'notice'],
  ['subscription', 'broadcast.notice', 'subscribe', 'notice'],
  ['publish', '$JS.API.CONSUMER.MSG.NEXT.message.shop_paid_redriven', 'subscribe', 'paid'],
  ['publish', '$JS.ACK.message.shop_paid_low.1.7.7.1700000000000000000.0', 'subscribe', 'paid'],
  ['publish', 'command.health.ReportCalls.shop.1', 'publish', undefined],
  ['subscription', 'service.shop.>', 'subscribe', undefined],
  ['publish', 'message.low.order.placed', 'publish', undefined],
  ['publish', 'broadcast.No Topic', 'publish', undefined],
])('a %s on %s that is refused keeps from a %s of the topic %s', (operation, subject, to, topic) =>
  expect(refusedOf(operation, subject)).toEqual({ to, subject, ...(topic && { topic }) }),
);
