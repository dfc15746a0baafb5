import type { Msg } from 'nats';
import { backOffMs, type BackOff } from '../back-off';
import type { BusLog } from '../bus-log';
import type { BusMetrics } from '../bus-metrics';
import type { EventBatch, IncomingEvent } from '../events';
import { jsonOf, type Arrival } from '../handling/arrival';
import { HANDLER_TIMEOUT_MS } from '../handling/settler';
import { within } from '../handling/within';
import { HEADER } from '../headers';
import type { EventSubscription } from '../message-bus';
import { reasonOf } from '../one-line';
import type { Subjects } from '../subjects';
import type { Connection } from './connection';
import { DurablePull } from './durable-pull';
import { natsArrival } from './nats-arrival';
import { giveBackMs } from './pull-loop';
import type { ConsumerSpec, StreamSpec } from './stream-spec';
import type { Streams } from './streams';

export const BATCH_MAX = 256;

export interface EventConsumerOptions {
  readonly connection: Connection;
  readonly streams: Streams;
  readonly stream: StreamSpec;
  readonly consumer: ConsumerSpec;
  readonly subscription: EventSubscription;
  readonly subjects: Subjects;
  readonly backOff: BackOff;
  readonly heartbeatMs: number;
  readonly checkMs: number;
  readonly metrics: BusMetrics;
  readonly log: BusLog;
}

/** Pulls integration events and hands them on in ordered batches, one batch at a time. */
export class EventConsumer {
  private readonly pull: DurablePull;
  private readonly batchMax: number;
  /** Arrived and not yet acknowledged, by sequence. */
  private readonly arrived = new Map<number, Arrival>();
  private streamIsNew = false;
  private working: Promise<void> | undefined;
  private isStopping = false;
  private wake: () => void = () => undefined;

  constructor(private readonly options: EventConsumerOptions) {
    this.batchMax = options.subscription.batchMax ?? BATCH_MAX;
    this.pull = new DurablePull({
      ...options,
      batchMax: this.batchMax,
      // One batch is applied while the next one comes in.
      room: () => Math.max(0, 2 * this.batchMax - this.arrived.size),
      onMessage: (message, created) => this.receive(message, created),
      held: () => this.arrived.values(),
      onTick: () => undefined,
      onNewStream: () => this.beginAnew(),
    });
  }

  start(): Promise<void> {
    return this.pull.start();
  }

  /** Ends after the batch that is being applied; what has not begun goes back. */
  async stop(): Promise<void> {
    this.isStopping = true;
    this.wake();
    await this.pull.stop(async () => this.working);
    for (const arrival of this.arrived.values()) arrival.nak(giveBackMs(this.options.heartbeatMs));
    this.arrived.clear();
  }

  private receive(message: Msg, streamCreated: string): void {
    const { subjects, log, metrics } = this.options;
    try {
      const subject = subjects.logical(message.subject);
      const arrival = natsArrival(message, streamCreated, subject, this.pull, NOBODY);
      this.arrived.set(arrival.sequence, arrival);
      metrics.deliveries++;
      this.work();
    } catch (fault) {
      log.error('an event could not be taken in', { reason: reasonOf(fault) });
    }
  }

  /** What was not applied of the lost stream, its source will publish again. */
  private beginAnew(): void {
    for (const [sequence, { streamCreated }] of this.arrived)
      if (streamCreated !== this.pull.streamCreated) this.arrived.delete(sequence);
    this.streamIsNew = true;
    this.work();
  }

  private work(): void {
    this.working ??= this.workOff()
      .catch((fault: unknown) =>
        this.options.log.error('an event loop failed', { reason: reasonOf(fault) }),
      )
      .finally(() => {
        this.working = undefined;
        if (!this.isStopping && this.arrived.size > 0) this.work();
      });
  }

  private async workOff(): Promise<void> {
    // Whatever else has just come in belongs to the same batch.
    await new Promise((resolve) => setImmediate(resolve));
    for (let failures = 0; !this.isStopping && (this.arrived.size > 0 || this.streamIsNew);) {
      const arrivals = this.nextBatch();
      const isNew = this.streamIsNew;
      const reason = await this.apply(arrivals, isNew);
      if (reason === undefined) {
        failures = 0;
        if (isNew) this.streamIsNew = false;
        this.acknowledge(arrivals);
        continue;
      }
      this.options.metrics.eventBatchFailures++;
      const { log, subscription, backOff } = this.options;
      log.warn('a batch of events was not applied', { durable: subscription.durable, reason });
      await this.pause(backOffMs(backOff, ++failures, Math.random()));
    }
  }

  private nextBatch(): readonly Arrival[] {
    return [...this.arrived.values()]
      .sort((a, b) => a.sequence - b.sequence)
      .slice(0, this.batchMax);
  }

  /** @returns Why it failed. */
  private async apply(
    arrivals: readonly Arrival[],
    streamIsNew: boolean,
  ): Promise<string | undefined> {
    const { handle, handlerTimeoutMs = HANDLER_TIMEOUT_MS } = this.options.subscription;
    const batch: EventBatch = {
      events: arrivals.map(incoming),
      streamCreated: this.pull.streamCreated,
      streamIsNew,
    };
    try {
      const applied = await within(handlerTimeoutMs, async () => {
        await handle(batch);
        return true;
      });
      return applied ? undefined : `the handler did not end within ${handlerTimeoutMs} ms`;
    } catch (fault) {
      return reasonOf(fault);
    }
  }

  private acknowledge(arrivals: readonly Arrival[]): void {
    for (const { sequence, streamCreated } of arrivals) {
      const held = this.arrived.get(sequence);
      if (held?.streamCreated !== streamCreated) continue;
      held.ack();
      this.arrived.delete(sequence);
      this.options.metrics.eventsConsumed++;
    }
    this.pull.pull();
  }

  private pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function incoming({ subject, sequence, headers, body }: Arrival): IncomingEvent {
  const messageId = headers[HEADER.messageId] ?? '';
  return { subject, sequence, messageId, headers, body: jsonIn(body) };
}

function jsonIn(body: Uint8Array): unknown {
  try {
    return jsonOf(body);
  } catch (fault) {
    if (fault instanceof SyntaxError) return undefined;
    throw fault;
  }
}

/** Events are acknowledged, not answered. */
const NOBODY = { answer: () => undefined, isAwaited: () => false };
