import {
  EventStoreOverloaded,
  EventStoreUnavailable,
  executeTogether,
  ReceiptConflict,
  type EventStore,
  type Intent,
} from '@downbeat/event-store';
import { Fault, streamName, type EventMeta } from '@downbeat/eventsourcing';
import type { Publication } from './publication';

const FETCHED_MAX = 500;
/** Publications that are applied by one append. */
const TOGETHER_MAX = 256;

/**
 * Another context's integration event → our command. What a subscriber gets at once is decided and
 * appended at once, with one receipt: a thousand publications cost a few commits.
 */
export interface Reactor {
  /** Durable name, `<context>-<purpose>`: `registry-instance-health`. */
  readonly consumer: string;
  /** The publishing context. */
  readonly source: string;
  /** What is to be done because of it; undefined: nothing. It may be asked again: it has no effect itself. */
  readonly intentFor: (publication: Publication) => Intent | undefined;
}

/** Fetches publications after a number, in order, from the context that made them: fewer than `limit` when they are large, none when there are none. */
export type FetchPublications = (
  source: string,
  after: number,
  limit: number,
) => Promise<readonly Publication[]>;

/** A publication that cannot be applied; the reactor stands still behind it, and says so. */
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
  /** How often several could not be applied at once, and were applied in smaller parts. */
  readonly halvings: number;
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
  private halvings = 0;
  private stuck: string | undefined;
  /** The number that could not be applied: it is tried alone until it can. */
  private stuckAt: number | undefined;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly reactor: Reactor,
    private readonly store: EventStore,
    private readonly fetch: FetchPublications,
    /** Told why several could not be applied at once. */
    private readonly onHalved: (fault: unknown, publications: number) => void = () => undefined,
  ) {}

  status(): SubscriberStatus {
    const { last = 0, gaps, halvings, stuck } = this;
    return { applied: last, gaps, halvings, ...(stuck === undefined ? {} : { stuck }) };
  }

  /** Applies what arrived. One call after another: the bus may have given up waiting for one before. */
  receive(publications: readonly Publication[]): Promise<void> {
    return this.inTurn(async () => {
      for (const row of rowsOf(publications)) {
        await this.fetchBefore(row[0]);
        await this.applyAll(row);
      }
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

  private async fetchBefore(publication: Publication | undefined): Promise<void> {
    if (!publication || publication.number <= (await this.lastApplied()) + 1) return;
    this.last = undefined; // Another replica may have got further than this one knows.
    if (publication.number <= (await this.lastApplied()) + 1) return;
    this.gaps++;
    await this.fetchUntil(publication.number - 1);
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
      await this.applyAll(missing.filter(({ number }) => number <= until));
    }
  }

  private async lastApplied(): Promise<number> {
    const { consumer, source } = this.reactor;
    this.last ??= await this.store.lastReceipt(consumer, source);
    return this.last;
  }

  /** In order, each number once, with as few appends as may be. */
  private async applyAll(publications: readonly Publication[]): Promise<void> {
    for (let left = publications; ;) {
      const last = await this.lastApplied();
      left = left.filter(({ number }) => number > last);
      if (left.length === 0) return;
      const atOnceMax = left[0]?.number === this.stuckAt ? 1 : TOGETHER_MAX;
      const reactions = this.reactionsTo(left.slice(0, atOnceMax));
      await this.applyHalving(reactions);
      left = left.slice(reactions.length);
    }
  }

  /** To those in a row, before the first that concerns a stream that another one of them concerns. */
  private reactionsTo(publications: readonly Publication[]): readonly Reaction[] {
    const streams = new Set<string>();
    const reactions: Reaction[] = [];
    for (const publication of publications) {
      const before = reactions.at(-1)?.publication;
      if (before && publication.number !== before.number + 1) break;
      const intent = this.intentFor(publication);
      if (intent instanceof ReactorStuck) {
        if (!before) throw this.stuckBehind(intent);
        break;
      }
      if (intent && streams.has(intent.stream)) break;
      if (intent) streams.add(intent.stream);
      reactions.push({ publication, intent });
    }
    return reactions;
  }

  private intentFor(publication: Publication): Intent | undefined | ReactorStuck {
    try {
      return this.reactor.intentFor(publication);
    } catch (fault) {
      return new ReactorStuck(this.reactor.consumer, publication, fault);
    }
  }

  /**
   * Together; when something stands against that, each half by itself, until the one that cannot be
   * applied stands alone. Nothing behind it is applied. One among n costs about log2 n more appends.
   */
  private async applyHalving(reactions: readonly Reaction[]): Promise<void> {
    const last = await this.lastApplied();
    const left = reactions.filter(({ publication }) => publication.number > last);
    const [first] = left;
    if (!first) return;
    if (left.length === 1) return this.apply(first);
    try {
      return await this.append(left);
    } catch (fault) {
      // Whatever it was, those in the parts meet it again, and say where.
      this.last = undefined;
      this.halvings++;
      this.onHalved(fault, left.length);
      // Of a database that does not answer the least is asked before halves wait for it again.
      const alone = isOfDatabase(fault) ? 1 : 0;
      const middle = alone + Math.ceil((left.length - alone) / 2);
      await this.applyHalving(left.slice(0, alone));
      await this.applyHalving(left.slice(alone, middle));
      await this.applyHalving(left.slice(middle));
    }
  }

  private async apply(reaction: Reaction): Promise<void> {
    const { publication } = reaction;
    const { number } = publication;
    if (number <= (await this.lastApplied())) return;
    try {
      await this.append([reaction]);
    } catch (fault) {
      this.last = undefined; // Ask the database how far we are before anything else.
      if (fault instanceof ReceiptConflict && fault.last >= number) return;
      this.stuckAt = number;
      throw this.stuckBehind(new ReactorStuck(this.reactor.consumer, publication, fault));
    }
  }

  private stuckBehind(stuck: ReactorStuck): ReactorStuck {
    this.stuck = stuck.message;
    return stuck;
  }

  /** Whatever is decided, the receipt is written: what a decider refused was handled too. */
  private async append(reactions: readonly Reaction[]): Promise<void> {
    const { consumer, source } = this.reactor;
    const [first, last] = [reactions[0]?.publication, reactions.at(-1)?.publication];
    if (!first || !last) return;
    const { number } = last;
    const receipt = { consumer, source, number, ...(first !== last && { first: first.number }) };
    const stream = streamName('receipt', consumer);
    const meta = causedBy(last, consumer);
    const intents = reactions.flatMap(({ intent }) => intent ?? []);
    await executeTogether(this.store, intents, () => ({ stream, meta, receipt }));
    this.last = number;
    this.stuck = undefined;
    this.stuckAt = undefined;
  }
}

const isOfDatabase = (fault: unknown): boolean =>
  fault instanceof EventStoreUnavailable || fault instanceof EventStoreOverloaded;

interface Reaction {
  readonly publication: Publication;
  readonly intent: Intent | undefined;
}

/** Cut wherever a number does not follow the one before it. */
function rowsOf(publications: readonly Publication[]): readonly (readonly Publication[])[] {
  const rows: Publication[][] = [];
  let next: number | undefined;
  for (const publication of publications) {
    if (publication.number === next) rows.at(-1)?.push(publication);
    else rows.push([publication]);
    next = publication.number + 1;
  }
  return rows;
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
