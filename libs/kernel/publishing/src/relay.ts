import type { EventStore } from '@downbeat/event-store';
import type { EventTransport, StreamState } from './event-transport';
import { Laggards } from './laggards';
import type { PublicationLog } from './publication-log';
import type { Receipts } from './receipts';

/** How many publications go out in one round. */
const SENT_MAX = 500;

const POLL_MS = 250;
const PAUSE_MS = 500;
const RECONCILE_MS = 10_000;
const UNCONFIRMED_MS = 30_000;
const RETENTION_MS = 7 * 24 * 3_600_000;

export interface RelayOptions {
  /** Look for new events at least this often, should every hint be lost. Default 250. */
  readonly pollMs?: number;
  /** Compare the stream with what was sent this often. Default 10,000. */
  readonly reconcileMs?: number;
  /** How long the stream keeps its messages: a lost one is filled again with as much. Default 7 days. */
  readonly retentionMs?: number;
  /** What a consumer that stands still has not confirmed after this time is sent again. Default 30,000. */
  readonly unconfirmedMs?: number;
  /** Wait this long after a fault before the next round. Default 500. */
  readonly pauseMs?: number;
  readonly onFault: (fault: unknown, what: string) => void;
  /** Told of every loss that was found: an alert, for a relay that works finds none. */
  readonly onFind: (find: { readonly kind: RelayFind; readonly from: number }) => void;
}

/** What a relay needs of a {@link PublicationLog}. */
export type RelayedLog = Pick<
  PublicationLog,
  'number' | 'after' | 'sent' | 'noteSent' | 'head' | 'olderThan'
>;

/** `stream-lost`: it is gone or younger; `stream-regressed`: it is shorter; `unconfirmed`: a consumer missed some. */
export type RelayFind = 'stream-lost' | 'stream-regressed' | 'unconfirmed';

export interface RelayStatus {
  /** Newest publication number given, as this replica last saw it. */
  readonly numbered: number;
  /** Newest one acknowledged by the bus, as this replica last saw it. */
  readonly sent: number;
  /** What is owed; said only by the replica that relays, for the others do not know. */
  readonly unsent?: number;
  readonly finds: Readonly<Record<RelayFind, number>>;
  /** Why nothing goes out, while nothing does. */
  readonly stuck?: string;
}

/**
 * Sends a context's publications to the bus, in order, and finds out when the bus has lost them.
 * One replica relays at a time: the one that holds the context's relay lock.
 */
export class Relay {
  private sent = 0;
  private numbered = 0;
  /** The stream as it was after the last send. */
  private known: StreamState | undefined;
  private repeat = 0;
  private term = 0;
  /** The lock is held, and it is known how far whoever relayed before has come. */
  private isRelaying = false;
  private readonly finds: Record<RelayFind, number> = {
    'stream-lost': 0,
    'stream-regressed': 0,
    unconfirmed: 0,
  };
  private readonly laggards: Laggards;
  private stuck: string | undefined;
  private stopped = false;
  private isHinted = false;
  private onHint: () => void = () => undefined;
  private onStop: () => void = () => undefined;
  private reconcileAt = 0;
  private running: Promise<void> | undefined;
  private readonly unsubscribe: (() => void)[] = [];

  constructor(
    private readonly store: EventStore,
    private readonly log: RelayedLog,
    private readonly receipts: Receipts,
    private readonly transport: EventTransport,
    private readonly lock: RelayLock,
    private readonly options: RelayOptions,
  ) {
    this.laggards = new Laggards((options.unconfirmedMs ?? UNCONFIRMED_MS) / 3);
  }

  /** Starts relaying as soon as this replica gets the lock. */
  start(): void {
    this.unsubscribe.push(this.store.onAppended(() => this.hint(), this.store.context));
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
    this.onStop();
    await this.running;
    await this.lock.release();
  }

  status(): RelayStatus {
    const { numbered, sent, finds, stuck } = this;
    return {
      numbered,
      sent,
      ...(this.isRelaying ? { unsent: numbered - sent } : {}),
      finds: { ...finds },
      ...(stuck === undefined ? {} : { stuck }),
    };
  }

  private hint(): void {
    this.isHinted = true;
    this.onHint();
  }

