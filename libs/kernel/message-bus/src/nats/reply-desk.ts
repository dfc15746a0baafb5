import { createHash, randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Msg, Subscription } from 'nats';
import type { BusLog } from '../bus-log';
import type { BusMetrics } from '../bus-metrics';
import type { CommandOutcome } from '../command-outcome';
import type { Arrival } from '../handling/arrival';
import { HEADER } from '../headers';
import { reasonOf } from '../one-line';
import type { Subjects } from '../subjects';
import type { Connection } from './connection';
import { outcomeText } from './outcome-text';
import { WaitingRequests } from './waiting-requests';

/** How long an outcome that found nobody waiting is kept, in case the request is late. */
const UNCLAIMED_MS = 1_000;
/** Far longer than the stream's duplicate window: a repetition that the stream drops still gets the outcome. */
const REMEMBERED_MS = 2_000;
const OUTCOMES_MAX = 10_000;
const ANSWERED_MAX = 10_000;
const ANSWERED_MS = 10_000;

interface Answered {
  readonly sequence: number;
  readonly text: string;
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
 * each replica also listens to the commands themselves and remembers who asked: by `Nats-Msg-Id`,
 * under which all who ask get the one outcome, or else by content, where each outcome goes to one
 * of those who asked, the oldest first.
 */
export class ReplyDesk {
  private readonly id = randomUUID();
  private readonly requests: WaitingRequests;
  private readonly outcomes = new LRUCache<string, string>({ max: OUTCOMES_MAX });
  /** Requests answered by content here, in case another replica answered the same one. */
  private readonly answered = new LRUCache<string, Answered>({
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

  close(): void {
    for (const subscription of this.subscriptions) subscription.unsubscribe();
  }

  private deliver(arrival: Arrival, outcome: CommandOutcome): void {
    const text = outcomeText(outcome, arrival);
    const { headers, subject, sequence } = arrival;
    const address = headers[HEADER.replyTo];
    if (address) this.send(address, text);
    const messageId = headers[HEADER.messageId];
    if (messageId) this.answerAll(keyById(subject, messageId), text, address);
    else if (!address) this.answerOne(keyByContent(subject, arrival.text), text, sequence);
  }

  private noteRequest(message: Msg): void {
    for (const listener of this.commandListeners) listener();
    const { reply } = message;
    // JetStream's own traffic has acknowledgement subjects there.
    if (!reply || reply.startsWith('$JS.')) return;
    const subject = this.subjects.logical(message.subject);
    const messageId = message.headers?.get(HEADER.messageId);
    const key = messageId ? keyById(subject, messageId) : keyByContent(subject, message.string());
    const known = this.outcomes.get(key);
    if (known === undefined) {
      this.requests.add(key, reply);
      return;
    }
    if (!messageId) this.outcomes.delete(key);
    this.metrics.deskAnswers++;
    this.send(reply, known);
  }

  private answerAll(key: string, text: string, answeredAlready: string | undefined): void {
    this.outcomes.set(key, text, { ttl: REMEMBERED_MS });
    for (const reply of this.requests.takeAll(key))
      if (reply !== answeredAlready) {
        this.metrics.deskAnswers++;
        this.send(reply, text);
      }
  }

  private answerOne(key: string, text: string, sequence: number): void {
    const reply = this.requests.takeOldest(key);
    if (reply === undefined) {
      this.outcomes.set(key, text, { ttl: UNCLAIMED_MS });
      return;
    }
    this.metrics.deskAnswers++;
    this.answered.set(reply, { sequence, text });
    this.send(reply, text);
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
    this.answerOne(key, own.text, own.sequence);
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

const keyById = (subject: string, messageId: string): string => `${subject}\n${messageId}`;

const keyByContent = (subject: string, text: string): string =>
  `${subject}\n\n${createHash('sha256').update(text).digest('base64')}`;
