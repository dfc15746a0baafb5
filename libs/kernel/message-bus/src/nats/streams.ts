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
import { putBack, rescue } from './stream-rescue';

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

/** A stream as code wants it. The server's copy is made to look like it. */
export type StreamSpec = Pick<StreamConfig, 'name' | 'subjects' | 'retention' | 'max_bytes'> &
  Partial<StreamConfig>;

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

export interface ConsumerSpec {
  readonly durable: string;
  /** Physical. */
  readonly filter: string;
  readonly ackWaitMs: number;
  readonly ackPendingMax?: number;
  /** The stream is another context's: it is made when it is missing, and changed by its owner alone. */
  readonly isGuest?: boolean;
}

/**
 * A consumer that reads nothing and is there as long as its stream: that it can be written again shows that the stream still has
 * its files. One that is new would show nothing, since its folder is made with all those above it.
 */
const PROBE = { durable: 'suite_probe', filter: 'probe.none', ackWaitMs: 10_000 };
/** How often another replica may have taken the new stream for the broken one. */
const PUT_BACK_MAX = 3;

/** Makes streams and consumers what code says they are, as often as they vanish. */
export class Streams {
  /** By the life of the stream that is to be replaced. */
  private readonly remaking = new Map<string, Promise<StreamInfo>>();

  constructor(
    private readonly nats: NatsConnection,
    private readonly manager: JetStreamManager,
    private readonly subjects: Subjects,
    private readonly bounds: StreamBounds,
    private readonly metrics: BusMetrics,
    private readonly log: BusLog,
  ) {}

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
   * The same, and makes it anew when its files are gone. The server is asked by writing the probe again: whoever hears of a message
   * can write to where its acknowledgement goes, so what stands there is no reason to throw a stream away.
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
    const made = await this.remake(spec, String(found.created));
    onStream(String(made.created));
    await this.ensureConsumer(spec.name, consumer);
    return made;
  }

  /**
   * Deletes a stream that cannot store any more and makes it anew. What a work queue still has in
   * memory is put on the new one; events come again from their log.
   *
   * @param created The life of the stream that is broken: if another replica was faster, nothing is done.
   */
  private remake(spec: StreamSpec, created: string): Promise<StreamInfo> {
    const life = `${spec.name} ${created}`;
    const running = this.remaking.get(life);
    if (running) return running;
    const remaking = this.replace(spec, created).finally(() => this.remaking.delete(life));
    this.remaking.set(life, remaking);
    return remaking;
  }

  private async replace(spec: StreamSpec, created: string): Promise<StreamInfo> {
    this.log.error('the files of a stream are gone; it is made anew', { stream: spec.name });
    const rescued =
      spec.retention === RetentionPolicy.Workqueue
        ? await rescue(this.manager, spec.name, created)
        : [];
    const now = await this.find(spec.name);
    if (now && String(now.created) !== created) return now;
    if (now) await this.manager.streams.delete(spec.name);
    let made = await this.create(spec);
    this.metrics.streamsRemade++;
    for (let tries = 0; tries < PUT_BACK_MAX; tries++) {
      await putBack(this.nats, rescued);
      const there = await this.ensure(spec);
      if (String(there.created) === String(made.created)) break;
      made = there;
    }
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
    });
  }

  /** A server with little disk gets smaller streams rather than none. */
  private async create(spec: StreamSpec): Promise<StreamInfo> {
    for (let bytesMax = spec.max_bytes; ; bytesMax = Math.floor(bytesMax / 2)) {
      try {
        const config = { storage: StorageType.File, ...spec, max_bytes: bytesMax };
        const made = await this.manager.streams.add(config);
        // Where nobody waits for an acknowledgement, none can lie.
        if (!spec.no_ack) await this.ensureConsumer(spec.name, this.probeOf(spec));
        this.metrics.streamsCreated++;
        this.log.warn('a stream was created', { stream: spec.name, max_bytes: bytesMax });
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
