import { hash, randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Msg, Subscription } from 'nats';
import type { BusLog } from '../bus-log';
import type { BusMetrics } from '../bus-metrics';
import type { CommandOutcome } from '../command-outcome';
import type { Arrival } from '../handling/arrival';
import { HEADER } from '../headers';
import { oneLine, reasonOf } from '../one-line';
import { isInbox } from '../reply-address';
import type { Subjects } from '../subjects';
import type { Connection } from './connection';
import { COMMAND_DUPLICATE_WINDOW_MS } from './streams';
import { asRepeated, outcomeText, type StoredAt } from './outcome-text';
import { WaitingRequests } from './waiting-requests';

/** How long an outcome that found nobody waiting is kept, in case the request is late. */
const UNCLAIMED_MS = 1_000;
/** Far longer than the stream's duplicate window: a repetition that the stream drops still gets the outcome. */
const REMEMBERED_MS = 2_000;
const OUTCOMES_MAX = 10_000;
const ANSWERED_MAX = 10_000;
const ANSWERED_MS = 10_000;
/** How long a request whose reply subject is no inbox is known by it. */
const STRAY_MS = 60_000;
const STRAYS_MAX = 1_000;

interface Settled extends StoredAt {
  readonly outcome: CommandOutcome;
}

/** What the desks of a context's replicas tell each other: this request has its answer. */
interface Announcement {
  readonly desk: string;
  readonly key: string;
  readonly reply: string;
  readonly sequence: number;
}

/**
 * Knows where the outcome of a command goes. JetStream does not store a message's reply subject, so
 * each replica also listens to the commands themselves and remembers who asked: by content.
 * With a `Nats-Msg-Id` all who ask get the one outcome, the first of them as it is and the others as
 * a repetition; without, each outcome goes to one of those who asked, the oldest first. Nothing is
 * ever sent to an address that is no inbox.
 */
export class ReplyDesk {
  private readonly id = randomUUID();
  private readonly requests: WaitingRequests;
  private readonly outcomes = new LRUCache<string, Settled>({ max: OUTCOMES_MAX });
  /** Reply subjects that are no inboxes, by the request that came with them. */
  private readonly strays = new LRUCache<string, string>({ max: STRAYS_MAX, ttl: STRAY_MS });
  /** Requests answered by content here, in case another replica answered the same one. */
  private readonly answered = new LRUCache<string, Settled>({
    max: ANSWERED_MAX,
    ttl: ANSWERED_MS,
  });
  private readonly subscriptions: readonly Subscription[];
  private readonly announcements: string;
  private readonly commandListeners: (() => void)[] = [];

  constructor(
    private readonly connection: Connection,
    private readonly subjects: Subjects,
    context: string,
    private readonly metrics: BusMetrics,
    private readonly log: BusLog,
  ) {
    this.requests = new WaitingRequests(() => metrics.deskForgotten++);
    this.announcements = subjects.physical(`desk.${context}`);
    const listen = (subject: string, receive: (message: Msg) => void): Subscription =>
      connection.nats.subscribe(subject, {
        callback: (fault, message) => {
          if (!fault) this.guarded(() => receive(message));
        },
      });
    this.subscriptions = [
      listen(subjects.physical(`command.${context}.>`), (message) => this.noteRequest(message)),
      listen(this.announcements, (message) =>
        this.noteAnnouncement(JSON.parse(message.string()) as Announcement),
      ),
    ];
  }

  /** Calls `listener` for each command seen on its way to the stream. */
  onCommand(listener: () => void): void {
    this.commandListeners.push(listener);
  }

  /** Sends an outcome to everyone who waits for it. Never throws: the command itself is settled. */
  settled(arrival: Arrival, outcome: CommandOutcome): void {
    this.guarded(() => this.deliver(arrival, outcome));
  }

  /** Whether somebody is known to wait; who asked before this process began is known by the header alone. */
  isAwaited({ subject, headers, body }: Arrival): boolean {
    if (headers[HEADER.replyTo]) return true;
    return this.requests.has(keyOf(subject, headers[HEADER.messageId], body));
  }

  close(): void {
    for (const subscription of this.subscriptions) subscription.unsubscribe();
  }

  /** The reply subject of this very message, when it is no inbox. */
  strayReplyOf({ subject, headers, body }: Arrival): string | undefined {
    if (this.strays.size === 0) return undefined;
    return this.strays.get(keyOf(subject, headers[HEADER.messageId], body));
  }

