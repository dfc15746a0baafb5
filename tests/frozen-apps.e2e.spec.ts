import { DownbeatService, operation } from '@downbeat/sdk';
import { eventually } from '@downbeat/test-bench';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { eventsOf } from './support/bookings';
import { Suite, type AppName } from './support/suite';

/** Of the services: silent for longer, they count as gone. */
const TTL_MS = 12_000;
const FROZEN_MS = TTL_MS * 2;
/** Silence that the app wakes up to is looked at within. */
const LOOKED_AT_MS = 1_500;

const quote = operation('quote', {
  input: z.object({ sku: z.string() }),
  output: z.object({ price: z.number() }),
});

describe('services whose heartbeats are due while an app is frozen', () => {
  let suite: Suite;
  let shop: DownbeatService;
  let pricing: DownbeatService;

  beforeAll(async () => {
    suite = await Suite.start({ demo: false });
    [shop, pricing] = [joined('shop'), joined('pricing')];
    pricing.handle(quote, () => ({ price: 40 }));
    await Promise.all([shop, pricing].map((service) => service.start()));
    await eventually(
      () => shop.directory.serviceOf('pricing')?.targets,
      (targets) => expect(targets).toHaveLength(1),
      30_000,
    );
  });
  afterAll(async () => {
    await Promise.all([shop, pricing].map((service) => service?.stop()));
    await suite?.stop();
  });

  const joined = (service_name: string) =>
    new DownbeatService({
      gatewayUrl: suite.gatewayUrl,
      natsUrl: suite.natsUrl,
      service: { service_name, service_version: '1.0.0' },
      instance: { heartbeat_ttl_ms: TTL_MS },
      heartbeatMs: 500,
    });
  const lastSeen = async (): Promise<string> => {
    const path = '/services/pricing/instances';
    const { instances } = await suite.get<{ instances: { last_seen_at: string }[] }>(path);
    return instances[0]?.last_seen_at ?? '';
  };
  const ends = async (): Promise<readonly string[]> => {
    const ids = [shop, pricing].map(({ instanceId }) => instanceId);
    const all = await Promise.all(ids.map((id) => eventsOf(suite, `stream=instance-${id}`)));
    return all
      .flat()
      .map(({ type }) => type)
      .filter((type) => type === 'InstanceTerminating');
  };

  it.each<[AppName]>([['gateway'], ['registry'], ['health']])(
    'stay, and every call goes on: %s',
    async (name) => {
      const frozen = suite.app(name);
      const failures: unknown[] = [];
      const work = { calls: 0, isOver: false };
      const calling = (async () => {
        for (; !work.isOver; work.calls++) {
          await shop.call('pricing', quote, { sku: '4711' }).catch((fault) => failures.push(fault));
          await pause(5);
        }
      })();
      frozen.signal('SIGSTOP');
      try {
        await pause(FROZEN_MS);
      } finally {
        frozen.signal('SIGCONT');
      }
      await frozen.ready();
      const looked = new Date(Date.now() + LOOKED_AT_MS).toISOString();
      await eventually(lastSeen, (seen) => expect(seen > looked).toBe(true), 30_000);
      work.isOver = true;
      await calling;
      expect([failures, await ends()]).toEqual([[], []]);
      expect(work.calls).toBeGreaterThan(100);
    },
  );
});
