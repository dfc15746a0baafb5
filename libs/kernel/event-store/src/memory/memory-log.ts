import {
  instantOf,
  type Instant,
  type JsonObject,
  type Position,
  type RecordedEvent,
  type StreamName,
} from '@downbeat/eventsourcing';
import { AppendRefused, LeaseLost, ReceiptConflict, StreamVersionConflict } from '../errors';
import type { Appended, RememberedAnswer } from '../event-store';
import { LogListeners } from '../read/log-listeners';
import type { SealedAppend } from '../append/sealed-append';

interface Holder {
  readonly context: string;
  readonly owner: string;
  readonly epoch: number;
}

interface OwnerLife {
  readonly context: string;
  readonly expiresAtMs: number;
  readonly isOver: boolean;
}

/** A log in memory, for tests and simulations: what the Postgres schema `log` holds, as maps. */
export class MemoryLog {
  readonly events: RecordedEvent[] = [];
  readonly streams = new Map<StreamName, RecordedEvent[]>();
  readonly answers = new Map<string, Omit<RememberedAnswer, 'repeated'>>();
  readonly receipts = new Map<string, number>();
  readonly holders = new Map<StreamName, Holder>();
  readonly owners = new Map<string, OwnerLife>();
  readonly listeners = new LogListeners((fault) => process.emitWarning(fault.message));
  #commitNo = 0;

  /** @param now The clock, in epoch milliseconds. */
  constructor(readonly now: () => number = Date.now) {}

  get head(): Position {
    return this.events.length;
  }

  /** Judges in the order that {@link Append} documents, then writes all of it at once. */
  append(context: string, sealed: SealedAppend): Appended {
    const earlier = this.#earlier(context, sealed);
    if (earlier) return earlier;
    this.#judge(context, sealed);
    return this.#write(context, sealed);
  }

  /** Judges all of them before it writes one. */
  appendTogether(context: string, group: readonly SealedAppend[]): readonly Appended[] {
    const earlier = group.map((one) => this.#earlier(context, one)).find((found) => found);
    if (earlier) return group.map(() => earlier);
    for (const sealed of group) this.#judge(context, sealed);
    if (group.some(({ events }) => events.length > 0)) this.#commitNo++;
    return group.map((sealed) => this.#write(context, sealed, { isOpen: true }));
  }

  #earlier(context: string, { append }: SealedAppend): Appended | undefined {
    const found = append.command && this.answers.get(keyOf(context, append.command.id));
    if (!found) return undefined;
    const { payloadHash: _, ...answered } = found;
    return { ...answered, repeated: true };
  }

  /** @param isOpen The commit that it belongs to has its number already. */
  #write(context: string, sealed: SealedAppend, { isOpen = false } = {}): Appended {
    const { append } = sealed;
    const command = append.command && keyOf(context, append.command.id);
    if (!isOpen && sealed.events.length > 0) this.#commitNo++;
    for (const event of this.#record(context, sealed)) {
      this.events.push(event);
      this.#streamOf(append.stream).push(event);
    }
    const version = append.expected + sealed.events.length;
    const appended = { version, position: this.head };
    const answer = sealed.answer === undefined ? {} : { answer: parsed<JsonObject>(sealed.answer) };
    const { payloadHash } = append.command ?? {};
    const hash = payloadHash === undefined ? {} : { payloadHash };
    if (command !== undefined) this.answers.set(command, { ...appended, ...answer, ...hash });
    if (append.receipt) {
      const { consumer, source, number } = append.receipt;
      this.receipts.set(keyOf(context, consumer, source), number);
    }
    if (append.lease?.use === 'acquire')
      this.holders.set(append.stream, { context, owner: append.lease.owner, epoch: 1 });
    if (append.lease?.use === 'release') this.holders.delete(append.stream);
    return { ...appended, ...answer, repeated: false };
  }

  #judge(context: string, { append }: SealedAppend): void {
    const { stream, expected, lease, receipt } = append;
    if (receipt) {
      const last = this.receipts.get(keyOf(context, receipt.consumer, receipt.source)) ?? 0;
      if ((receipt.first ?? receipt.number) !== last + 1) throw new ReceiptConflict(receipt, last);
    }
    const holder = this.holders.get(stream);
    if (lease && lease.use !== 'acquire') {
      const isHolder =
        holder?.context === context && holder.owner === lease.owner && holder.epoch === lease.epoch;
      if (!isHolder) throw new LeaseLost(stream, lease.owner, lease.epoch);
    }
    const past = this.streams.get(stream) ?? [];
    if (past[0] && past[0].context !== context)
      throw new AppendRefused(stream, 'the stream belongs to another context');
    if (past.length !== expected) throw new StreamVersionConflict(stream, expected, past.length);
    if (lease?.use === 'acquire' && holder) throw new LeaseLost(stream, lease.owner, lease.epoch);
  }

  #record(context: string, { append, events, meta }: SealedAppend): RecordedEvent[] {
    const recordedAt = this.#nextInstant();
    return events.map((event, index) => ({
      position: this.head + index + 1,
      event_id: event.id,
      context,
      stream: append.stream,
      version: append.expected + index + 1,
      type: event.type,
      schema_version: event.schemaVersion,
      data: parsed(event.data),
      meta: parsed(meta),
      recorded_at: recordedAt,
      commit_no: this.#commitNo,
    }));
  }

  #nextInstant(): Instant {
    const now = instantOf(this.now());
    const newest = this.events.at(-1)?.recorded_at;
    return newest !== undefined && newest > now ? newest : now;
  }

  #streamOf(stream: StreamName): RecordedEvent[] {
    const events = this.streams.get(stream) ?? [];
    this.streams.set(stream, events);
    return events;
  }
}

export const keyOf = (...parts: readonly string[]): string => JSON.stringify(parts);

const parsed = <Value>(text: string): Value => JSON.parse(text) as Value;