  private deliver(arrival: Arrival, outcome: CommandOutcome): void {
    const { headers, subject, stream, sequence } = arrival;
    const given = headers[HEADER.replyTo];
    const address = given && isInbox(given) ? given : undefined;
    if (address) this.send(address, outcomeText(outcome, arrival));
    const messageId = headers[HEADER.messageId];
    const key = keyOf(subject, messageId, arrival.body);
    if (this.strays.has(key)) return;
    const settled = { outcome, stream, sequence };
    if (messageId) this.answerAll(key, settled, address);
    else if (!address) this.answerOne(key, settled);
  }

  private noteRequest(message: Msg): void {
    for (const listener of this.commandListeners) listener();
    const { reply } = message;
    if (!reply && this.strays.size === 0) return;
    const subject = this.subjects.logical(message.subject);
    const messageId = message.headers?.get(HEADER.messageId);
    const key = keyOf(subject, messageId, message.data);
    if (reply && !isInbox(reply)) {
      this.noteStray(key, subject, reply);
      return;
    }
    this.strays.delete(key);
    if (!reply) return;
    const known = this.outcomes.get(key);
    if (known === undefined) {
      this.requests.add(key, reply);
      return;
    }
    if (!messageId) this.outcomes.delete(key);
    this.metrics.deskAnswers++;
    this.send(reply, outcomeText(messageId ? asRepeated(known.outcome) : known.outcome, known));
  }

  /** Unless somebody waits for the outcome of the same command, who shall have it. */
  private noteStray(key: string, subject: string, reply: string): void {
    // An acknowledgement subject of JetStream's says who delivers the message, not who asks.
    if (reply.startsWith('$JS.ACK.')) return;
    this.log.warn('a reply subject is no inbox', { subject, reply: oneLine(reply) });
    if (!this.requests.has(key)) this.strays.set(key, reply);
  }

  private answerAll(key: string, settled: Settled, answeredAlready: string | undefined): void {
    this.outcomes.set(key, settled, { ttl: rememberedMs(settled.outcome) });
    let isFirst = answeredAlready === undefined;
    for (const reply of this.requests.takeAll(key)) {
      if (reply === answeredAlready) continue;
      const { outcome } = settled;
      this.metrics.deskAnswers++;
      this.send(reply, outcomeText(isFirst ? outcome : asRepeated(outcome), settled));
      isFirst = false;
    }
  }

  private answerOne(key: string, settled: Settled): void {
    const reply = this.requests.takeOldest(key);
    if (reply === undefined) {
      this.outcomes.set(key, settled, { ttl: UNCLAIMED_MS });
      return;
    }
    const { outcome, sequence } = settled;
    this.metrics.deskAnswers++;
    this.answered.set(reply, settled);
    this.send(reply, outcomeText(outcome, settled));
    const announcement: Announcement = { desk: this.id, key, reply, sequence };
    this.connection.nats.publish(this.announcements, JSON.stringify(announcement));
  }

  /**
   * Another replica answered a request. If this one did too, two outcomes met one request and
   * another request is left without: the outcome of the later message moves on to that one.
   */
  private noteAnnouncement({ desk, key, reply, sequence }: Announcement): void {
    if (desk === this.id) return;
    this.requests.take(key, reply);
    const own = this.answered.get(reply);
    if (!own || own.sequence <= sequence) return;
    this.answered.delete(reply);
    this.answerOne(key, own);
  }

  private send(reply: string, text: string): void {
    this.metrics.outcomesSent++;
    this.connection.nats.publish(reply, text);
  }

  private guarded(work: () => void): void {
    try {
      work();
    } catch (fault) {
      this.log.error('the reply desk failed', { reason: reasonOf(fault) });
    }
  }
}

/** What may be answered otherwise next time is no answer to a repetition that the stream takes. */
const rememberedMs = (outcome: CommandOutcome): number =>
  !outcome.accepted && outcome.problem.kind === 'unavailable'
    ? COMMAND_DUPLICATE_WINDOW_MS
    : REMEMBERED_MS;

/** One command as it was sent: with an id, another body under the same id is not the same. */
const keyOf = (subject: string, messageId: string | undefined, body: Uint8Array): string =>
  `${subject}\n${messageId ?? ''}\n${hash('sha256', body, 'base64')}`;
