import { z } from 'zod';
import type { Arrival } from './arrival';
import { topic } from './topic';
import { verdictOn } from './verdict';

const limits = {
  inFlightMax: 1,
  deliveriesMax: 3,
  handlerTimeoutMs: 1_000,
  retryDelayFirstMs: 1,
  retryDelayMaxMs: 1,
};
const place = topic('place', z.object({ at: z.string().transform((at) => new URL(at).host) }));
const arrival = (deliveries: number): Arrival => ({
  topic: 'place',
  priority: 'normal',
  streamCreated: 'life-1',
  sequence: 7,
  deliveries,
  isRedriven: false,
  publishedAt: new Date(0),
  headers: {},
  data: Buffer.from('{"at":"no address"}'),
  reply: '',
});

it('a schema that throws is a failure like any other: it comes again, and is a dead letter in the end', async () => {
  const handle = jest.fn();
  const on = (deliveries: number) =>
    verdictOn(arrival(deliveries), { topic: place, handle, limits });
  expect([await on(1), await on(3)]).toMatchObject([
    { outcome: 'retry', reason: expect.stringContaining('URL') as string },
    { outcome: 'dead-letter', reason: expect.stringMatching(/^gave up after 3 .*URL/) as string },
  ]);
  expect(handle).not.toHaveBeenCalled();
});
