import type { Msg } from 'nats';
import type { BackOff } from '../back-off';
import type { BusLog } from '../bus-log';
import type { BusMetrics } from '../bus-metrics';
import type { DeadLetters } from '../dead-letters';
import { deliveryOf, MalformedMessage, neverRedriven, type Arrival } from '../handling/arrival';
import { Lanes } from '../handling/lanes';
import { Settler, type Received } from '../handling/settler';
import type { Subscription } from '../message-bus';
import { reasonOf } from '../one-line';
import { NO_INBOX } from '../reply-address';
import type { Connection } from './connection';
import { DurablePull } from './durable-pull';
import { natsArrival, type ArrivalDesk } from './nats-arrival';
import { giveBackMs } from './pull-loop';
import type { ConsumerSpec, StreamSpec } from './stream-spec';
import type { Streams } from './streams';

export const IN_FLIGHT_MAX = 64;

/** Messages held back in memory behind earlier ones of their key, as a multiple of those in flight. */
const BLOCKED_FACTOR = 8;
/** A key that stands still this long while the buffer is full has its messages put back. */
const STANDING_MS = 1_000;
const KEPT_PER_KEY = 4;
const PUT_BACK_MS = 5_000;

export interface CommandConsumerOptions extends ArrivalDesk {
  readonly connection: Connection;
  readonly streams: Streams;
  readonly stream: StreamSpec;
  readonly consumer: ConsumerSpec;
  readonly subscription: Subscription;
  readonly deadLetters: DeadLetters;
  readonly backOff: BackOff;
  readonly heartbeatMs: number;
  readonly checkMs: number;
  /** The original logical subject of a message. */
  readonly subjectOf: (physical: string) => string;
  /** Where the asker wants the answer, when that is no inbox. */
  readonly strayReplyOf: (arrival: Arrival) => string | undefined;
  /** What comes here was quarantined before. */
  readonly isRetry: boolean;
  readonly metrics: BusMetrics;
  readonly log: BusLog;
}

/** Pulls messages, keeps those of one key in order, and has each settled. */
export class CommandConsumer {
  private readonly lanes: Lanes<Received>;
  private readonly settler: Settler;
  private readonly pull: DurablePull;
  private waitingBefore = 0;
  private isStopping = false;

  constructor(private readonly options: CommandConsumerOptions) {
    const runningMax = options.subscription.inFlightMax ?? IN_FLIGHT_MAX;
    this.settler = new Settler({ ...options, random: Math.random });
    this.lanes = new Lanes<Received>({
      runningMax,
      blockedMax: runningMax * BLOCKED_FACTOR,
      run: (received) => this.settler.settle(received),
      onRoom: () => this.pull.pull(),
      now: Date.now,
    });
    this.pull = new DurablePull({
      ...options,
      batchMax: runningMax,
      room: () => this.lanes.room(),
      onMessage: (message, created) => this.receive(message, created),
      held: () => this.held(),
      onTick: () => this.tick(),
    });
  }

  start(): Promise<void> {
    return this.pull.start();
  }

  /** Says that a message was seen on its way to the stream. */
  expect(): void {
    this.pull.expect();
  }

  /** Messages of its stream get here. */
  get isSetUp(): boolean {
    return this.pull.isSetUp;
  }

  get counts(): { readonly running: number; readonly waiting: number } {
    return this.lanes.counts;
  }

  /** Stops pulling, gives back what has not begun, and returns when the running handlers have ended. */
  async stop(): Promise<void> {
    this.isStopping = true;
    const stopped = this.pull.stop(() => this.lanes.idle());
    const delayMs = giveBackMs(this.options.heartbeatMs);
    for (const { arrival } of this.lanes.drain()) arrival.nak(delayMs);
    await stopped;
  }

  private receive(message: Msg, streamCreated: string): void {
    const { subjectOf, subscription, metrics, log } = this.options;
    try {
      const subject = subjectOf(message.subject);
      const made = natsArrival(message, streamCreated, subject, this.pull, this.options);
      const headers = this.options.isRetry ? made.headers : neverRedriven(made.headers);
      const arrival = { ...made, headers };
      if (this.isStopping) {
        arrival.nak(giveBackMs(this.options.heartbeatMs));
        return;
      }
      metrics.deliveries++;
      const delivery = this.deliveryOf(arrival);
      const key = keyOf(subscription, subject, delivery);
      const isNew = this.lanes.add(key, { sequence: arrival.sequence, arrival, delivery });
      // This process stood still for too long; that is no failure of the message's own.
      if (!isNew) this.settler.excuse(arrival);
    } catch (fault) {
      log.error('a message could not be taken in', { reason: reasonOf(fault) });
    }
  }

  private deliveryOf(arrival: Arrival): Received['delivery'] {
    const stray = this.options.strayReplyOf(arrival);
    if (stray === undefined) return deliveryOf(arrival);
    return MalformedMessage.field('reply subject', `${NO_INBOX}, not ${JSON.stringify(stray)}`);
  }

  private tick(): void {
    const { metrics, log } = this.options;
    try {
      this.lanes.sweep();
      if (this.lanes.isClogged()) this.makeRoom();
      const { waiting } = this.lanes.counts;
      metrics.waiting += waiting - this.waitingBefore;
      this.waitingBefore = waiting;
      this.pull.pull();
    } catch (fault) {
      log.error('a consumer could not look after its messages', { reason: reasonOf(fault) });
    }
  }

  private *held(): Iterable<Arrival> {
    for (const { arrival } of this.lanes.held()) yield arrival;
  }

  /** So that a key that stands still does not hold up the others. */
  private makeRoom(): void {
    for (const { arrival } of this.lanes.evict(STANDING_MS, KEPT_PER_KEY, PUT_BACK_MS * 2)) {
      this.settler.excuse(arrival);
      arrival.nak(PUT_BACK_MS);
      this.options.metrics.putBack++;
    }
  }
}

/** A subscription's own key may fail on a body it did not expect; the handler will say so. */
function keyOf(
  { orderKey }: Subscription,
  subject: string,
  delivery: Received['delivery'],
): string {
  if (!orderKey || delivery instanceof MalformedMessage) return subject;
  try {
    return orderKey(delivery);
  } catch (fault) {
    if (fault instanceof Error) return subject;
    throw fault;
  }
}
