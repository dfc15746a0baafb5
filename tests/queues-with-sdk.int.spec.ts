import { MessageRefused, topic, type DownbeatService } from '@downbeat/sdk';
import { eventually } from '@downbeat/test-bench';
import { z } from 'zod';
import { MessageBench } from './support/message-bench';
import { OpenNats } from './support/open-nats';

jest.setTimeout(180_000);

const SOON_MS = 60_000;
const job = z.object({ n: z.number() });

describe('services with the SDK', () => {
  let bench: MessageBench;
  let shop: DownbeatService;
  beforeAll(async () => {
    bench = await MessageBench.start(await OpenNats.start());
    shop = bench.service('shop');
    await shop.start();
  });
  afterAll(() => bench.stop());

  const queue = async (queue_name: string): Promise<Record<string, unknown>> => {
    const { data } = await bench.query('list-queues', { queue_name });
    return (data as { queues: Record<string, unknown>[] }).queues[0] ?? {};
  };

  it('share a queue: one of them handles each message, and its queue says how often', async () => {
    const jobs = topic('jobs', job);
    await bench.command('CreateQueue', 'jobs', {
      queue_type: 'queue',
      consumer_services: ['worker', 'helper'],
      dlq_max_retries: 1,
    });
    const handled: number[] = [];
    const tried: number[] = [];
    for (const name of ['worker', 'helper']) {
      const service = bench.service(name);
      service.subscribe(
        jobs,
        ({ n }) => {
          if (n === 7) {
            tried.push(n);
            throw new Error('not this one');
          }
          handled.push(n);
        },
        { retryDelayFirstMs: 1, retryDelayMaxMs: 10 },
      );
      await bench.started(service, name);
    }
    for (let n = 0; n < 20; n++) await shop.publish(jobs, { n });
    await eventually(
      () => queue('jobs'),
      (shown) =>
        expect(shown).toMatchObject({
          ...{ produced_count: 20, consumed_count: 19, dlq_message_count: 1, message_count: 0 },
        }),
      SOON_MS,
    );
    expect(handled.toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, n) => n).filter((n) => n !== 7),
    );
    expect(tried).toHaveLength(2);
  });

  it('send later, and for a time; what is over nobody handles', async () => {
    const later = topic('later', job);
    const handled: number[] = [];
    const clerk = bench.service('clerk');
    clerk.subscribe(later, ({ n }) => void handled.push(n));
    await bench.started(clerk, 'clerk');
    const delayed = await shop.publish(later, { n: 1 }, { delayMs: 1_500 });
    expect(delayed.delayedId).toMatch(/^[0-9a-f-]{36}$/);
    expect(handled).toEqual([]);
    await eventually(
      () => handled,
      (all) => expect(all).toEqual([1]),
      SOON_MS,
    );
    await clerk.stop();
    await shop.publish(later, { n: 2 }, { ttlMs: 200 });
    await eventually(
      () => queue('later'),
      (shown) => expect(shown).toMatchObject({ expired_count: 1, produced_count: 2 }),
      SOON_MS,
    );
    const next = bench.service('clerk');
    next.subscribe(later, ({ n }) => void handled.push(n));
    await bench.started(next, 'clerk');
    await shop.publish(later, { n: 3 });
    await eventually(
      () => handled,
      (all) => expect(all).toEqual([1, 3]),
      SOON_MS,
    );
    await expect(shop.publish(later, { n: 4 }, { ttlMs: 1 })).rejects.toThrow('ttlMs must be');
    await expect(shop.publish(later, { n: 4 }, { delayMs: 1e12 })).rejects.toThrow('delayMs');
  });

  it('have a dead letter counted as consumed when it was sent again and handled', async () => {
    const fragile = topic('fragile', job);
    let isFixed = false;
    const fixer = bench.service('fixer');
    fixer.subscribe(fragile, () => {
      if (!isFixed) throw new MessageRefused('not now');
    });
    await bench.started(fixer, 'fixer');
    await shop.publish(fragile, { n: 1 });
    await eventually(
      () => queue('fragile'),
      (shown) => expect(shown).toMatchObject({ dlq_message_count: 1, consumed_count: 0 }),
      SOON_MS,
    );
    isFixed = true;
    const [letter] = await bench.letters('fixer');
    await bench.command('RedriveDeadLetter', letter?.id ?? '', {});
    await eventually(
      () => queue('fragile'),
      (shown) =>
        expect(shown).toMatchObject({ dlq_message_count: 0, consumed_count: 1, produced_count: 1 }),
      SOON_MS,
    );
  });
});
