import type { Msg } from 'nats';
import type { BusMetrics } from '../bus-metrics';
import { BusUnavailable, EventsNotConfirmed, StreamBroken, StreamMissing } from '../errors';
import type { EventsConfirmed, OutgoingEvent } from '../events';
import { HEADER } from '../headers';
import { assertSendable, type Subjects } from '../subjects';
import { CONNECTION_WAIT_MS } from './command-sender';
import type { Connection } from './connection';
import { saysFilesAreGone } from './streams';
import { asBusFault, natsHeaders } from './wire';

const CONFIRMED_WITHIN_MS = 5_000;
/** Sent and not yet acknowledged, by one call. */
const UNCONFIRMED_MAX = 1_000;

/** A message for a stream whose body is written already. */
export interface OutgoingMessage extends Pick<OutgoingEvent, 'subject' | 'messageId' | 'headers'> {
  readonly payload: string | Uint8Array;
}

interface PubAck {
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly code: number; readonly description: string };
}

interface Window {
  readonly subject: string;
  left: number;
  lastSequence: number;
  duplicates: number;
  readonly settle: (fault?: Error) => void;
}

/**
 * Publishes to streams with one inbox for all acknowledgements, which costs a fraction of the
 * client's `publish()` with its promise, timer and token for each message.
 */
export class EventPublisher {
  private readonly inbox: string;
  private readonly windows = new Map<string, Window>();
  private lastToken = 0;

  constructor(
    private readonly connection: Connection,
    private readonly subjects: Subjects,
    private readonly metrics: BusMetrics,
  ) {
    this.inbox = connection.newInbox();
    connection.nats.subscribe(`${this.inbox}.*`, {
      callback: (fault, message) => {
        if (!fault) this.receive(message);
      },
    });
    void connection.nats.closed().then(() => {
      for (const window of this.windows.values())
        window.settle(new EventsNotConfirmed('the bus was closed'));
    });
  }

  publish(events: readonly OutgoingEvent[]): Promise<EventsConfirmed> {
    return this.publishMessages(
      events.map((event) => ({ ...event, payload: JSON.stringify(event.body) })),
    );
  }

  /** As `publish`, for bodies that are written already. */
  async publishMessages(events: readonly OutgoingMessage[]): Promise<EventsConfirmed> {
    for (const { subject } of events) assertSendable(subject);
    await this.connection.ready(CONNECTION_WAIT_MS);
    let confirmed: EventsConfirmed = { lastSequence: 0, duplicates: 0 };
    for (let from = 0; from < events.length; from += UNCONFIRMED_MAX) {
      const { lastSequence, duplicates } = await this.publishWindow(
        events.slice(from, from + UNCONFIRMED_MAX),
      );
      confirmed = {
        lastSequence: Math.max(confirmed.lastSequence, lastSequence),
        duplicates: confirmed.duplicates + duplicates,
      };
    }
    return confirmed;
  }

  private async publishWindow(events: readonly OutgoingMessage[]): Promise<EventsConfirmed> {
    const token = String(++this.lastToken);
    try {
      return await this.confirmed(token, events);
    } catch (fault) {
      this.metrics.eventsNotConfirmed += events.length;
      throw asBusFault(fault, events[0]?.subject ?? '');
    } finally {
      this.windows.delete(token);
    }
  }

  private confirmed(token: string, events: readonly OutgoingMessage[]): Promise<EventsConfirmed> {
    return new Promise((resolve, reject) => {
      const window: Window = {
        subject: events[0]?.subject ?? '',
        left: events.length,
        lastSequence: 0,
        duplicates: 0,
        settle: (fault) => {
          clearTimeout(timer);
          if (fault) reject(fault);
          else resolve({ lastSequence: window.lastSequence, duplicates: window.duplicates });
        },
      };
      const timer = setTimeout(
        () =>
          window.settle(
            new EventsNotConfirmed(
              `${window.left} of ${events.length} were not acknowledged within ${CONFIRMED_WITHIN_MS} ms`,
            ),
          ),
        CONFIRMED_WITHIN_MS,
      );
      this.windows.set(token, window);
      try {
        for (const event of events) this.send(event, `${this.inbox}.${token}`);
      } catch (fault) {
        window.settle(fault instanceof Error ? fault : new BusUnavailable(String(fault)));
      }
    });
  }

  private send({ subject, messageId, headers, payload }: OutgoingMessage, reply: string): void {
    this.connection.nats.publish(this.subjects.physical(subject), payload, {
      reply,
      headers: natsHeaders({ ...headers, [HEADER.messageId]: messageId }),
    });
    this.metrics.eventsPublished++;
  }

  private receive(message: Msg): void {
    const window = this.windows.get(message.subject.slice(this.inbox.length + 1));
    // An acknowledgement asks for none: this is a stream's message that somebody had delivered here.
    if (!window || message.reply) return;
    if (message.headers?.code === 503) {
      window.settle(new StreamMissing(window.subject));
      return;
    }
    const { seq, duplicate, error } = ackOf(message.string());
    if (error && saysFilesAreGone(error.description)) {
      window.settle(new StreamBroken(window.subject));
      return;
    }
    if (error || seq === undefined) {
      window.settle(
        new EventsNotConfirmed(`the stream refused: ${error?.description ?? 'unknown'}`),
      );
      return;
    }
    window.lastSequence = Math.max(window.lastSequence, seq);
    if (duplicate) window.duplicates++;
    if (--window.left === 0) window.settle();
  }
}

/** Anyone may write to an inbox; what is no acknowledgement confirms nothing. */
function ackOf(text: string): PubAck {
  try {
    return (JSON.parse(text) ?? {}) as PubAck;
  } catch (fault) {
    if (!(fault instanceof SyntaxError)) throw fault;
    return { error: { code: 500, description: 'not an acknowledgement' } };
  }
}
