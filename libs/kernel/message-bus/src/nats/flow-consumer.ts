import { setTimeout as pauseFor } from 'node:timers/promises';
import type { Msg } from 'nats';
import { backOffMs, type BackOff } from '../back-off';
import type { Arrival } from '../handling/arrival';
import { HANDLER_TIMEOUT_MS } from '../handling/settler';
import { within } from '../handling/within';
import { FLOW_BATCH_MAX } from '../message-flow';
import { reasonOf } from '../one-line';
import { DurablePull, type DurablePullOptions } from './durable-pull';
import { natsArrival } from './nats-arrival';

/** So long what comes is gathered: an event holds many messages. */
const GATHER_MS = 100;

export type FlowConsumerOptions = Pick<
  DurablePullOptions,
  'connection' | 'streams' | 'stream' | 'consumer' | 'heartbeatMs' | 'checkMs' | 'metrics' | 'log'
> & {
  readonly backOff: BackOff;
  readonly handle: (arrivals: readonly FlowArrival[], streamCreated: string) => Promise<void>;
};

export interface FlowArrival extends Arrival {
  /** When its stream got it. */
  readonly storedAt: Date;
}

const NANOS_PER_MS = 1_000_000;

/** Hands on all that a stream gets, in batches, one at a time; acknowledged when they are kept. */
export class FlowConsumer {
  private readonly pull: DurablePull;
  private readonly arrived = new Map<number, FlowArrival>();
  private readonly ending = new AbortController();
  private working: Promise<void> | undefined;

  constructor(private readonly options: FlowConsumerOptions) {
    this.pull = new DurablePull({
      ...options,
      batchMax: FLOW_BATCH_MAX,
      room: () => Math.max(0, 2 * FLOW_BATCH_MAX - this.arrived.size),
      onMessage: (message, created) => this.receive(message, created),
      held: () => this.arrived.values(),
      onTick: () => undefined,
      // What stood on the one before cannot be acknowledged any more.
      onNewStream: () => this.arrived.clear(),
    });
  }

  start(): Promise<void> {
    return this.pull.start();
  }

  async stop(): Promise<void> {
    this.ending.abort();
    await this.pull.stop(async () => this.working);
    for (const arrival of this.arrived.values()) arrival.nak(0);
    this.arrived.clear();
  }

  private receive(message: Msg, created: string): void {
    try {
      const arrival = natsArrival(message, created, message.subject, this.pull, NOBODY);
      const storedAt = new Date(Number(message.reply?.split('.').at(-2)) / NANOS_PER_MS);
      this.arrived.set(arrival.sequence, Object.assign(arrival, { storedAt }));
    } catch (fault) {
      this.options.log.error('a message could not be followed', { reason: reasonOf(fault) });
    }
    this.working ??= this.workOff()
      .catch((fault: unknown) =>
        this.options.log.error('what flows was not followed', { reason: reasonOf(fault) }),
      )
      .finally(() => (this.working = undefined));
  }

  private async workOff(): Promise<void> {
    for (let failures = 0; !this.ending.signal.aborted && this.arrived.size > 0;) {
      if (this.arrived.size < FLOW_BATCH_MAX) await this.pause(GATHER_MS);
      const batch = [...this.arrived.values()]
        .sort((a, b) => a.sequence - b.sequence)
        .slice(0, FLOW_BATCH_MAX);
      const reason = await this.keep(batch);
      if (reason === undefined) {
        failures = 0;
        this.acknowledge(batch);
        continue;
      }
      const { log, backOff, consumer } = this.options;
      log.warn('a batch was not kept', { durable: consumer.durable, reason });
      await this.pause(backOffMs(backOff, ++failures, Math.random()));
    }
  }

  /** @returns Why it was not. */
  private async keep(batch: readonly FlowArrival[]): Promise<string | undefined> {
    if (batch.length === 0) return undefined;
    try {
      const kept = await within(HANDLER_TIMEOUT_MS, async () => {
        await this.options.handle(batch, this.pull.streamCreated);
        return true;
      });
      return kept ? undefined : 'it took too long';
    } catch (fault) {
      return reasonOf(fault);
    }
  }

  private acknowledge(batch: readonly FlowArrival[]): void {
    for (const arrival of batch) {
      if (this.arrived.get(arrival.sequence) !== arrival) continue;
      arrival.ack();
      this.arrived.delete(arrival.sequence);
    }
    this.pull.pull();
  }

  private async pause(ms: number): Promise<void> {
    try {
      await pauseFor(ms, undefined, { signal: this.ending.signal });
    } catch (fault) {
      if (!this.ending.signal.aborted) throw fault;
    }
  }
}

const NOBODY = { answer: () => undefined, isAwaited: () => false };
