import type { EventStore } from '@downbeat/event-store';
import type { Message } from '@downbeat/eventsourcing';
import type { EventTransport, StreamState } from './event-transport';
import type { PublicationLog } from './publication-log';
import type { Receipts } from './receipts';

/** How many publications go out in one round. */
const SENT_MAX = 500;

export interface RelayOptions {
  /** Look for new events at least this often, should every hint be lost. Default 250. */
  readonly pollMs?: number;
  /** Compare the stream with what was sent this often. Default 10,000. */
  readonly reconcileMs?: number;
  /** How long the stream keeps its messages: a lost one is filled again with as much. Default 7 days. */
  readonly retentionMs?: number;
  /** What no consumer has confirmed after this time is sent again. Default 30,000. */
  readonly unconfirmedMs?: number;
  /** Wait this long after a fault before the next round. Default 500. */
  readonly pauseMs?: number;
  readonly onFault: (fault: unknown, what: string) => void;
  /** Told of every loss that was found: an alert, for a relay that works finds none. */
  readonly onFind: (find: { readonly kind: RelayFind; readonly from: number }) => void;
}

/** `stream-lost`: it is gone or younger; `stream-regressed`: it is shorter; `unconfirmed`: a consumer missed some. */
export type RelayFind = 'stream-lost' | 'stream-regressed' | 'unconfirmed';

export interface RelayStatus {
  /** Newest publication number given. */
  readonly numbered: number;
  /** Newest one acknowledged by the bus. */
  readonly sent: number;
  readonly finds: Readonly<Record<RelayFind, number>>;
}

/**
 * Sends a context's publications to the bus, in order, and finds out when the bus has lost them.
 * One replica relays at a time: the one that holds the context's relay lock.
 */
export class Relay<Event extends Message = Message> {
  private sent = 0;
  private numbered = 0;
  /** The stream as it was after the last send. */
  private known: StreamState | undefined;
  private repeat = 0;
  private readonly finds: Record<RelayFind, number> = {
    'stream-lost': 0,
    'stream-regressed': 0,
    unconfirmed: 0,
  };
  private stopped = false;
  private wake: () => void = () => undefined;
  private woken = false;
  private reconcileAt = 0;
  private running: Promise<void> | undefined;
  private readonly unsubscribe: (() => void)[] = [];

  constructor(
    private readonly store: EventStore,
    private readonly log: PublicationLog<Event>,
    private readonly receipts: Receipts,
    private readonly transport: EventTransport,
    private readonly lock: RelayLock,
    private readonly options: RelayOptions,
  ) {}

  /** Starts relaying as soon as this replica gets the lock. */
  start(): void {
    this.unsubscribe.push(this.store.onAppended(() => this.hint()));
    this.unsubscribe.push(
      this.transport.onReconnected(() => {
        this.reconcileAt = 0;
        this.hint();
      }),
    );
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const stop of this.unsubscribe) stop();
    this.hint();
    await this.running;
    await this.lock.release();
  }

  status(): RelayStatus {
    return { numbered: this.numbered, sent: this.sent, finds: { ...this.finds } };
  }

  private hint(): void {
    this.woken = true;
    this.wake();
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      try {
        if (!(await this.lock.acquire())) {
          this.known = undefined; // Whoever relays meanwhile sends on; begin where that one ends.
          await this.pause(this.options.pauseMs ?? 500);
          continue;
        }
        if (Date.now() >= this.reconcileAt) await this.reconcile();
        const more = await this.round();
        if (!more) await this.pause(this.options.pollMs ?? 250);
      } catch (fault) {
        this.options.onFault(fault, 'relay');
        await this.pause(this.options.pauseMs ?? 500);
      }
    }
  }

  /** @returns True when there is more to do at once. */
  private async round(): Promise<boolean> {
    const more = await this.log.number();
    const publications = await this.log.after(this.sent, SENT_MAX);
    const last = publications.at(-1);
    if (!last) return more;
    const lastSequence = await this.transport.publish(publications, this.repeat);
    this.sent = last.number;
    this.numbered = Math.max(this.numbered, last.number);
    if (this.known) this.known = { ...this.known, lastSequence };
    await this.log.noteSent({ number: this.sent, stream: this.known });
    return more || publications.length === SENT_MAX;
  }

  /** Compares the stream with what was sent to it, and the receipts with what should have arrived. */
  private async reconcile(): Promise<void> {
    const { context } = this.store;
    this.numbered = (await this.log.head()).number;
    if (!this.known) {
      const { number, stream } = await this.log.sent();
      this.sent = number;
      this.known = stream;
    }
    const state = await this.transport.ensureStream(context);
    const known = this.known ?? state;
    this.known = state;
    if (state.created !== known.created) await this.refill('stream-lost');
    else if (state.lastSequence < known.lastSequence) await this.refill('stream-regressed');
    else await this.sweep();
    this.reconcileAt = Date.now() + (this.options.reconcileMs ?? 10_000);
  }

  /** The stream has lost messages: it gets everything again that it would still keep. */
  private async refill(kind: RelayFind): Promise<void> {
    const expired = await this.log.olderThan(this.options.retentionMs ?? 7 * 24 * 3_600_000);
    this.rewind(Math.min(this.sent, expired), kind);
  }

  /** A consumer has not confirmed what was sent to it long ago: the stream gets it again. */
  private async sweep(): Promise<void> {
    const due = Math.min(this.sent, await this.log.olderThan(this.options.unconfirmedMs ?? 30_000));
    const confirmed = await this.receipts.confirmedOf(this.store.context);
    const slowest = Math.min(...confirmed.map(({ number }) => number));
    if (slowest < due) this.rewind(slowest, 'unconfirmed');
  }

  private rewind(sent: number, kind: RelayFind): void {
    this.sent = sent;
    this.repeat++; // Other message ids, or the server's duplicate window swallows them.
    this.found(kind);
  }

  private found(kind: RelayFind): void {
    this.finds[kind]++;
    this.options.onFind({ kind, from: this.sent + 1 });
  }

  private async pause(ms: number): Promise<void> {
    if (this.woken || this.stopped) {
      this.woken = false;
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = () => undefined;
    this.woken = false;
  }
}

/** Held by the one replica that relays a context's publications. */
export interface RelayLock {
  /** @returns True while this replica holds it. Cheap when it is held already. */
  acquire(): Promise<boolean>;
  release(): Promise<void>;
}
