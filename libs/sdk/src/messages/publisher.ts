import { messagingContract } from '@downbeat/contracts';
import { NatsRefused, NatsUnanswered, NatsUnavailable, type NatsLink } from '../nats/nats-link';
import { publishLater } from './publish-later';
import { backOffMs, pause } from '../pause';
import { MessageNotPublished } from './errors';
import { outgoing, type Outgoing } from './outgoing';
import type { Published, PublishOptions } from './publish-options';
import type { Topic } from './topic';

export type { Published, PublishOptions } from './publish-options';

const TIMEOUT_MS = 5_000;
const TIMEOUT_MS_MAX = 60_000;
/** Of one attempt; with the same id a second one does no harm. */
const ATTEMPT_MS = 2_000;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 1_000;

/** What JetStream answers. */
interface PubAck {
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly description?: string };
}

interface Failed {
  readonly outcome: 'not-sent' | 'unknown';
  readonly why: string;
  /** No repetition can help. */
  readonly isFinal?: boolean;
}
type Attempt = Published | Failed;

/** Puts messages on their stream, and says only then that they are published. */
export class Publisher {
  private readonly ending = new AbortController();

  constructor(
    private readonly link: NatsLink,
    private readonly sender: string,
  ) {}

  /** @throws {MessageNotPublished} */
  async publish(topic: Topic, message: unknown, options: PublishOptions): Promise<Published> {
    const { priority = 'normal', timeoutMs = TIMEOUT_MS } = options;
    const written = outgoing(topic, message, options, this.sender, this.link.payloadMax);
    if (options.delayMs !== undefined && options.delayMs > 0)
      return publishLater(this.link, topic, written, options, this.sender, this.ending.signal);
    const subject = messagingContract.messageSubject(priority, topic.name);
    const until = performance.now() + Math.min(timeoutMs, TIMEOUT_MS_MAX);
    let mayBeThere = false;
    for (let tries = 1; ; tries++) {
      const leftMs = until - performance.now();
      const attempt = await this.attempt(subject, written, Math.min(leftMs, ATTEMPT_MS));
      if (!('outcome' in attempt)) return attempt;
      mayBeThere ||= attempt.outcome === 'unknown';
      const delayMs = backOffMs(tries, RETRY_FIRST_MS, RETRY_MAX_MS);
      const isOver = performance.now() + delayMs >= until || this.ending.signal.aborted;
      if (isOver || attempt.isFinal) {
        const outcome = mayBeThere ? 'unknown' : 'not-sent';
        const why = `not acknowledged after ${tries} attempts: ${attempt.why}`;
        throw new MessageNotPublished(topic.name, outcome, why);
      }
      await pause(delayMs, this.ending.signal);
    }
  }

  /** Those under way make no further attempt. */
  stop(): void {
    this.ending.abort();
  }

  private async attempt(subject: string, written: Outgoing, ms: number): Promise<Attempt> {
    try {
      const reply = await this.link.request(
        subject,
        written.body,
        Math.max(1, Math.round(ms)),
        written.headers,
      );
      const { seq, duplicate = false, error } = ackOf(reply.body);
      if (seq !== undefined) return { messageId: written.id, isDuplicate: duplicate };
      return { outcome: 'unknown', why: error?.description ?? 'the stream said nothing known' };
    } catch (fault) {
      if (fault instanceof NatsRefused)
        return { outcome: 'not-sent', why: fault.message, isFinal: true };
      if (fault instanceof NatsUnavailable) return { outcome: 'not-sent', why: fault.message };
      if (!(fault instanceof NatsUnanswered)) throw fault;
      // Without a stream nobody listens; the suite is about to make it.
      if (fault.why === 'nobody-listens') return { outcome: 'not-sent', why: 'there is no stream' };
      return { outcome: 'unknown', why: fault.message };
    }
  }
}

function ackOf(text: string): PubAck {
  try {
    return (JSON.parse(text) ?? {}) as PubAck;
  } catch (fault) {
    if (!(fault instanceof SyntaxError)) throw fault;
    return {};
  }
}
