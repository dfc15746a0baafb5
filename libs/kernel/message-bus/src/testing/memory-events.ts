import { backOffMs, type BackOff } from '../back-off';
import type { EventsConfirmed, EventStreamState, IncomingEvent, OutgoingEvent } from '../events';
import { StreamMissing } from '../errors';
import type { EventSubscription } from '../message-bus';

const BATCH_MAX = 256;

interface MemoryEventStream {
  readonly created: string;
  readonly events: IncomingEvent[];
  readonly messageIds: Map<string, number>;
}

/** Streams of integration events in memory. */
export class MemoryEvents {
  private readonly streams = new Map<string, MemoryEventStream>();
  private readonly wakes = new Set<() => void>();
  private made = 0;
  private isClosed = false;

  constructor(private readonly backOff: BackOff) {}

  ensure(context: string): EventStreamState {
    return this.state(context) ?? this.make(context);
  }

  state(context: string): EventStreamState | undefined {
    const stream = this.streams.get(context);
    if (!stream) return undefined;
    const lastSequence = stream.events.length;
    return { created: stream.created, firstSequence: Math.min(1, lastSequence), lastSequence };
  }

  /** What losing the JetStream directory does. */
  lose(context: string): void {
    this.streams.delete(context);
  }

  publish(events: readonly OutgoingEvent[]): EventsConfirmed {
    let duplicates = 0;
    let lastSequence = 0;
    for (const { subject, messageId, headers, body } of events) {
      const stream = this.streams.get(subject.split('.')[1] ?? '');
      if (!stream) throw new StreamMissing(subject);
      const known = stream.messageIds.get(messageId);
      if (known !== undefined) duplicates++;
      const sequence = known ?? stream.events.length + 1;
      lastSequence = Math.max(lastSequence, sequence);
      if (known !== undefined) continue;
      stream.messageIds.set(messageId, sequence);
      stream.events.push({
        subject,
        sequence,
        messageId,
        headers: { ...headers, 'Nats-Msg-Id': messageId },
        body: JSON.parse(JSON.stringify(body)),
      });
    }
    for (const wake of this.wakes) wake();
    return { lastSequence, duplicates };
  }

  consume({ source, handle, batchMax = BATCH_MAX }: EventSubscription): void {
    let applied = 0;
    let created = this.ensure(source).created;
    let isWorking = false;
    const work = async (): Promise<void> => {
      for (let failures = 0; !this.isClosed;) {
        const now = this.ensure(source);
        const streamIsNew = now.created !== created;
        if (streamIsNew) applied = 0;
        const stream = this.streams.get(source);
        const events = stream?.events.slice(applied, applied + batchMax) ?? [];
        if (events.length === 0 && !streamIsNew) return;
        try {
          await handle({ events, streamCreated: now.created, streamIsNew });
        } catch (fault) {
          if (!(fault instanceof Error)) throw fault;
          const delayMs = backOffMs(this.backOff, ++failures, Math.random());
          await new Promise((resolve) => setTimeout(resolve, delayMs));
          continue;
        }
        failures = 0;
        created = now.created;
        applied += events.length;
      }
    };
    let isWanted = false;
    const wake = (): void => {
      isWanted = true;
      if (isWorking) return;
      isWorking = true;
      queueMicrotask(() => void workWhileWanted());
    };
    const workWhileWanted = async (): Promise<void> => {
      while (isWanted) {
        isWanted = false;
        await work();
      }
      isWorking = false;
    };
    this.wakes.add(wake);
    wake();
  }

  close(): void {
    this.isClosed = true;
  }

  private make(context: string): EventStreamState {
    const created = new Date(Date.UTC(2026, 0, 1) + this.made++).toISOString();
    this.streams.set(context, { created, events: [], messageIds: new Map() });
    for (const wake of this.wakes) wake();
    return { created, firstSequence: 0, lastSequence: 0 };
  }
}
