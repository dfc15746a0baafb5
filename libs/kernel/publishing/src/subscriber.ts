import { ReceiptConflict, type EventStore, type Receipt } from '@downbeat/event-store';
import { Fault, streamName, type EventMeta } from '@downbeat/eventsourcing';
import type { Publication } from './publication';

const FETCHED_MAX = 500;

/**
 * Another context's integration event → our command. `apply` must put `receipt` into the append
 * that is its effect; where it has none, it returns `ignored` and the subscriber writes the receipt.
 */
export interface Reactor {
  /** Durable name, `<context>-<purpose>`: `registry-instance-health`. */
  readonly consumer: string;
  /** The publishing context. */
  readonly source: string;
  readonly apply: (publication: Publication, receipt: Receipt) => Promise<'applied' | 'ignored'>;
}

/** Fetches publications after a number, in order, from the context that made them: fewer than `limit` when they are large, none when there are none. */
export type FetchPublications = (
  source: string,
  after: number,
  limit: number,
) => Promise<readonly Publication[]>;

/** A publication that `apply` will never manage; the reactor stands still behind it, and says so. */
export class ReactorStuck extends Fault {
  override readonly name = 'ReactorStuck';
  readonly code = 'publishing/reactor-stuck';
  readonly remedy = 'retry';

  constructor(consumer: string, publication: Publication, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      `${consumer} cannot apply number ${publication.number} of ${publication.source}: ${reason}`,
      { cause },
    );
  }
}

export interface SubscriberStatus {
  /** The last number applied, as far as this replica knows. */
  readonly applied: number;
  /** How often numbers were missing before one that arrived: the bus lost them, or another replica has them. */
  readonly gaps: number;
  /** Why the next one cannot be applied, while it cannot. */
  readonly stuck?: string;
}

/**
 * Applies publications exactly once and in order, whatever the bus does: repeated ones are passed
 * over by their number, missing ones are fetched from their source before it goes on.
 *
 * @see Idempotent consumer: Richardson, Microservices Patterns, ch. 3.
 */
export class Subscriber {
  private last: number | undefined;
  private gaps = 0;
  private stuck: string | undefined;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly reactor: Reactor,
    private readonly store: EventStore,
    private readonly fetch: FetchPublications,
  ) {}

  status(): SubscriberStatus {
    const { last = 0, gaps, stuck } = this;
    return { applied: last, gaps, ...(stuck === undefined ? {} : { stuck }) };
  }

  /** Applies what arrived. One call after another: the bus may have given up waiting for one before. */
  receive(publications: readonly Publication[]): Promise<void> {
    return this.inTurn(async () => {
      for (const publication of publications) await this.take(publication);
    });
  }

  /** Fetches and applies all that its source has after the last number applied. */
  catchUp(): Promise<void> {
    return this.inTurn(() => this.fetchUntil(Number.MAX_SAFE_INTEGER));
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.turn.then(work, work);
    this.turn = turn;
    return turn;
  }

  private async take(publication: Publication): Promise<void> {
    if (publication.number > (await this.lastApplied()) + 1) {
      this.last = undefined; // Another replica may have got further than this one knows.
      if (publication.number > (await this.lastApplied()) + 1) {
        this.gaps++;
        await this.fetchUntil(publication.number - 1);
      }
    }
    await this.apply(publication);
  }

  private async fetchUntil(until: number): Promise<void> {
    for (;;) {
      const last = await this.lastApplied();
      if (last >= until) return;
      const missing = await this.fetch(
        this.reactor.source,
        last,
        Math.min(FETCHED_MAX, until - last),
      );
      if (missing.length === 0) return;
      for (const publication of missing)
        if (publication.number <= until) await this.apply(publication);
    }
  }

  private async lastApplied(): Promise<number> {
    const { consumer, source } = this.reactor;
    this.last ??= await this.store.lastReceipt(consumer, source);
    return this.last;
  }

  private async apply(publication: Publication): Promise<void> {
    const { consumer, source } = this.reactor;
    const { number } = publication;
    if (number <= (await this.lastApplied())) return;
    const receipt: Receipt = { consumer, source, number };
    try {
      const applied = await this.reactor.apply(publication, receipt);
      if (applied === 'ignored') await this.note(receipt, publication);
      this.last = number;
      this.stuck = undefined;
    } catch (fault) {
      this.last = undefined; // Ask the database how far we are before anything else.
      if (fault instanceof ReceiptConflict && fault.last >= number) return;
      const stuck = new ReactorStuck(consumer, publication, fault);
      this.stuck = stuck.message;
      throw stuck;
    }
  }

  private async note(receipt: Receipt, publication: Publication): Promise<void> {
    await this.store.append({
      stream: streamName('receipt', receipt.consumer),
      expected: 0,
      events: [],
      meta: causedBy(publication, receipt.consumer),
      receipt,
    });
  }
}

/** The meta of what a reactor does because of a publication. */
export const causedBy = (publication: Publication, actor: string): EventMeta => ({
  correlation_id: publication.meta.correlation_id,
  causation_id: publication.event_id,
  actor,
  ...(publication.meta.traceparent === undefined
    ? {}
    : { traceparent: publication.meta.traceparent }),
});
