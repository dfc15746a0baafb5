import { hash } from 'node:crypto';
import { EventStore } from '@downbeat/event-store';
import { instantOf, Rejection, type Instant } from '@downbeat/eventsourcing';
import {
  MessageBus,
  type FlowBatch,
  type FlowedMessage,
  type FlowedSettlement,
} from '@downbeat/message-bus';
import {
  refusalToSend,
  SHARED,
  type ProducedMessage,
  type Queue,
  type SettledMessage,
} from '@downbeat/messaging-domain';
import { ReadModels } from '@downbeat/projections';
import { Clock } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { consumerParts, queuesOf } from './declared-queues';
import { FlowRecord } from './flow-record';
import { GivenUp } from './given-up';
import { identityOf, producedMessage, type MessageIdentity } from './produced';
import { queues } from './view/queues.projection';

const KNOWN_MAX = 50_000;
const REDRIVEN = 'redriven';

type Known = Pick<MessageIdentity, 'key' | 'queue' | 'isRedriven'>;
interface Named extends FlowedSettlement {
  readonly service: string | undefined;
  readonly topic: string;
  readonly lane: string;
}

/** Writes down what was sent between services and what became of it: facts, many in one event. */
@Injectable()
export class FlowRecorder {
  private readonly logger = new Logger(FlowRecorder.name);
  /** By life of the stream and sequence. */
  private readonly known = new LRUCache<string, Known>({ max: KNOWN_MAX });

  constructor(
    private readonly store: EventStore,
    private readonly bus: MessageBus,
    private readonly readModels: ReadModels,
    private readonly record: FlowRecord,
    private readonly givenUp: GivenUp,
    private readonly clock: Clock,
  ) {}

  async messages({ streamCreated, items }: FlowBatch<FlowedMessage>): Promise<void> {
    const seen = items.flatMap((message) => {
      const identity = identityOf(message, streamCreated);
      this.known.set(placeOf(streamCreated, message.sequence), identity);
      const produced = identity.isRedriven ? undefined : producedMessage(message, identity);
      return produced ? [produced] : [];
    });
    if (seen.length === 0) return;
    const at = this.now();
    const batch_id = batchId('produced', streamCreated, seen);
    const data = { batch_id, stream_created: streamCreated, messages: seen, at };
    await this.record.appendInStep({ type: 'MessagesProduced', data });
    await this.refuse(streamCreated, seen, at);
  }

  async settlements({ streamCreated, items }: FlowBatch<FlowedSettlement>): Promise<void> {
    const named = items.flatMap((item): readonly Named[] => {
      const parts = consumerParts(item.consumer);
      return parts ? [{ ...item, ...parts }] : [];
    });
    for (const one of named.filter(({ settled }) => settled === 'exhausted'))
      await this.exhausted(streamCreated, one);
    const acknowledged = named.filter(({ settled }) => settled === 'acknowledged');
    const identities = await this.identities(streamCreated, acknowledged);
    const messages = acknowledged.flatMap((one) => {
      const identity = identities.get(one.sequence);
      return identity ? [settledMessage(one, identity)] : [];
    });
    if (messages.length === 0) return;
    const batch_id = batchId('settled', streamCreated, messages);
    const data = { batch_id, stream_created: streamCreated, messages, at: this.now() };
    await this.record.appendInStep({ type: 'MessagesSettled', data });
  }

  /** The server has given it up: nobody is left who would say what became of it. */
  private async exhausted(streamCreated: string, one: Named): Promise<void> {
    const { sequence, deliveries, topic, at } = one;
    const service = one.service ?? (await this.anyConsumerOf(topic));
    if (service === undefined) return;
    const error = `delivered ${deliveries} times without an acknowledgement`;
    const failure = { service, streamCreated, sequence, attempts: deliveries, error };
    const letter = await this.givenUp.giveUp(failure);
    if (letter instanceof Rejection)
      this.logger.warn({ service, topic, sequence, at, why: letter.message }, 'not quarantined');
  }

