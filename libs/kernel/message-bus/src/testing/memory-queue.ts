import type { BackOff } from '../back-off';
import type { BusLog } from '../bus-log';
import type { BusMetrics } from '../bus-metrics';
import type { CommandOutcome } from '../command-outcome';
import type { DeadLetters } from '../dead-letters';
import { deliveryOf, MalformedMessage, neverRedriven, type Arrival } from '../handling/arrival';
import { Lanes } from '../handling/lanes';
import { Settler, type Received } from '../handling/settler';
import { within } from '../handling/within';
import type { MessageHeaders } from '../headers';
import type { Subscription } from '../message-bus';
import { covers } from '../subjects';

const CLOSE_TIMEOUT_MS = 1_000;

/** A message on a stream in memory. */
export interface MemoryMessage {
  readonly stream: string;
  readonly sequence: number;
  readonly subject: string;
  readonly headers: MessageHeaders;
  readonly body: Uint8Array;
  readonly answer: (outcome: CommandOutcome) => void;
}

export interface MemoryQueueOptions {
  readonly subscription: Subscription;
  readonly deadLetters: DeadLetters;
  readonly backOff: BackOff;
  readonly metrics: BusMetrics;
  readonly log: BusLog;
}

/** One durable consumer in memory: the real handling and ordering, with timers for a server. */
export class MemoryQueue {
  private readonly lanes: Lanes<Received>;
  private readonly settler: Settler;
  private readonly timers = new Set<NodeJS.Timeout>();
  private isClosed = false;

  constructor(private readonly options: MemoryQueueOptions) {
    this.settler = new Settler({ ...options, random: Math.random });
    this.lanes = new Lanes<Received>({
      runningMax: options.subscription.inFlightMax ?? 64,
      blockedMax: Number.MAX_SAFE_INTEGER,
      run: (received) => this.settler.settle(received),
      now: Date.now,
    });
  }

  /** Does this consumer take messages of `subject`? */
  takes(subject: string): boolean {
    return covers(this.options.subscription.subject, subject);
  }

  deliver(message: MemoryMessage, deliveries = 1): void {
    const arrival: Arrival = {
      ...message,
      headers: message.stream === 'retry' ? message.headers : neverRedriven(message.headers),
      streamCreated: 'memory',
      deliveries,
      ack: () => undefined,
      nak: (delayMs) => this.later(delayMs, () => this.deliver(message, deliveries + 1)),
      working: () => undefined,
      isAwaited: () => message.stream !== 'retry',
    };
    this.options.metrics.deliveries++;
    const delivery = deliveryOf(arrival);
    const { orderKey } = this.options.subscription;
    const key =
      orderKey && !(delivery instanceof MalformedMessage) ? orderKey(delivery) : message.subject;
    this.lanes.add(key, { sequence: message.sequence, arrival, delivery });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const timer of this.timers) clearTimeout(timer);
    this.lanes.drain();
    await within(CLOSE_TIMEOUT_MS, () => this.lanes.idle());
  }

  private later(delayMs: number, work: () => void): void {
    if (this.isClosed) return;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      work();
      this.lanes.sweep();
    }, delayMs);
    this.timers.add(timer);
  }
}
