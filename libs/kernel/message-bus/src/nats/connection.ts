import { randomUUID } from 'node:crypto';
import { dialOptions, type NatsIdentity } from '@downbeat/nats-dial';
import {
  connect,
  createInbox,
  DebugEvents,
  Events,
  type ConnectionOptions,
  type NatsConnection,
  type Status,
} from 'nats';
import type { BusLog } from '../bus-log';
import type { BusMetrics } from '../bus-metrics';
import { BusUnavailable } from '../errors';
import type { BusStatus } from '../message-bus';
import { reasonOf } from '../one-line';

export interface ConnectionSettings {
  /** `nats://user:password@host:4222` or `tls://…`, several separated by commas; the first one's user is everyone's. */
  readonly url: string;
  readonly identity?: NatsIdentity | undefined;
  /** Shown by the server's monitoring. */
  readonly name: string;
  readonly pingIntervalMs: number;
  readonly pingsOutMax: number;
  /** How long the very first connection may take, all attempts together. */
  readonly connectTimeoutMs: number;
}

const DIAL_TIMEOUT_MS = 5_000;
const REDIAL_MS = { least: 100, most: 1_000 };

/** One connection that is made again for ever, and who wants to know about it. */
export class Connection {
  private state: BusStatus = 'connected';
  private readonly disconnected = new Set<() => void>();
  private readonly reconnected = new Set<() => void>();
  private waiting: (() => void)[] = [];

  private constructor(
    readonly nats: NatsConnection,
    private readonly inboxPrefix: string,
    private readonly metrics: BusMetrics,
    private readonly log: BusLog,
  ) {
    void this.watch();
    void nats.closed().then((fault) => {
      this.state = 'closed';
      if (fault instanceof Error) log.error('the NATS connection ended', { err: fault });
      this.wake();
    });
  }

  /** @throws {BusUnavailable} No connection within `connectTimeoutMs`. */
  static async open(
    settings: ConnectionSettings,
    metrics: BusMetrics,
    log: BusLog,
  ): Promise<Connection> {
    const deadline = Date.now() + settings.connectTimeoutMs;
    for (;;) {
      try {
        const options = clientOptions(settings);
        return new Connection(await connect(options), options.inboxPrefix, metrics, log);
      } catch (fault) {
        const reason = reasonOf(fault);
        if (Date.now() >= deadline)
          throw new BusUnavailable(`no connection to NATS: ${reason}`, { cause: fault });
        log.warn('NATS does not answer yet', { reason });
        await new Promise((resolve) => setTimeout(resolve, redialMs()));
      }
    }
  }

  get status(): BusStatus {
    return this.state;
  }

  /** Calls `listener` as soon as the connection is known to be broken. Returns the unsubscribe function. */
  onDisconnect(listener: () => void): () => void {
    this.disconnected.add(listener);
    return () => this.disconnected.delete(listener);
  }

  onReconnect(listener: () => void): () => void {
    this.reconnected.add(listener);
    return () => this.reconnected.delete(listener);
  }

  /**
   * Waits for a broken connection to come back.
   *
   * @throws {BusUnavailable} It did not within `timeoutMs`, or it is closed for good.
   */
  async ready(timeoutMs: number): Promise<void> {
    if (this.state === 'disconnected')
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    if (this.state !== 'connected') throw new BusUnavailable(`NATS is ${this.state}`);
  }

  /** A subject that nobody else has, for answers. */
  newInbox(): string {
    return createInbox(this.inboxPrefix);
  }

  /**
   * The same for what services answer. They may write there and to no inbox of the suite, so that none of them
   * can pass for the server or for another context; and no address can be guessed from another one.
   */
  newCallInbox(): string {
    return `${this.inboxPrefix.replace(/^_INBOX/, '_INBOX_CALLS')}.${randomUUID()}`;
  }

  /** From now on nothing new is sent; what is under way may still end. */
  retire(): void {
    this.state = 'closed';
    this.wake();
  }

  private async watch(): Promise<void> {
    for await (const status of this.nats.status()) this.note(status);
  }

  private note({ type, data }: Status): void {
    switch (type) {
      case Events.Disconnect:
        if (this.state === 'closed') return;
        this.state = 'disconnected';
        this.metrics.disconnects++;
        this.log.warn('NATS is disconnected', { server: data });
        this.tell(this.disconnected);
        return;
      case Events.Reconnect:
        if (this.state === 'closed') return;
        this.state = 'connected';
        this.metrics.reconnects++;
        this.log.warn('NATS is connected again', { server: data });
        this.wake();
        this.tell(this.reconnected);
        return;
      case Events.Error:
        this.log.error('NATS reported an error', { error: data });
        return;
      case Events.Update:
      case Events.LDM:
      case DebugEvents.Reconnecting:
      case DebugEvents.PingTimer:
      case DebugEvents.StaleConnection:
      case DebugEvents.ClientInitiatedReconnect:
        return;
    }
  }

  private tell(listeners: Iterable<() => void>): void {
    for (const listener of listeners)
      try {
        listener();
      } catch (fault) {
        this.log.error('a listener of the connection failed', { reason: reasonOf(fault) });
      }
  }

  private wake(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const wake of waiting) wake();
  }
}

const redialMs = (): number => REDIAL_MS.least + Math.random() * (REDIAL_MS.most - REDIAL_MS.least);

function clientOptions(settings: ConnectionSettings): ConnectionOptions & { inboxPrefix: string } {
  return {
    ...dialOptions({ url: settings.url, ...settings.identity }),
    name: settings.name,
    timeout: DIAL_TIMEOUT_MS,
    pingInterval: settings.pingIntervalMs,
    maxPingOut: settings.pingsOutMax,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: redialMs,
    ignoreAuthErrorAbort: true,
    // Stack traces for every request cost more than the request.
    noAsyncTraces: true,
  };
}
