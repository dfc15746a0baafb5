import type { Msg } from 'nats';
import { backOffMs } from '../back-off';
import type { BusLog } from '../bus-log';
import type { BusMetrics } from '../bus-metrics';
import type { Arrival } from '../handling/arrival';
import { reasonOf } from '../one-line';
import type { Connection } from './connection';
import { PullLoop } from './pull-loop';
import type { ConsumerSpec, StreamSpec } from './stream-spec';
import type { Streams } from './streams';

const RECOVERY_BACK_OFF = { firstMs: 100, maxMs: 5_000 };
/** A stream that is being deleted is not quite gone when its consumer is; one made too early loses its files. */
const DELETION_MS = 250;
/** A message that was seen and not delivered within this time is a reason to look after the stream. */
const OVERDUE_MS = 1_000;
const TICK_MS = 500;
/**
 * How often within one acknowledgement wait the server is told that a message is still in hands.
 * With a wait of 5 s that leaves 3 s in which the event loop may be busy with something else.
 */
const SIGNS_PER_WAIT = 5;
const HELD_MAX = 10_000;

export interface DurablePullOptions {
  readonly connection: Connection;
  readonly streams: Streams;
  readonly stream: StreamSpec;
  readonly consumer: ConsumerSpec;
  readonly heartbeatMs: number;
  /** Stream and consumer are looked after this often even when nothing seems wrong, with as much jitter. */
  readonly checkMs: number;
  readonly batchMax: number;
  readonly room: () => number;
  readonly onMessage: (message: Msg, streamCreated: string) => void;
  /** Messages that no other consumer should get, because they run or wait here. */
  readonly held: () => Iterable<Arrival>;
  /** About twice a second. */
  readonly onTick: () => void;
  /** The stream is another one than before. */
  readonly onNewStream?: () => void;
  readonly metrics: BusMetrics;
  readonly log: BusLog;
}

/** A pull consumer that is set up again, with its stream, as often as either vanishes. */
export class DurablePull {
  private readonly loop: PullLoop;
  private readonly forget: readonly (() => void)[];
  /** What must not be sent before it is known which life of the stream is there. */
  private held: { readonly created: string; readonly act: () => void }[] = [];
  private isVerified = false;
  private timer: NodeJS.Timeout | undefined;
  private created = '';
  private recovering: Promise<void> | undefined;
  private isStopped = false;
  private extendedAt = 0;
  private checkAt = 0;
  /** Since when a message should have come that was seen on its way to the stream. */
  private expectedSince: number | undefined;

  constructor(private readonly options: DurablePullOptions) {
    const { connection, stream, consumer, heartbeatMs, batchMax, room, onMessage } = options;
    this.loop = new PullLoop({
      nats: connection.nats,
      inbox: connection.newInbox(),
      stream: stream.name,
      consumer: consumer.durable,
      room,
      batchMax,
      heartbeatMs,
      onMessage: (message) => {
        this.expectedSince = undefined;
        onMessage(message, this.created);
      },
      onTrouble: (why) => {
        if (why === 'heartbeats-missed') options.metrics.heartbeatsMissed++;
        this.recover(why);
      },
    });
    this.forget = [
      connection.onDisconnect(() => {
        this.isVerified = false;
        this.loop.pause();
      }),
      connection.onReconnect(() => this.recover('reconnected')),
    ];
  }

