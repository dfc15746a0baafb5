import type { MessageProgress, StreamFigures } from '../message-flow';
import {
  ServiceMessages,
  type MessageConsumer,
  type MessagePlace,
  type ServiceMessage,
  type StoredMessage,
} from '../service-messages';

/** The stream of services' messages in memory: what it holds is the test's to say. */
export class MemoryServiceMessages extends ServiceMessages {
  created = '2026-03-01 09:30:00 +0000 UTC';
  readonly consumers = new Map<string, MessageConsumer>();
  /** By sequence. */
  readonly held = new Map<number, StoredMessage>();

  override ensure(consumers: readonly MessageConsumer[]): Promise<string> {
    for (const consumer of consumers)
      if (!this.consumers.has(consumer.durable)) this.consumers.set(consumer.durable, consumer);
    return Promise.resolve(this.created);
  }

  override remove(durables: readonly string[]): Promise<void> {
    for (const durable of durables) this.consumers.delete(durable);
    return Promise.resolve();
  }

  /** Nobody reads here. */
  override unread(durable: string): Promise<number> {
    const filter = this.consumers.get(durable)?.filter;
    const ofIt = [...this.held.values()].filter(({ subject }) => subject === filter);
    return Promise.resolve(ofIt.length);
  }

  hold(sequence: number, { subject, headers, payload }: ServiceMessage): void {
    this.held.set(sequence, {
      subject,
      headers,
      body: Buffer.from(payload),
      publishedAt: new Date(),
    });
  }

  override read({ streamCreated, sequence }: MessagePlace): Promise<StoredMessage | undefined> {
    const isThere = streamCreated === this.created;
    return Promise.resolve(isThere ? this.held.get(sequence) : undefined);
  }

  override progress(): Promise<MessageProgress | undefined> {
    const sequences = [...this.held.keys()];
    return Promise.resolve({
      streamCreated: this.created,
      firstSequence: Math.min(...sequences, 1),
      lastSequence: Math.max(...sequences, 0),
      followedThrough: 0,
      consumers: [],
    });
  }

  override adjust(): Promise<void> {
    return Promise.resolve();
  }

  override discard(streamCreated: string, sequences: readonly number[]): Promise<void> {
    if (streamCreated === this.created) for (const one of sequences) this.held.delete(one);
    return Promise.resolve();
  }

  override figures(): Promise<readonly StreamFigures[]> {
    return Promise.resolve([]);
  }
}
