import { ReceiptConflict, type EventStore, type Receipt } from '@downbeat/event-store';
import { Fault, streamName, type EventMeta } from '@downbeat/eventsourcing';
import type { Publication } from './publication';
import type { Receipts } from './receipts';

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

/** Fetches a range of publications from the context that made them. */
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
    super(`${consumer} cannot apply number ${publication.number} of ${publication.source}`, {
      cause,
    });
  }
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

  constructor(
    private readonly reactor: Reactor,
    private readonly store: EventStore,
    private readonly receipts: Receipts,
    private readonly fetch: FetchPublications,
  ) {}

  /** The last number applied, and how often the bus had lost some before it. */
  status(): { readonly applied: number; readonly gaps: number } {
    return { applied: this.last ?? 0, gaps: this.gaps };
  }

  /** Applies what arrived, in the order of its numbers. */
  async receive(publications: readonly Publication[]): Promise<void> {
    for (const publication of publications) {
      const last = await this.lastApplied();
      if (publication.number <= last) continue;
      if (publication.number > last + 1) {
        this.gaps++;
        await this.catchUp(publication.number - 1);
      }
      await this.apply(publication);
    }
  }

  /** Fetches and applies what its source has after the last number applied, up to `until`. */
  async catchUp(until = Number.MAX_SAFE_INTEGER): Promise<void> {
    for (;;) {
      const last = await this.lastApplied();
      if (last >= until) return;
      const limit = Math.min(FETCHED_MAX, until - last);
      const missing = await this.fetch(this.reactor.source, last, limit);
      for (const publication of missing)
        if (publication.number <= until) await this.apply(publication);
      if (missing.length < limit) return;
    }
  }

  private async lastApplied(): Promise<number> {
    this.last ??= await this.receipts.lastOf(this.reactor.consumer, this.reactor.source);
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
    } catch (fault) {
      this.last = undefined; // Ask the database how far we are before anything else.
      if (fault instanceof ReceiptConflict && (await this.lastApplied()) >= number) return;
      throw new ReactorStuck(consumer, publication, fault);
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
