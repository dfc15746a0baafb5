import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  nanos,
  NatsError,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type NatsConnection,
  type StreamConfig,
  type StreamInfo,
} from 'nats';
import type { BusLog } from '../bus-log';
import type { BusMetrics } from '../bus-metrics';
import type { Subjects } from '../subjects';
import { StreamRemaking } from './stream-remaking';
import type { ConsumerSpec, StreamSpec } from './stream-spec';

/** How large streams may grow; a full disk stops the whole server, so none is without bounds. */
export interface StreamBounds {
  readonly commandBytesMax: number;
  readonly retryBytesMax: number;
  readonly eventBytesMax: number;
  readonly eventAgeMaxMs: number;
  /** Of what services send one another. */
  readonly messageBytesMax: number;
  readonly messageAgeMaxMs: number;
}

/**
 * The least that nats-server takes. A repeated command is meant to reach the handler, which knows
 * the answer; and another client's id on another subject is another command, which the server does
 * not know.
 */
export const COMMAND_DUPLICATE_WINDOW_MS = 100;
const EVENT_DUPLICATE_WINDOW_MS = 120_000;
const ACK_PENDING_MAX = 5_000;
const BYTES_LEAST = 16 * 2 ** 20;

/** JetStream's own numbers for what went wrong. */
const STREAM_NOT_FOUND = 10_059;
const STREAM_NAME_IN_USE = 10_058;
const NO_STORAGE = 10_047;

/**
 * The server runs on without its directory until it needs a new file, and says so first when a
 * consumer is written: "open .../meta.inf: no such file or directory".
 */
export const saysFilesAreGone = (description: string): boolean =>
  /no such file or directory/i.test(description);

const filesAreGone = (fault: unknown): boolean =>
  fault instanceof NatsError && saysFilesAreGone(fault.api_error?.description ?? '');

const errorNumber = (fault: unknown): number | undefined =>
  fault instanceof NatsError ? fault.api_error?.err_code : undefined;

/**
 * A consumer that reads nothing and is there as long as its stream: that it can be written again shows that the stream
 * still has its files. One that is new would show nothing, since its folder is made with all those above it.
 */
const PROBE = { durable: 'suite_probe', filter: 'probe.none', ackWaitMs: 10_000 };

/** Makes streams and consumers what code says they are, as often as they vanish. */
export class Streams {
  private readonly remaking: StreamRemaking;

  constructor(
    nats: NatsConnection,
    private readonly manager: JetStreamManager,
    private readonly subjects: Subjects,
    private readonly bounds: StreamBounds,
    private readonly metrics: BusMetrics,
    private readonly log: BusLog,
  ) {
    this.remaking = new StreamRemaking(nats, manager, this, metrics, log);
  }

  commandsOf(context: string): StreamSpec {
    return {
      name: this.subjects.nameOf(`command-${context}`),
      subjects: [this.subjects.physical(`command.${context}.>`)],
      retention: RetentionPolicy.Workqueue,
      max_bytes: this.bounds.commandBytesMax,
      duplicate_window: nanos(COMMAND_DUPLICATE_WINDOW_MS),
      // A requester waits for the outcome; the stream's own acknowledgement would come first.
      no_ack: true,
      discard: DiscardPolicy.New,
    };
  }

  retries(): StreamSpec {
    return {
      name: this.subjects.nameOf('retry'),
      subjects: [this.subjects.physical('retry.>')],
      retention: RetentionPolicy.Workqueue,
      max_bytes: this.bounds.retryBytesMax,
      duplicate_window: nanos(EVENT_DUPLICATE_WINDOW_MS),
      discard: DiscardPolicy.New,
    };
  }

  eventsOf(context: string): StreamSpec {
    return {
      name: this.subjects.nameOf(`event-${context}`),
      subjects: [this.subjects.physical(`event.${context}.>`)],
      retention: RetentionPolicy.Limits,
      max_bytes: this.bounds.eventBytesMax,
      max_age: nanos(this.bounds.eventAgeMaxMs),
      duplicate_window: nanos(EVENT_DUPLICATE_WINDOW_MS),
      discard: DiscardPolicy.Old,
    };
  }

  /** Makes the stream if it is missing; its owner changes it if it differs. */
  async ensure(spec: StreamSpec, isOwner = true): Promise<StreamInfo> {
    const found = (await this.find(spec.name)) ?? (await this.create(spec));
    return isOwner && differs(found.config, spec) ? this.update(found, spec) : found;
  }