  private async anyConsumerOf(topic: string): Promise<string | undefined> {
    const { data } = await this.readModels.ask(queues, {}, (manager) =>
      manager.query<{ service_name: string }[]>(
        `select service_name from queue_consumer where queue_name = $1 order by 1 limit 1`,
        [topic],
      ),
    );
    return data[0]?.service_name;
  }

  /** From memory, else from the view, else from the stream itself. */
  private async identities(
    streamCreated: string,
    settlements: readonly Named[],
  ): Promise<ReadonlyMap<number, Known>> {
    const found = new Map<number, Known>();
    const missing = new Set<number>();
    for (const { sequence } of settlements) {
      const known = this.known.get(placeOf(streamCreated, sequence));
      if (known) found.set(sequence, known);
      else missing.add(sequence);
    }
    if (missing.size === 0) return found;
    const { data } = await this.readModels.ask(queues, {}, (manager) =>
      manager.query<{ key: string; queue_name: string; sequence: string }[]>(
        `select key, queue_name, sequence from queue_message
          where sequence = any($1::bigint[]) and stream_created = $2`,
        [[...missing], streamCreated],
      ),
    );
    for (const { key, queue_name: queue, sequence } of data) {
      found.set(Number(sequence), { key, queue, isRedriven: false });
      missing.delete(Number(sequence));
    }
    for (const sequence of missing) {
      const message = await this.bus.serviceMessages.read({ streamCreated, sequence });
      if (message) found.set(sequence, identityOf({ ...message, sequence }, streamCreated));
    }
    return found;
  }

  /** What somebody put on the stream himself who may not, or too much: taken away, and counted as failed. */
  private async refuse(
    streamCreated: string,
    seen: readonly ProducedMessage[],
    at: Instant,
  ): Promise<void> {
    const declared = await queuesOf(
      this.store,
      seen.map(({ queue_name }) => queue_name),
    );
    const refused = seen.flatMap((message) => {
      const queue = declared.get(message.queue_name) as Queue;
      const { queue_name, producer, bytes } = message;
      const refusal = refusalToSend(queue_name, queue, producer, bytes);
      return refusal ? [{ message, refusal }] : [];
    });
    if (refused.length === 0) return;
    const sequences = refused.map(({ message }) => message.sequence);
    await this.bus.serviceMessages.discard(streamCreated, sequences);
    const messages = refused.map(
      ({ message: { key, queue_name, sequence }, refusal }): SettledMessage => ({
        ...{ key, queue_name, sequence, service_name: SHARED, outcome: 'failed', deliveries: 0 },
        error: refusal.message,
        at,
      }),
    );
    const batch_id = batchId('refused', streamCreated, messages);
    const data = { batch_id, stream_created: streamCreated, messages, at };
    await this.record.append({ type: 'MessagesSettled', data });
    this.logger.warn({ count: refused.length, example: messages[0]?.error }, 'messages refused');
  }

  private now(): Instant {
    return instantOf(this.clock.now());
  }
}

const placeOf = (streamCreated: string, sequence: number): string => `${streamCreated}:${sequence}`;

/** The same for the same items: a batch that comes again after a crash is one. */
export function batchId(
  what: string,
  streamCreated: string,
  items: readonly {
    readonly key: string;
    readonly sequence: number;
    readonly service_name?: string;
  }[],
): string {
  const all = items.map(({ key, sequence, service_name = '' }) => [key, sequence, service_name]);
  return `${what}.${hash('sha256', JSON.stringify([streamCreated, all]), 'base64url')}`;
}

function settledMessage(one: Named, { key, queue }: Known): SettledMessage {
  return {
    key,
    queue_name: queue,
    service_name: one.service ?? SHARED,
    sequence: one.sequence,
    outcome: 'consumed',
    deliveries: one.deliveries,
    processing_ms: Math.round(one.handledMs * 1_000) / 1_000,
    ...(one.lane === REDRIVEN && { is_redriven: true }),
    at: one.at.toISOString() as Instant,
  };
}