  private async run(): Promise<void> {
    const { pollMs = POLL_MS, pauseMs = PAUSE_MS, onFault } = this.options;
    while (!this.stopped) {
      this.isHinted = false;
      try {
        if (!(await this.holdsLock())) {
          this.stuck = undefined;
          await this.rest(pauseMs);
          continue;
        }
        this.beginTerm();
        if (Date.now() >= this.reconcileAt) await this.reconcile();
        const more = await this.round();
        this.stuck = undefined;
        if (!more && !this.isHinted) await this.rest(pollMs, { isHintHeard: true });
      } catch (fault) {
        this.stuck = fault instanceof Error ? fault.message : String(fault);
        onFault(fault, 'relay');
        this.reconcileAt = 0; // The stream may be what is wrong.
        await this.rest(pauseMs);
      }
    }
  }

  private async holdsLock(): Promise<boolean> {
    let isHeld = false;
    try {
      isHeld = await this.lock.acquire();
    } finally {
      if (!isHeld) this.isRelaying = false;
    }
    return isHeld;
  }

  /** Whoever relayed since this replica last did has sent on: begin where that one ended. */
  private beginTerm(): void {
    if (this.lock.terms === this.term) return;
    this.term = this.lock.terms;
    this.isRelaying = false;
    this.known = undefined;
    this.reconcileAt = 0;
  }

  /** @returns True when there is more to do at once. */
  private async round(): Promise<boolean> {
    const { newest, hasMore } = await this.log.number();
    this.numbered = newest;
    if (this.sent >= newest) return hasMore;
    const publications = await this.log.after(this.sent, SENT_MAX);
    const last = publications.at(-1);
    if (!last) return hasMore;
    const lastSequence = await this.transport.publish(publications, this.repeat);
    this.sent = last.number;
    if (this.known) this.known = { ...this.known, lastSequence };
    // At once: what is not noted goes out again after a crash, and who listens without a stream hears it twice.
    await this.note();
    return hasMore || this.sent < newest;
  }

  private async note(): Promise<void> {
    await this.log.noteSent({ number: this.sent, stream: this.known });
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
    this.isRelaying = true;
    const state = await this.transport.ensureStream(context);
    const known = this.known ?? state;
    this.known = state;
    if (state.created !== known.created) await this.refill('stream-lost');
    else if (state.lastSequence < known.lastSequence) await this.refill('stream-regressed');
    else await this.sweep();
    this.reconcileAt = Date.now() + (this.options.reconcileMs ?? RECONCILE_MS);
  }

  /** The stream has lost messages: it gets everything again that it would still keep. */
  private async refill(kind: RelayFind): Promise<void> {
    const expired = await this.log.olderThan(this.options.retentionMs ?? RETENTION_MS);
    await this.rewind(Math.min(this.sent, expired), kind);
  }

  /** A consumer stands still before what was sent to it long ago: the stream gets that again. */
  private async sweep(): Promise<void> {
    const old = await this.log.olderThan(this.options.unconfirmedMs ?? UNCONFIRMED_MS);
    const confirmed = await this.receipts.confirmedOf(this.store.context);
    const slowest = this.laggards.look(confirmed, Math.min(this.sent, old), Date.now());
    if (slowest !== undefined) await this.rewind(slowest, 'unconfirmed');
  }

  private async rewind(sent: number, kind: RelayFind): Promise<void> {
    this.sent = sent;
    // The same message ids would be swallowed by the server's duplicate window; the time makes
    // them ones that no replica has used before.
    this.repeat = Date.now();
    this.finds[kind]++;
    this.options.onFind({ kind, from: sent + 1 });
    // Whoever relays next would else take the stream, once it is as long again, for complete.
    await this.note();
  }

  /** A fault or somebody else's lock is waited out whatever is hinted: hints come with every append. */
  private rest(ms: number, { isHintHeard = false } = {}): Promise<void> {
    if (this.stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.onHint = this.onStop = () => undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.onStop = end;
      if (isHintHeard) this.onHint = end;
    });
  }
}

/** Held by the one replica that relays a context's publications. */
export interface RelayLock {
  /** @returns True while this replica holds it. Cheap when it is held already. */
  acquire(): Promise<boolean>;
  /** How often it was gained: another number than before means that it was lost in between. */
  readonly terms: number;
  release(): Promise<void>;
}