  /**
   * The same, and makes it anew when its files are gone. The server is asked by writing the probe again: whoever hears
   * of a message can write to where its acknowledgement goes, so what stands there is no reason to throw a stream away.
   */
  ensureStoring(spec: StreamSpec): Promise<StreamInfo> {
    return this.ensureWithConsumer(spec, this.probeOf(spec), () => undefined);
  }

  async find(name: string): Promise<StreamInfo | undefined> {
    try {
      return await this.manager.streams.info(name);
    } catch (fault) {
      if (errorNumber(fault) === STREAM_NOT_FOUND) return undefined;
      throw fault;
    }
  }

  /** How many messages a stream holds on one subject; 0 when there is no stream. */
  async heldOn({ name }: StreamSpec, subject: string): Promise<number> {
    const physical = this.subjects.physical(subject);
    try {
      const { state } = await this.manager.streams.info(name, { subjects_filter: physical });
      return state.subjects?.[physical] ?? 0;
    } catch (fault) {
      if (errorNumber(fault) === STREAM_NOT_FOUND) return 0;
      throw fault;
    }
  }

  /**
   * Makes stream and consumer what they should be, which changes nothing when they are. A stream
   * whose files are gone is made anew.
   *
   * @param onStream Gets the life of the stream before it has the consumer.
   */
  async ensureWithConsumer(
    spec: StreamSpec,
    consumer: ConsumerSpec,
    onStream: (created: string) => void,
  ): Promise<StreamInfo> {
    const found = await this.ensure(spec, !consumer.isGuest);
    onStream(String(found.created));
    try {
      await this.ensureConsumer(spec.name, consumer);
      return found;
    } catch (fault) {
      if (!filesAreGone(fault)) throw fault;
    }
    const made = await this.remaking.remake(spec, String(found.created), !consumer.isGuest);
    onStream(String(made.created));
    await this.ensureConsumer(spec.name, consumer);
    return made;
  }

  private probeOf({ subjects: [subject = ''] }: StreamSpec): ConsumerSpec {
    const durable = this.subjects.nameOf(PROBE.durable);
    return { ...PROBE, durable, filter: subject.replace(/>$/, PROBE.filter) };
  }

  private async ensureConsumer(stream: string, spec: ConsumerSpec): Promise<void> {
    await this.manager.consumers.add(stream, {
      durable_name: spec.durable,
      filter_subject: spec.filter,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: nanos(spec.ackWaitMs),
      // The bus counts itself and quarantines; a limit here would strand messages.
      max_deliver: -1,
      max_ack_pending: spec.ackPendingMax ?? ACK_PENDING_MAX,
      ...(spec.headersOnly === true && { headers_only: true }),
    });
  }

  /** A server with little disk gets smaller streams rather than none. */
  async create(spec: StreamSpec): Promise<StreamInfo> {
    for (let bytesMax = spec.max_bytes; ; bytesMax = Math.floor(bytesMax / 2)) {
      try {
        const config = { storage: StorageType.File, ...spec, max_bytes: bytesMax };
        const made = await this.manager.streams.add(config);
        // Where nobody waits for an acknowledgement, none can lie.
        if (!spec.no_ack) await this.ensureConsumer(spec.name, this.probeOf(spec));
        this.metrics.streamsCreated++;
        this.log.info('a stream was created', { stream: spec.name, max_bytes: bytesMax });
        return made;
      } catch (fault) {
        if (errorNumber(fault) === STREAM_NAME_IN_USE) return this.manager.streams.info(spec.name);
        if (errorNumber(fault) !== NO_STORAGE || bytesMax / 2 < BYTES_LEAST) throw fault;
      }
    }
  }

  private async update(found: StreamInfo, spec: StreamSpec): Promise<StreamInfo> {
    try {
      return await this.manager.streams.update(spec.name, spec);
    } catch (fault) {
      // An older shape that works is better than a service that does not start.
      this.log.error('a stream could not be changed', { stream: spec.name, err: fault });
      if (fault instanceof NatsError && fault.api_error) return found;
      throw fault;
    }
  }
}

/** Size apart: a stream made smaller on a small disk stays as it is. */
const differs = (is: StreamConfig, should: StreamSpec): boolean =>
  Object.entries(should).some(
    ([name, value]) =>
      name !== 'max_bytes' &&
      JSON.stringify(is[name as keyof StreamConfig] ?? false) !== JSON.stringify(value),
  );
