import {
  DiscardPolicy,
  nanos,
  NatsError,
  RetentionPolicy,
  type JetStreamManager,
  type MsgRequest,
  type StoredMsg,
} from 'nats';
import { EvidenceNotRead } from '../errors';
import type { KeptEvidence } from '../evidence';
import { contextOf, type Subjects } from '../subjects';
import type { StreamSpec } from './stream-spec';
import type { Streams } from './streams';

/** At one every five seconds, day and night, this is a month. */
const COUNT_MAX = 500_000;
const BYTES_MAX = 2 ** 28;
const AGE_MAX_MS = 400 * 24 * 3_600_000;
const DUPLICATE_WINDOW_MS = 120_000;

const PAGE = 1_000;
/** Messages asked for at once. */
const ASKED_MAX = 50;

/** JetStream's own numbers for "it is not there": the message, the stream. */
const NOT_FOUND = new Set([10_037, 10_059]);

/**
 * Streams whose messages nobody can take out again: `evidence-<context>`. Asked message by message,
 * so that reading needs no consumer, and no right to make one.
 */
export class EvidenceStreams {
  constructor(
    private readonly manager: JetStreamManager,
    private readonly streams: Streams,
    private readonly subjects: Subjects,
  ) {}

  /** The stream for evidence on this subject. */
  specOf(subject: string): StreamSpec {
    const context = contextOf(subject);
    return {
      name: this.subjects.nameOf(`evidence-${context}`),
      subjects: [this.subjects.physical(`evidence.${context}.>`)],
      retention: RetentionPolicy.Limits,
      max_msgs: COUNT_MAX,
      max_bytes: BYTES_MAX,
      max_age: nanos(AGE_MAX_MS),
      duplicate_window: nanos(DUPLICATE_WINDOW_MS),
      discard: DiscardPolicy.Old,
      // Whoever holds evidence against themselves must not be able to remove it. No update undoes this.
      deny_delete: true,
      deny_purge: true,
    };
  }

  async newest(subject: string): Promise<KeptEvidence | undefined> {
    const found = await this.asked(subject, () => this.newestMessage(subject));
    return found && kept(found);
  }

  /** By its place where that is known: nats-server 2.9.10 was seen to crash over `last_by_subj`. */
  private async newestMessage(subject: string): Promise<StoredMsg | undefined> {
    const found = await this.streams.find(this.specOf(subject).name);
    if (!found || found.state.messages === 0) return undefined;
    const physical = this.subjects.physical(subject);
    const last = await this.message(subject, { seq: found.state.last_seq });
    return last?.subject === physical ? last : this.message(subject, { last_by_subj: physical });
  }

  async *all(subject: string): AsyncGenerator<readonly KeptEvidence[]> {
    const found = await this.asked(subject, () => this.streams.find(this.specOf(subject).name));
    if (!found || found.state.messages === 0) return;
    const { first_seq, last_seq } = found.state;
    for (let from = first_seq; from <= last_seq; from += PAGE) {
      const through = Math.min(from + PAGE - 1, last_seq);
      const page = await this.asked(subject, () => this.between(subject, from, through));
      if (page.length > 0) yield page;
    }
  }

  private async between(subject: string, from: number, through: number): Promise<KeptEvidence[]> {
    const physical = this.subjects.physical(subject);
    const page: KeptEvidence[] = [];
    for (let at = from; at <= through; at += ASKED_MAX) {
      const count = Math.min(ASKED_MAX, through - at + 1);
      const asked = Array.from({ length: count }, (_, nth) =>
        this.message(subject, { seq: at + nth }),
      );
      for (const message of await Promise.all(asked))
        if (message?.subject === physical) page.push(kept(message));
    }
    return page;
  }

  private async message(subject: string, query: MsgRequest): Promise<StoredMsg | undefined> {
    try {
      return await this.manager.streams.getMessage(this.specOf(subject).name, query);
    } catch (fault) {
      if (fault instanceof NatsError && NOT_FOUND.has(fault.api_error?.err_code ?? 0))
        return undefined;
      throw fault;
    }
  }

  private async asked<Answer>(subject: string, ask: () => Promise<Answer>): Promise<Answer> {
    try {
      return await ask();
    } catch (fault) {
      if (fault instanceof NatsError) throw new EvidenceNotRead(subject, { cause: fault });
      throw fault;
    }
  }
}

const kept = (message: StoredMsg): KeptEvidence => ({
  sequence: message.seq,
  keptAt: message.time.toISOString(),
  body: parsed(message),
});

/** Anyone with the right to the subject may have written there. */
function parsed(message: StoredMsg): unknown {
  try {
    return JSON.parse(message.string());
  } catch (fault) {
    if (!(fault instanceof SyntaxError)) throw fault;
    return undefined;
  }
}