  /** Returns when the consumer exists and pulls. */
  async start(): Promise<void> {
    await this.setUp();
    if (this.isStopped) return;
    this.loop.start();
    this.checkAt = this.nextCheck();
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  /** Asks for more messages if there is room. */
  pull(): void {
    this.loop.pull();
  }

  /**
   * Messages that were on their way come in before `idle` is called; until that has returned, what
   * is held stays held.
   */
  async stop(idle: () => Promise<void>): Promise<void> {
    this.isStopped = true;
    for (const forget of this.forget) forget();
    await this.loop.stop();
    await idle();
    clearInterval(this.timer);
    await this.recovering;
  }

  /** Stream and consumer are there, as far as is known: a server that is silent is noticed by its heartbeats. */
  get isSetUp(): boolean {
    return this.isVerified && this.recovering === undefined;
  }

  get streamCreated(): string {
    return this.created;
  }

  /**
   * Does `act` (an acknowledgement) if the stream is still the one made at `created`. On a younger
   * stream the same sequence is another message, which the acknowledgement would delete unhandled.
   * While that is not known, `act` waits; it is dropped when too many wait.
   */
  ifCurrent(created: string, act: () => void): void {
    if (this.isVerified) {
      if (created === this.created) act();
    } else if (this.held.length < HELD_MAX) this.held.push({ created, act });
  }

  respond(ackSubject: string, payload: string): void {
    this.options.connection.nats.publish(ackSubject, payload);
  }

  /** As `ifCurrent`, but never later. */
  ifCurrentNow(created: string, act: () => void): void {
    if (this.isVerified && created === this.created) act();
  }

  private tick(): void {
    const { connection, consumer, onTick } = this.options;
    // Whoever closed the bus did not wait for a handler that hangs.
    if (connection.status === 'closed') clearInterval(this.timer);
    else if (Date.now() - this.extendedAt > consumer.ackWaitMs / SIGNS_PER_WAIT) this.extend();
    if (this.isStopped) return;
    this.loop.checkHeartbeat();
    onTick();
    if (Date.now() > this.checkAt || this.isOverdue()) this.check();
  }

  private extend(): void {
    this.extendedAt = Date.now();
    try {
      for (const arrival of this.options.held()) arrival.working();
    } catch (fault) {
      this.options.log.error('messages could not be held', { reason: reasonOf(fault) });
    }
  }

  private async setUp(): Promise<void> {
    const { streams, stream, consumer } = this.options;
    const { created } = await streams.ensureWithConsumer(stream, consumer, (found) => {
      // Its consumer takes acknowledgements as soon as it is there, those of the stream before too.
      if (found !== this.created) this.isVerified = false;
    });
    const isNew = this.created !== '' && this.created !== String(created);
    this.created = String(created);
    this.isVerified = true;
    const held = this.held;
    this.held = [];
    for (const { created: of, act } of held) this.ifCurrent(of, act);
    if (isNew) this.options.onNewStream?.();
  }

  /** Says that a message was seen on its way to the stream. */
  expect(): void {
    this.expectedSince ??= Date.now();
  }

  private nextCheck(): number {
    return Date.now() + this.options.checkMs * (1 + Math.random());
  }

  private isOverdue(): boolean {
    return this.expectedSince !== undefined && Date.now() - this.expectedSince > OVERDUE_MS;
  }

  private check(): void {
    this.expectedSince = undefined;
    this.checkAt = this.nextCheck();
    if (this.recovering || this.options.connection.status !== 'connected') return;
    const before = this.created;
    void this.setUp().then(
      () => {
        if (this.created !== before) this.recover('stream-is-new');
      },
      (fault: unknown) => {
        const { log, stream } = this.options;
        log.warn('a stream could not be checked', { stream: stream.name, reason: reasonOf(fault) });
        if (!this.isVerified) this.recover('stream-is-new');
      },
    );
  }

  private recover(why: string): void {
    this.isVerified = false;
    this.loop.pause();
    this.recovering ??= this.setUpUntilDone(why).finally(() => {
      this.recovering = undefined;
    });
  }

  private async setUpUntilDone(why: string): Promise<void> {
    const { metrics, log, stream, consumer } = this.options;
    if (why === 'consumer-gone') await this.pause(DELETION_MS);
    for (let attempt = 1; !this.isStopped; attempt++) {
      try {
        await this.setUp();
        if (this.isStopped) return;
        this.loop.start();
        metrics.consumersRecovered++;
        log.warn('a consumer was set up again', { why, consumer: consumer.durable, attempt });
        return;
      } catch (fault) {
        const reason = reasonOf(fault);
        log.warn('a consumer cannot be set up', { why, stream: stream.name, attempt, reason });
        await this.pause(backOffMs(RECOVERY_BACK_OFF, attempt, Math.random()));
      }
    }
  }

  /** Ends early when the bus is closed. */
  private async pause(delayMs: number): Promise<void> {
    const until = Date.now() + delayMs;
    while (!this.isStopped && Date.now() < until)
      await new Promise((resolve) => setTimeout(resolve, Math.min(50, delayMs)));
  }
}
