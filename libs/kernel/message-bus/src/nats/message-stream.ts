import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  nanos,
  NatsError,
  RetentionPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  type JetStreamManager,
  type NatsConnection,
  type StoredMsg,
} from 'nats';
import type { ConsumerProgress, MessageProgress, StreamFigures } from '../message-flow';
import {
  MESSAGE_STREAM,
  ServiceMessages,
  type MessageConsumer,
  type MessagePlace,
  type StoredMessage,
} from '../service-messages';
import type { Subjects } from '../subjects';
import { KnownConsumers } from './known-consumers';
import { headersOf } from './nats-arrival';
import { FLOW_DURABLE } from './flow';
import type { StreamSpec } from './stream-spec';
import type { Streams } from './streams';

const DUPLICATE_WINDOW_MS = 120_000;
/** After this long without a sign of its consumer a message is given to another instance. */
const ACK_WAIT_MS = 10_000;
/** Of one topic and priority, over all instances of a service. */
const ACK_PENDING_MAX = 1_000;
/**
 * Requests of its instances that wait; the server keeps the room for all of them from the start, so that more would
 * cost each of many thousand consumers what hardly one needs. Who finds none asks again.
 */
const WAITING_MAX = 512;

/** JetStream's own numbers. */
const NOT_FOUND = new Set([10_037, 10_059]);
const CONSUMER_NOT_FOUND = 10_014;
const NO_MESSAGE = [10_043, 10_057];
const ADDED_AT_ONCE = 32;
/** The server says of each acknowledgement that it was given, when and after how many deliveries. */
const SAMPLED = '100%';
const OWN_CONSUMERS = 'suite_';

export interface MessageBounds {
  readonly messageBytesMax: number;
  readonly messageAgeMaxMs: number;
}

/** The stream `message` of what services send one another, and the consumers that they pull from. */
export class MessageStream extends ServiceMessages {
  readonly spec: StreamSpec;
  private readonly known: KnownConsumers;

  constructor(
    nats: NatsConnection,
    private readonly manager: JetStreamManager,
    private readonly streams: Streams,
    private readonly subjects: Subjects,
    bounds: MessageBounds & { readonly apiTimeoutMs: number },
  ) {
    super();
    const name = subjects.nameOf(MESSAGE_STREAM);
    this.known = new KnownConsumers(nats, name, bounds.apiTimeoutMs);
    this.spec = {
      name,
      subjects: [subjects.physical('message.>')],
      retention: RetentionPolicy.Limits,
      max_bytes: bounds.messageBytesMax,
      max_age: nanos(bounds.messageAgeMaxMs),
      duplicate_window: nanos(DUPLICATE_WINDOW_MS),
      // A subscriber that is away for good must not keep everyone else from publishing.
      discard: DiscardPolicy.Old,
    };
  }

  override async ensure(consumers: readonly MessageConsumer[]): Promise<string> {
    const found = await this.streams.ensureStoring(this.spec);
    const created = String(found.created);
    if (consumers.length === 0) return created;
    const wanted = new Map(consumers.map((one) => [this.subjects.nameOf(one.durable), one]));
    const missing = await this.known.missing(created, [...wanted.keys()]);
    for (let from = 0; from < missing.length; from += ADDED_AT_ONCE)
      await Promise.all(
        missing.slice(from, from + ADDED_AT_ONCE).map(async (durable) => {
          const consumer = wanted.get(durable);
          if (consumer) await this.add(durable, consumer);
          this.known.made(created, durable);
        }),
      );
    return created;
  }

  override async remove(durables: readonly string[]): Promise<void> {
    for (const durable of durables.map((one) => this.subjects.nameOf(one)))
      try {
        await this.manager.consumers.delete(this.spec.name, durable);
      } catch (fault) {
        if (!isApiError(fault, CONSUMER_NOT_FOUND, ...NOT_FOUND)) throw fault;
      } finally {
        this.known.removed(durable);
      }
  }

  override async unread(durable: string): Promise<number> {
    try {
      const name = this.subjects.nameOf(durable);
      const found = await this.manager.consumers.info(this.spec.name, name);
      return found.num_pending + found.num_ack_pending;
    } catch (fault) {
      if (isApiError(fault, CONSUMER_NOT_FOUND, ...NOT_FOUND)) return 0;
      throw fault;
    }
  }

  override async read(place: MessagePlace): Promise<StoredMessage | undefined> {
    const found = await this.find(place.sequence);
    // Asked after it was read: the stream may have been another one in between.
    const stream = found && (await this.streams.find(this.spec.name));
    if (!found || String(stream?.created) !== place.streamCreated) return undefined;
    const subject = this.subjects.logical(found.subject);
    return {
      subject,
      headers: headersOf(found.header),
      body: found.data,
      publishedAt: found.time,
    };
  }

