import { z } from 'zod';
import { NatsLink } from '../nats/nats-link';
import { Messages } from './messages';
import { topic, type SubscribeOptions } from './topic';

const paid = topic('paid', z.object({}));
const subscribe = (options: SubscribeOptions) => (): void => {
  const link = new NatsLink({ natsUrl: 'nats://127.0.0.1:9', name: 'shop' });
  const ports = { link, service: 'shop', tell: () => undefined, onDefect: () => undefined };
  new Messages(ports).subscribe(paid, () => undefined, options);
};
const DAY_MS = 86_400_000;

describe('a subscription', () => {
  it.each<[SubscribeOptions]>([
    [{ handlerTimeoutMs: DAY_MS + 1 }],
    [{ handlerTimeoutMs: Infinity }],
    [{ retryDelayFirstMs: 2 ** 31 }],
    [{ retryDelayMaxMs: DAY_MS + 1 }],
    [{ deliveriesMax: 100_001 }],
    [{ inFlightMax: 10_001 }],
    [{ inFlightMax: 0 }],
    [{ deliveriesMax: 1.5 }],
  ])('is refused with %j', (options) => expect(subscribe(options)).toThrow(RangeError));

  it('has its numbers up to their bounds', () => {
    const ms = { handlerTimeoutMs: DAY_MS, retryDelayFirstMs: DAY_MS, retryDelayMaxMs: DAY_MS };
    expect(subscribe({ ...ms, inFlightMax: 10_000, deliveriesMax: 100_000 })).not.toThrow();
  });
});
