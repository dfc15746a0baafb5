import { MessageBus, type ConsumerProgress, type MessageProgress } from '@downbeat/message-bus';
import { ReadModels } from '@downbeat/projections';
import { Clock } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { consumerParts } from './declared-queues';
import { queues } from './view/queues.projection';

/** Those who look at the same moment share what the server said. */
const FRESH_MS = 1_000;
const RATES_MAX = 1_000;
const WINDOW_MINUTES = 5;

export interface ServiceProgress {
  readonly pending: number;
  readonly inHand: number;
  readonly waiting: number;
}

interface Rate {
  readonly perMinute: number;
  readonly averageMs: number | undefined;
}

/** How full queues are right now, as the server sees it. */
@Injectable()
export class QueueGauge {
  private seen: { readonly atMs: number; readonly progress: Promise<MessageProgress | undefined> } =
    {
      atMs: -Infinity,
      progress: Promise.resolve(undefined),
    };
  private readonly rates = new LRUCache<string, Rate>({ max: RATES_MAX, ttl: 2_000 });

  constructor(
    private readonly bus: MessageBus,
    private readonly readModels: ReadModels,
    private readonly clock: Clock,
  ) {}

  progress(): Promise<MessageProgress | undefined> {
    const now = this.clock.now();
    if (Math.abs(now - this.seen.atMs) > FRESH_MS) {
      const progress = this.bus.serviceMessages.progress();
      // Who asks next asks anew.
      progress.catch(() => (this.seen = { ...this.seen, atMs: -Infinity }));
      this.seen = { atMs: now, progress };
    }
    return this.seen.progress;
  }

  /** ISO 8601; undefined while nothing says how fast it is. */
  async estimated(queue: string, delayMs = 0): Promise<string | undefined> {
    const rate = this.rates.get(queue) ?? (await this.rate(queue));
    if (rate.averageMs === undefined) return undefined;
    const depth = depthOf(await this.progress(), queue);
    const waitMs = depth === 0 ? 0 : (depth / Math.max(rate.perMinute, 0.1)) * 60_000;
    return `PT${Math.round(delayMs + waitMs + rate.averageMs) / 1_000}S`;
  }

  private async rate(queue: string): Promise<Rate> {
    const { data } = await this.readModels.ask(queues, {}, (manager) =>
      manager.query<{ count: number; average: number | null }[]>(
        `select count(*)::int as count, avg(processing_ms)::float8 as average
           from (select processing_ms from queue_receipt
                  where queue_name = $1 and settled_at > $2
                  order by settled_at desc limit 10000) as recent`,
        [queue, new Date(this.clock.now() - WINDOW_MINUTES * 60_000)],
      ),
    );
    const [{ count, average } = { count: 0, average: null }] = data;
    const rate = { perMinute: count / WINDOW_MINUTES, averageMs: average ?? undefined };
    this.rates.set(queue, rate);
    return rate;
  }
}

/** By service; `*` shares. */
export function progressOf(
  progress: MessageProgress | undefined,
  queue: string,
): ReadonlyMap<string, ServiceProgress> {
  const services = new Map<string, ServiceProgress>();
  for (const [name, { pending, inHand, waiting }] of consumersOfQueue(progress, queue)) {
    const before = services.get(name) ?? { pending: 0, inHand: 0, waiting: 0 };
    services.set(name, {
      pending: before.pending + pending,
      inHand: before.inHand + inHand,
      waiting: before.waiting + waiting,
    });
  }
  return services;
}

/** Of one queue, by who reads there. */
export function consumersOfQueue(
  progress: MessageProgress | undefined,
  queue: string,
): readonly (readonly [service: string, consumer: ConsumerProgress & { readonly lane: string }])[] {
  return (progress?.consumers ?? []).flatMap((consumer) => {
    const parts = consumerParts(consumer.durable);
    if (parts?.topic !== queue) return [];
    return [[parts.service ?? '*', { ...consumer, lane: parts.lane }] as const];
  });
}

/** Messages that somebody has yet to settle. */
export const depthOf = (progress: MessageProgress | undefined, queue: string): number =>
  Math.max(
    0,
    ...[...progressOf(progress, queue).values()].map(({ pending, inHand }) => pending + inHand),
  );