  override async progress(): Promise<MessageProgress | undefined> {
    const found = await this.streams.find(this.spec.name);
    if (!found) return undefined;
    const { first_seq: firstSequence, last_seq: lastSequence } = found.state;
    const consumers: ConsumerProgress[] = [];
    let followedThrough = 0;
    for await (const info of this.manager.consumers.list(this.spec.name))
      if (info.name === this.subjects.nameOf(FLOW_DURABLE))
        followedThrough = followedBy(info, lastSequence);
      else if (this.isOfService(info)) consumers.push(this.progressOf(info));
    const streamCreated = String(found.created);
    return { streamCreated, firstSequence, lastSequence, followedThrough, consumers };
  }

  override async adjust(consumers: readonly MessageConsumer[]): Promise<void> {
    const wanted = new Map(consumers.map((one) => [this.subjects.nameOf(one.durable), one]));
    for await (const info of this.manager.consumers.list(this.spec.name)) {
      const consumer = wanted.get(info.name);
      if (!consumer) continue;
      const isLimited = info.config.max_deliver === (consumer.deliveriesMax ?? -1);
      if (isLimited && info.config.sample_freq === SAMPLED) continue;
      try {
        await this.add(info.name, consumer);
      } catch (fault) {
        // nats-server 2.9 changes nothing of a consumer that begins at a time. That it does not say what it
        // acknowledges is no reason to make it anew: its floor says it too, later.
        if (!(fault instanceof NatsError && fault.api_error)) throw fault;
        if (!isLimited) await this.remake(info, consumer);
      }
    }
  }

  override async discard(streamCreated: string, sequences: readonly number[]): Promise<void> {
    const found = await this.streams.find(this.spec.name);
    if (String(found?.created) !== streamCreated) return;
    for (const sequence of sequences)
      try {
        await this.manager.streams.deleteMessage(this.spec.name, sequence, false);
      } catch (fault) {
        if (!isApiError(fault, ...NOT_FOUND, ...NO_MESSAGE)) throw fault;
      }
  }

  override async figures(): Promise<readonly StreamFigures[]> {
    const lead = this.subjects.nameOf('x').slice(0, -1);
    const streams: StreamFigures[] = [];
    for await (const { config, state } of this.manager.streams.list())
      if (config.name.startsWith(lead))
        streams.push({
          name: config.name.slice(lead.length),
          messages: state.messages,
          bytes: state.bytes,
          ageMaxMs: config.max_age / nanos(1),
          consumers: state.consumer_count,
        });
    return streams;
  }

  private isOfService({ name }: ConsumerInfo): boolean {
    return !name.startsWith(this.subjects.nameOf(OWN_CONSUMERS));
  }

  private progressOf(info: ConsumerInfo): ConsumerProgress {
    return {
      durable: info.name.slice(this.subjects.nameOf('x').length - 1),
      pending: info.num_pending,
      inHand: info.num_ack_pending,
      waiting: info.num_waiting,
      deliveredThrough: info.delivered.stream_seq,
      settledThrough: info.ack_floor.stream_seq,
    };
  }

  private async find(seq: number): Promise<StoredMsg | undefined> {
    try {
      return await this.manager.streams.getMessage(this.spec.name, { seq });
    } catch (fault) {
      if (isApiError(fault, ...NOT_FOUND)) return undefined;
      throw fault;
    }
  }

  /** From where it was: what was acknowledged beyond its floor comes once more. */
  private async remake(
    { name, ack_floor }: ConsumerInfo,
    consumer: MessageConsumer,
  ): Promise<void> {
    await this.manager.consumers.delete(this.spec.name, name);
    await this.add(name, consumer, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: ack_floor.stream_seq + 1,
    });
  }

  private async add(
    durable_name: string,
    consumer: MessageConsumer,
    begin: Pick<Partial<ConsumerConfig>, 'deliver_policy' | 'opt_start_seq'> = {},
  ): Promise<void> {
    const { filter, since, deliveriesMax = -1 } = consumer;
    await this.manager.consumers.add(this.spec.name, {
      durable_name,
      filter_subject: this.subjects.physical(filter),
      ack_policy: AckPolicy.Explicit,
      ...(begin.opt_start_seq === undefined
        ? { deliver_policy: DeliverPolicy.StartTime, opt_start_time: since }
        : begin),
      ack_wait: nanos(ACK_WAIT_MS),
      // Subscribers count themselves and quarantine. What the server gives up the suite quarantines, if it is to.
      max_deliver: deliveriesMax,
      sample_freq: SAMPLED,
      max_ack_pending: ACK_PENDING_MAX,
      max_waiting: WAITING_MAX,
    });
  }
}

/** Its floor stays below what was taken off the stream before it was handed on; with nothing left it is past that too. */
const followedBy = (
  { ack_floor, num_pending, num_ack_pending }: ConsumerInfo,
  lastSequence: number,
): number => (num_pending + num_ack_pending === 0 ? lastSequence : ack_floor.stream_seq);

const isApiError = (fault: unknown, ...numbers: readonly number[]): boolean =>
  fault instanceof NatsError && numbers.includes(fault.api_error?.err_code ?? 0);
